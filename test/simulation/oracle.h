// What must hold at the door of the simulated cloud, with arithmetic and memory of its own.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pkg/async/loop.h"
#include "pkg/simulation/heroku.h"
#include "test/simulation/facts.h"

namespace ottoscale::world {

class Oracle {
 public:
  explicit Oracle(async::Loop& loop) : loop_(loop) {}

  // A policy was created or changed: `facts` hold from now on.
  void PolicySet(const PolicyFacts& facts);
  // The same policy was deleted and made anew: what it knew is gone, unless an operator remembers it.
  void MadeAnew(const PolicyFacts& facts);
  // A heartbeat of the app was answered: after how long, with what.
  void BeatAnswered(const std::string& app, absl::Duration took, int status);
  void OperatorStarted() { started_ = loop_.Now().boot; }
  // Each write that the cloud was asked for.
  void Written(const simulation::HerokuWrite& write);
  // At the end of the quiet phase.
  void Settled(const std::string& app, int quantity, double response_ms, absl::Duration quiet);

  void Violate(std::string what) { violations_.push_back(std::move(what)); }
  const std::vector<std::string>& violations() const { return violations_; }
  uint64_t accepted() const { return accepted_; }
  const PolicyFacts* Newest(const std::string& app) const;

 private:
  struct Version {
    async::BootTime from;
    PolicyFacts facts;
  };
  struct Beat {
    async::BootTime at;
    absl::Duration took;
    int status;
  };
  struct Target {
    std::map<std::string, std::vector<Version>> policies;  // by name, oldest first
    std::vector<Beat> beats;
    std::vector<simulation::HerokuWrite> writes;  // accepted, of operators
    std::optional<async::BootTime> human_at;
    std::map<std::string, async::BootTime> made_anew;  // policies, the last time
  };
  // The versions that an operator may still have been acting on.
  static std::vector<PolicyFacts> Recent(const Target& target, async::BootTime now);

  void CheckBounds(const Target& target, const simulation::HerokuWrite& write, bool& correction);
  void CheckPermission(const Target& target, const simulation::HerokuWrite& write);
  void CheckFresh(const Target& target, const simulation::HerokuWrite& write);
  void CheckCooldown(const Target& target, const simulation::HerokuWrite& write);
  void CheckRepeats(const Target& target, const simulation::HerokuWrite& write);

  async::Loop& loop_;
  async::BootTime started_;
  std::map<std::string, Target> targets_;  // by app
  std::vector<std::string> violations_;
  uint64_t accepted_ = 0;
};

}  // namespace ottoscale::world
