// A simulated Heroku: the part of the Platform API that a scaler uses, as strict as the real one, as a Handler. Written
// from the public reference and not from the client, so that both can be wrong only on their own.
//
// Checked in this order, the first that fails is answered as {id, message, url}:
//   429 rate_limit             the account has no token left; each answer costs one, but GET /account/rate-limits is
//   free 406 not_acceptable         Accept is not exactly `application/vnd.heroku+json; version=3` 401 unauthorized
//   Authorization is not `Bearer KEY` of an account 402 delinquent, 403 suspended          as switched for the account
//   404 not_found              the endpoint, app or process type does not exist
//   403 forbidden              the account is no collaborator of the app
//   400 bad_request            the body is no JSON object, or Content-Type is not application/json
//   409 conflict               a write while a release runs
//   422 invalid_params         quantity is not a whole number (a relative "+1" in particular), unknown members, sizes
//   422 cannot_update_above_limit          limits of sizes and apps (dyno_sizes.h), with `limit`
//   416 requested_range_not_satisfiable    of a list (list_page.h)
// Every answer has RateLimit-Remaining and Request-Id (echoed or assigned); GETs have an ETag and know If-None-Match.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "pkg/async/loop.h"
#include "pkg/http/http.h"
#include "pkg/simulation/heroku_app.h"
#include "pkg/simulation/heroku_write.h"
#include "pkg/simulation/token_bucket.h"

namespace ottoscale::simulation {

struct HerokuOptions {
  absl::Duration boot_min = absl::Seconds(2);  // of a dyno, uniform
  absl::Duration boot_max = absl::Seconds(10);
  absl::Duration stop_min = absl::ZeroDuration();  // from SIGTERM to the exit of a dyno, uniform, at most 30 s
  absl::Duration stop_max = absl::Seconds(10);
  double rate_limit = 4500;  // tokens of an account
  double rate_refill_per_minute = 75;
  size_t page = 200;    // of a list, unless Range asks for less or more (1000 at most)
  int app_limit = 100;  // dynos of one app, all types together
};

// A write that was asked for, in the order of arrival: what the oracles look at. One per process type: a batch of three
// types makes three, all accepted or none. Requests that name no known process type are not writes.
struct HerokuWrite {
  async::Instant at;
  std::string who;  // the account's name, or "human"
  std::string app;  // its name at that time
  std::string type;
  int from = 0;
  int to = 0;              // -1 when what was asked for is no whole number
  int status = 200;        // of the answer; only 200 changed anything
  std::string error;       // the error's id; "" when accepted
  bool size_sent = false;  // the request named a dyno size, too (a scaler that does undoes people's resizes)

  bool accepted() const { return status == 200; }
  bool operator==(const HerokuWrite&) const = default;
};
// One line: "2026-01-01T00:00:20Z ops shop/web 1 -> 2" and, when refused, ": 422 invalid_params".
std::string Describe(const HerokuWrite& write);

class SimulatedHeroku final : public http::Handler {
 public:
  // The loop outlives it.
  explicit SimulatedHeroku(async::Loop& loop, HerokuOptions options = {});

  // An account, or one more key of it: the keys of an account share its rate limit.
  void AddAccount(const std::string& name, const std::string& key);
  void RevokeKey(const std::string& key);
  // Every call of the account fails: 402 (delinquent) or 403 (suspended); 200 ends it.
  void RefuseAccount(const std::string& name, int status);
  // What other clients of the account have left of its rate limit.
  void SetRemaining(const std::string& name, double tokens);

  // An app with one process type; more by AddProcess. All dynos are up, limits are not checked. `size` e.g.
  // "Standard-1X".
  void AddApp(const std::string& name, const std::string& uuid, const std::string& type, int quantity,
              const std::string& size = "Standard-1X");
  void AddProcess(const std::string& app, const std::string& type, int quantity, const std::string& size);
  void RemoveApp(const std::string& app);
  // From now on only accounts that were named here may see the app.
  void AddCollaborator(const std::string& app, const std::string& account);

  // What people do at their own terminal: `heroku ps:scale` (false, and nothing happens, beyond a limit), `ps:resize`,
  // maintenance mode, a rename, a release that takes its time.
  bool HumanScales(const std::string& app, const std::string& type, int quantity);
  void HumanResizes(const std::string& app, const std::string& type, const std::string& size);
  void SetMaintenance(const std::string& app, bool on);
  void Rename(const std::string& app, const std::string& name);
  void SetReleaseRunning(const std::string& app, bool on);

  // The newest dyno of the type crashes and starts again after a pause.
  void Crash(const std::string& app, const std::string& type);
  // While on, dynos that should come up crash instead (those that are up, at once).
  void SetBootFails(const std::string& app, const std::string& type, bool on);
  // While on, dynos that are up are idle instead.
  void SetAsleep(const std::string& app, const std::string& type, bool on);

  int Quantity(const std::string& app, const std::string& type) const;
  int Up(const std::string& app, const std::string& type) const;  // dynos that serve now
  bool Maintenance(const std::string& app) const;

  const std::vector<HerokuWrite>& writes() const { return writes_; }
  // Called for each write right after it took place (or was refused).
  void OnWrite(std::function<void(const HerokuWrite&)> callback) { on_write_ = std::move(callback); }
  uint64_t requests() const { return requests_; }
  const std::map<int, uint64_t>& answers() const { return answers_; }  // by status

  async::Task<http::Response> Handle(http::ServerRequest request) override;

 private:
  struct Account {
    TokenBucket bucket;
    int refused = 0;
  };
  // Who asks: the account's name and state, or the one that all unknown keys share.
  struct Caller {
    std::string name;
    Account& account;
    bool known = false;
  };

  const App* Find(const std::string& name_or_uuid) const;
  const App& Get(const std::string& name_or_uuid) const;
  App& Get(const std::string& name_or_uuid);
  Process& Get(const std::string& app, const std::string& type);
  DynoTimes Times() const;
  Caller CallerOf(const http::ServerRequest& request);
  // Makes the change if the app may have it, and keeps it in the journal.
  std::optional<FormationRefusal> Apply(App& app, const std::vector<Update>& updates, const std::string& who);
  void Record(const App& app, const std::vector<Update>& updates, const std::string& who, int status,
              const std::string& error);

  http::Response Answer(const http::ServerRequest& request, const Caller& caller);
  http::Response Route(const http::ServerRequest& request, const Caller& caller);
  http::Response RouteApp(const http::ServerRequest& request, App& app, const std::vector<std::string>& rest,
                          const Caller& caller);
  http::Response Read(const http::ServerRequest& request, const App& app, const std::vector<std::string>& rest);
  http::Response Write(const http::ServerRequest& request, App& app, const std::string& type, const Caller& caller);
  http::Response List(const http::ServerRequest& request, std::vector<nlohmann::json> items) const;

  async::Loop& loop_;
  HerokuOptions options_;
  std::map<std::string, Account> accounts_;        // by name
  std::map<std::string, std::string> account_of_;  // by key
  Account strangers_;
  std::map<std::string, App> apps_;  // by UUID
  std::vector<HerokuWrite> writes_;
  std::function<void(const HerokuWrite&)> on_write_;
  uint64_t requests_ = 0;
  std::map<int, uint64_t> answers_;
};

}  // namespace ottoscale::simulation
