// I5: every decision is accounted for. Reads what the API server stores and what the cloud was asked for, and holds the
// one against the other:
//
//   * before the cloud is asked, the policy's status says what for (pendingChange);
//   * what the status or the log says was applied, the cloud was asked for and has accepted;
//   * what the cloud has accepted or refused, the status says: in its history, or as lastApplied when the operator died
//     in between; or somebody has scaled by hand since, and nobody can know;
//   * no change stays pending, and each is counted with its end in the metrics;
//   * status.targetCapacity is nothing that the cloud has never had.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "pkg/async/loop.h"
#include "pkg/kubeapi/object.h"
#include "pkg/simulation/heroku.h"

namespace ottoscale::world {

class Books {
 public:
  using Violate = std::function<void(std::string)>;
  Books(async::Loop& loop, Violate violate) : loop_(loop), violate_(std::move(violate)) {}

  void AppStands(const std::string& app, int capacity) { capacities_[app].insert(capacity); }
  // Each state of a policy of this app that the API server has stored.
  void Stored(const kubeapi::ObjectKey& key, const std::string& app, const nlohmann::json& object);
  // Each write that the cloud was asked for, people's included.
  void Written(const simulation::HerokuWrite& write);
  void Logged(absl::string_view line);
  // All at once. What was under way is settled by the next one.
  void OperatorDied();
  // An operator that ends in order: how many changes of the policy the metrics have counted, with any end.
  void Counted(const std::string& name, uint64_t operations);
  // After the quiet phase: nothing is under way any more.
  void Close();

 private:
  struct Intent {
    int from = 0;
    int to = 0;
    std::string time;
    async::BootTime since;
    bool orphan = false;  // the operator that wrote it is dead
    bool operator==(const Intent& other) const { return from == other.from && to == other.to && time == other.time; }
  };
  struct Asked {
    simulation::HerokuWrite write;
    bool orphan = false;  // the operator that asked is dead: what was refused, nobody can tell any more
    bool told = false;
  };
  struct Policy {
    std::string app;
    std::string uid;
    nlohmann::json status = nlohmann::json::object();
    std::optional<Intent> intent;
    std::vector<Asked> asked;  // and not settled yet
    uint64_t intents = 0;      // of this operator
    uint64_t told = 0;         // entries "Applied", of this operator
    uint64_t logged = 0;       // lines, of this operator
  };
  struct ByHand {
    async::BootTime at;
    int to = 0;
  };
  void ReadHistory(const std::string& name, Policy& policy, const nlohmann::json& status);
  void ReadEntry(const std::string& name, Policy& policy, const nlohmann::json& entry);
  void ReadLastApplied(const std::string& name, Policy& policy, const nlohmann::json& status);
  void ReadIntent(const std::string& name, Policy& policy, const nlohmann::json& status);
  void Settle(const std::string& name, Policy& policy, const nlohmann::json& status);
  static Asked* FindAccepted(Policy& policy, int to);
  bool ScaledByHandSince(const std::string& app, async::BootTime at) const;
  bool BroughtThereByHand(const std::string& app, int to) const;

  async::Loop& loop_;
  Violate violate_;
  std::map<std::string, Policy> policies_;  // by "namespace/name"
  std::map<std::string, std::set<int>> capacities_;
  std::map<std::string, ByHand> by_hand_;  // by app, the last time
};

}  // namespace ottoscale::world
