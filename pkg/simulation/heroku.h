// A simulated Heroku: the part of the Platform API that a scaler uses, as strict as the real one, as a Handler. Written
// from the public reference and not from the client, so that both can be wrong only on their own.
//
// Strict: the Accept header names version 3 (else 406), the bearer token is known (401), a body is JSON and says so,
// quantities are whole numbers (a relative "+1" is 422), limits of dyno sizes hold (422 cannot_update_above_limit), every
// answer carries RateLimit-Remaining and costs a token (429), errors are {id, message, url}. Dynos start before they serve.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "pkg/async/loop.h"
#include "pkg/http/http.h"

namespace ottoscale::simulation {

struct HerokuOptions {
  absl::Duration boot_min = absl::Seconds(2);  // of a dyno, uniform
  absl::Duration boot_max = absl::Seconds(10);
  double rate_limit = 4500;                    // tokens of an account
  double rate_refill_per_minute = 75;
  size_t page = 200;                           // of a list, unless Range asks for less or more (1000 at most)
};

// A write that was asked for, in the order of arrival: what the oracles look at.
struct HerokuWrite {
  async::Instant at;
  std::string who;  // the account's name, or "human"
  std::string app;
  std::string type;
  int from = 0;
  int to = 0;
  int status = 200;  // of the answer; only 200 changed anything
  bool operator==(const HerokuWrite&) const = default;
};

class SimulatedHeroku final : public http::Handler {
 public:
  explicit SimulatedHeroku(async::Loop& loop, HerokuOptions options = {});

  // An account: who holds `key`. `refuse` makes every call fail: 402 (delinquent), 403 (suspended).
  void AddAccount(const std::string& name, const std::string& key);
  void RevokeKey(const std::string& key);
  void RefuseAccount(const std::string& name, int status);
  // An app with one process type; more by AddProcess. All dynos are up. `size` e.g. "Standard-1X".
  void AddApp(const std::string& name, const std::string& uuid, const std::string& type, int quantity,
              const std::string& size = "Standard-1X");
  void AddProcess(const std::string& app, const std::string& type, int quantity, const std::string& size);

  // What people do at their own terminal: `heroku ps:scale`, maintenance mode, a rename.
  void HumanScales(const std::string& app, const std::string& type, int quantity);
  void SetMaintenance(const std::string& app, bool on);
  void Rename(const std::string& app, const std::string& name);
  // The newest dyno of the type crashes; it comes back after a boot time.
  void Crash(const std::string& app, const std::string& type);

  int Quantity(const std::string& app, const std::string& type) const;
  int Up(const std::string& app, const std::string& type);  // dynos that serve now
  bool Maintenance(const std::string& app) const;
  const std::vector<HerokuWrite>& writes() const { return writes_; }
  uint64_t requests() const { return requests_; }

  async::Task<http::Response> Handle(http::ServerRequest request) override;

 private:
  struct Dyno {
    int number = 0;
    std::string id;
    async::BootTime up_at;
    bool crashed = false;
  };
  struct Process {
    std::string size;
    int quantity = 0;
    std::vector<Dyno> dynos;  // by number
  };
  struct App {
    std::string uuid;
    std::string name;
    bool maintenance = false;
    std::map<std::string, Process> processes;
  };
  struct Account {
    std::string name;
    double tokens = 0;
    async::BootTime refilled;
    int refused = 0;
  };

  App* Find(const std::string& name_or_uuid);
  const App* Find(const std::string& name_or_uuid) const;
  void Scale(Process& process, int quantity, bool boot);
  std::optional<nlohmann::json> LimitError(const App& app, const std::string& type, int quantity) const;
  std::string NewUuid();

  http::Response Answer(int status, nlohmann::json body) const;
  http::Response Error(int status, const std::string& id, const std::string& message) const;
  http::Response Route(const http::ServerRequest& request, const std::string& account);
  http::Response RouteApp(const http::ServerRequest& request, App& app, const std::vector<std::string>& rest,
                          const std::string& account);
  http::Response Patch(const http::ServerRequest& request, App& app, const std::string& type, const std::string& account);
  http::Response PatchAll(const http::ServerRequest& request, App& app, const std::string& account);
  http::Response SetQuantity(App& app, const std::string& type, const nlohmann::json& body, const std::string& account);
  http::Response List(const http::ServerRequest& request, std::vector<nlohmann::json> items) const;
  nlohmann::json FormationJson(const App& app, const std::string& type, const Process& process) const;
  std::vector<nlohmann::json> DynosJson(const App& app);

  async::Loop& loop_;
  HerokuOptions options_;
  std::map<std::string, Account> accounts_;  // by key
  std::map<std::string, App> apps_;          // by UUID
  std::vector<HerokuWrite> writes_;
  uint64_t requests_ = 0;
};

}  // namespace ottoscale::simulation
