#include "test/simulation/world.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "operator/program.h"
#include "operator/standalone.h"
#include "pkg/apiserver/api_server.h"
#include "pkg/apiserver/memory_store.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/codec/json.h"
#include "pkg/http/loopback.h"
#include "pkg/kubeapi/base64.h"
#include "pkg/kubeapi/resource.h"
#include "pkg/reconcile/provider_check.h"
#include "pkg/simulation/faults.h"
#include "pkg/simulation/heroku.h"
#include "pkg/simulation/web_app.h"
#include "pkg/telemetry/captured_log.h"
#include "test/simulation/mutants.h"
#include "test/simulation/oracle.h"

namespace ottoscale::world {
namespace {

constexpr char kKey[] = "canary-5b1d7e93a0c24f68-heroku-key";
constexpr double kLowerMs = 120;
constexpr double kUpperMs = 1000;

// One app with its users. Its load changes in steps while there is chaos, and then stays.
struct App {
  std::string name;
  std::unique_ptr<simulation::SimulatedApp> web;
};

// Sends /NAME/... to the app of that name, and tells the oracle how long each answer took.
class Internet final : public http::Handler {
 public:
  Internet(async::Loop& loop, Oracle& oracle) : loop_(loop), oracle_(oracle) {}
  void Add(const std::string& name, http::Handler& app) { apps_[name] = &app; }
  async::Task<http::Response> Handle(http::ServerRequest request) override {
    const std::string name = request.path.substr(1, request.path.find('/', 1) - 1);
    const async::BootTime start = loop_.Now().boot;
    http::Response response = co_await apps_.at(name)->Handle(std::move(request));
    oracle_.BeatAnswered(name, loop_.Now().boot - start, response.status);
    co_return response;
  }

 private:
  async::Loop& loop_;
  Oracle& oracle_;
  std::map<std::string, http::Handler*> apps_;
};

// One life of the operator, from its start to its crash.
struct Life {
  Life(async::Loop& loop, http::Transport& kube, http::Transport& cloud, http::Transport& probe,
       simulation::Wire::Observer observer, Mutant mutant, telemetry::Sink sink)
      : wire(std::move(observer)),
        kube_wire(loop, kube, "kube", wire),
        cloud_wire(loop, cloud, "cloud", wire),
        probe_wire(loop, probe, "probe", wire),
        mutant_api(MutateApi(kube_wire, mutant)),
        providers(Mutate(operator_main::MakeProviders(loop, cloud_wire, probe_wire, {}), mutant, kKey)),
        log({.loop = loop,
             .sink = std::move(sink),
             .format = telemetry::Format::kLogfmt,
             .level = telemetry::Level::kDebug}),
        program({.loop = loop,
                 .kube = mutant_api ? *mutant_api : static_cast<http::Transport&>(kube_wire),
                 .kube_url = "http://kube.sim",
                 .providers = providers,
                 .log = log,
                 .registry = registry}) {}
  void SetRates(const simulation::FaultRates& kube, const simulation::FaultRates& cloud,
                const simulation::FaultRates& probe) {
    kube_wire.SetRates(kube);
    cloud_wire.SetRates(cloud);
    probe_wire.SetRates(probe);
  }
  uint64_t faults() const {
    uint64_t sum = 0;
    for (const auto* wire_end : {&kube_wire, &cloud_wire, &probe_wire}) {
      for (const auto& [name, count] : wire_end->injected()) sum += count;
    }
    return sum;
  }

  simulation::Wire wire;
  simulation::FaultyTransport kube_wire;
  simulation::FaultyTransport cloud_wire;
  simulation::FaultyTransport probe_wire;
  std::unique_ptr<http::Transport> mutant_api;
  ports::Providers providers;
  telemetry::Registry registry;
  telemetry::Log log;
  operator_main::Program program;
};

class World {
 public:
  explicit World(const WorldOptions& options)
      : options_(options),
        plan_(options.seed * 2 + 1),
        loop_(options.seed),
        oracle_(loop_),
        api_(loop_, store_),
        kube_(loop_, api_),
        heroku_(loop_),
        cloud_(loop_, heroku_),
        internet_(loop_, oracle_),
        probe_(loop_, internet_) {}

  WorldResult Run();

 private:
  void Build();
  void BuildApp(int number);
  void BuildPolicy(const std::string& name, const std::string& app);
  nlohmann::json PolicyObject(const PolicyFacts& facts) const;
  void Put(const kubeapi::Resource& resource, nlohmann::json object);
  void Delete(const kubeapi::Resource& resource, const std::string& name);
  void Start();
  void Die();
  void RunUntil(async::BootTime end);
  void Chaos();
  void HumanActs();
  void Quiet();
  void CheckEnd();
  void CheckSecrets();
  void Note(const std::string& what);
  simulation::FaultRates Rates(double most);

  // A whole number in [low, high], drawn from the plan, so that the world stays the same whatever the operator draws.
  int Draw(int low, int high) { return low + static_cast<int>(plan_.Below(static_cast<uint64_t>(high - low + 1))); }

  const WorldOptions options_;
  async::Random plan_;
  async::SimulatedLoop loop_;
  Oracle oracle_;
  apiserver::MemoryStore store_;
  apiserver::ApiServer api_;
  http::Loopback kube_;
  simulation::SimulatedHeroku heroku_;
  http::Loopback cloud_;
  Internet internet_;
  http::Loopback probe_;
  std::vector<App> apps_;
  std::map<std::string, PolicyFacts> policies_;
  std::map<std::string, bool> recommend_;  // by policy: Recommend instead of suspend when it may not write
  telemetry::CapturedLog log_;
  std::unique_ptr<Life> life_;
  bool calm_ = false;
  WorldResult result_;
  uint64_t hash_ = 14695981039346656037u;
};

void World::Note(const std::string& what) {
  const std::string line = absl::StrCat(absl::FormatTime("%H:%M:%E3S ", loop_.Now().wall, absl::UTCTimeZone()), what);
  for (const char c : line) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1099511628211u;
  if (options_.keep_trace) result_.trace.push_back(line);
}

simulation::FaultRates World::Rates(double most) {
  if (!options_.faults || calm_) return {};
  return simulation::DrawRates(plan_, most);
}

nlohmann::json World::PolicyObject(const PolicyFacts& facts) const {
  nlohmann::json threshold = {
      {"lower", kLowerMs}, {"upper", kUpperMs}, {"breachesToScaleOut", 2}, {"breachesToScaleIn", 3}};
  nlohmann::json heartbeat = {{"url", absl::StrCat("http://web.sim/", facts.app, "/heartbeat")},
                              {"timeoutMilliseconds", 5000},
                              {"bodyContains", "Beat"}};  // a portal's page is fast, too
  nlohmann::json spec = {
      {"pollPeriodSeconds", absl::ToInt64Seconds(facts.poll)},
      {"minCapacity", facts.min},
      {"maxCapacity", facts.max},
      {"target",
       {{"type", "HerokuFormation"}, {"herokuFormation", {{"accountRef", {{"name", "heroku"}}}, {"app", facts.app}}}}}};
  spec["metrics"] = nlohmann::json::array();
  spec["metrics"].push_back({{"name", "heartbeat"},
                             {"source", {{"type", "HTTPHeartbeat"}, {"httpHeartbeat", heartbeat}}},
                             {"strategy", {{"type", "Threshold"}, {"threshold", threshold}}}});
  spec["behavior"] = {{"settleSeconds", 0},
                      {"scaleOut", {{"cooldownSeconds", absl::ToInt64Seconds(facts.out_cooldown)}}},
                      {"scaleIn",
                       {{"cooldownSeconds", absl::ToInt64Seconds(facts.in_cooldown)},
                        {"stabilizationWindowSeconds", 60},
                        {"policies", nlohmann::json::array()}}}};
  if (!facts.may_write) {
    if (recommend_.at(facts.name)) {
      spec["mode"] = "Recommend";
    } else {
      spec["suspend"] = {{"scope", "All"}};
    }
  }
  return {{"apiVersion", "ottoscale.dev/v1alpha1"},
          {"kind", "ScalingPolicy"},
          {"metadata", {{"name", facts.name}, {"namespace", "shop"}}},
          {"spec", spec}};
}

// As a person would with kubectl: straight to the API server, no faults between.
void World::Put(const kubeapi::Resource& resource, nlohmann::json object) {
  const std::string name = codec::StringOr(object, {"metadata", "name"}, "");
  http::ServerRequest request{.method = "PATCH",
                              .path = resource.ObjectPath("shop", name),
                              .query = "fieldManager=kubectl&force=true",
                              .body = codec::Dump(object)};
  request.headers.Set("Content-Type", "application/apply-patch+yaml");
  const http::Response response = loop_.Run(api_.Handle(std::move(request)));
  CHECK(response.status / 100 == 2, response.body.text);
}

void World::Delete(const kubeapi::Resource& resource, const std::string& name) {
  const http::Response response =
      loop_.Run(api_.Handle({.method = "DELETE", .path = resource.ObjectPath("shop", name)}));
  CHECK(response.status == 200, response.body.text);
}

void World::BuildPolicy(const std::string& name, const std::string& app) {
  PolicyFacts facts{.name = name,
                    .app = app,
                    .min = Draw(1, 2),
                    .max = Draw(3, 6),
                    .lower_ms = kLowerMs,
                    .upper_ms = kUpperMs,
                    .poll = absl::Seconds(30),
                    .out_cooldown = absl::Seconds(60 * Draw(0, 3)),
                    .in_cooldown = absl::Seconds(60 * Draw(0, 3)),
                    .may_write = true};
  recommend_[name] = plan_.Chance(0.5);
  policies_[name] = facts;
  oracle_.PolicySet(facts);
  Put(kubeapi::ScalingPolicies(), PolicyObject(facts));
}

void World::BuildApp(int number) {
  App app{.name = absl::StrCat("app-", number)};
  heroku_.AddApp(app.name, absl::StrFormat("0000000%d-aaaa-4bbb-8ccc-dddddddddddd", number), "web", Draw(1, 4));
  std::vector<simulation::LoadPoint> steps;
  for (absl::Duration at; at < options_.chaos; at += absl::Minutes(Draw(4, 15))) {
    steps.push_back({at, 0.5 * Draw(2, 90)});
  }
  app.web = std::make_unique<simulation::SimulatedApp>(
      loop_, simulation::WebAppOptions{.noise = 0}, simulation::Steps(std::move(steps)),
      [this, name = app.name] { return heroku_.Up(name, "web"); },
      [this, name = app.name] { return !heroku_.Maintenance(name); });
  internet_.Add(app.name, *app.web);
  apps_.push_back(std::move(app));
}

void World::Build() {
  heroku_.AddAccount("ops", kKey);
  heroku_.OnWrite([this](const simulation::HerokuWrite& write) {
    Note(absl::StrCat("heroku ", write.who, " ", write.app, " ", write.from, " -> ", write.to, " ", write.status));
    oracle_.Written(write);
  });
  Put(kubeapi::Secrets(), {{"apiVersion", "v1"},
                           {"kind", "Secret"},
                           {"metadata", {{"name", "heroku"}, {"namespace", "shop"}}},
                           {"data", {{"apiKey", kubeapi::EncodeBase64(kKey)}}}});
  Put(kubeapi::CloudAccounts(),
      {{"apiVersion", "ottoscale.dev/v1alpha1"},
       {"kind", "CloudAccount"},
       {"metadata", {{"name", "heroku"}, {"namespace", "shop"}}},
       {"spec", {{"type", "Heroku"}, {"heroku", {{"apiKeySecretRef", {{"name", "heroku"}, {"key", "apiKey"}}}}}}}});
  const int apps = Draw(1, 3);
  for (int i = 0; i < apps; ++i) {
    BuildApp(i);
    BuildPolicy(absl::StrCat("policy-", i), apps_.back().name);
  }
  if (options_.people && plan_.Chance(0.2)) BuildPolicy("rival", apps_.front().name);
}

void World::Start() {
  const bool first = result_.crashes == 0;
  life_ = std::make_unique<Life>(
      loop_, kube_, cloud_, probe_, [this](uint64_t, const std::string& what) { Note(what); }, options_.mutant,
      [this, capture = log_.sink()](telemetry::Level level, absl::string_view line) mutable {
        capture(level, line);
        if (options_.keep_trace) result_.trace.push_back(absl::StrCat("        log ", line));
      });
  if (first && options_.crash_at_effect != 0) {
    life_->wire.CutAt(options_.crash_at_effect);
  } else if (options_.random_crashes && !calm_ && plan_.Chance(0.7)) {
    life_->wire.CutAt(static_cast<uint64_t>(Draw(1, 400)));
  }
  life_->SetRates(Rates(0.1), Rates(0.1), Rates(0.2));
  oracle_.OperatorStarted();
  if (options_.mutant == Mutant::kHashOrder) {
    absl::flat_hash_map<std::string, int> order;
    for (int i = 0; i < 32; ++i) order[absl::StrCat("policy-", i)] = i;
    for (const auto& [name, i] : order) Note(name);
  }
  life_->program.Start();
}

// The process is gone: its wire is cut, so nothing of what is dismantled here reaches the world.
void World::Die() {
  ++result_.crashes;
  if (result_.crashes == 1) result_.effects = life_->wire.effects();
  result_.faults += life_->faults();
  result_.passes += life_->program.reconciler().entries().size();
  life_->wire.CutNow();
  loop_.Run(life_->program.Stop(loop_.Now().boot));
  if (life_->program.reconciler().gate().violations() > 0) oracle_.Violate("the write gate found a violation");
  life_.reset();
}

void World::RunUntil(async::BootTime end) {
  while (loop_.Now().boot < end) {
    bool cut = false;
    if (life_ == nullptr) Start();
    life_->wire.OnCut([&cut] { cut = true; });
    bool due = false;
    const async::TimerId timer = loop_.RunAt(end, [&due] { due = true; });
    loop_.RunUntilDone([&] { return cut || due; });
    loop_.CancelTimer(timer);
    life_->wire.OnCut(nullptr);
    if (!cut) continue;
    Note("the operator crashes");
    Die();
    loop_.RunFor(absl::Seconds(Draw(1, 60)));
  }
}

void World::HumanActs() {
  const App& app = apps_[static_cast<size_t>(Draw(0, static_cast<int>(apps_.size()) - 1))];
  auto policy = policies_.begin();
  std::advance(policy, Draw(0, static_cast<int>(policies_.size()) - 1));
  PolicyFacts& facts = policy->second;
  switch (Draw(0, 6)) {
    case 0: (void)heroku_.HumanScales(app.name, "web", Draw(1, 7)); return;
    case 1: facts.max = Draw(3, 6); break;
    case 2: facts.may_write = !facts.may_write; break;
    case 3: heroku_.SetMaintenance(app.name, !heroku_.Maintenance(app.name)); return;
    case 4: store_.Compact(store_.Revision()); return;
    case 5: heroku_.Crash(app.name, "web"); return;
  }
  oracle_.PolicySet(facts);
  Put(kubeapi::ScalingPolicies(), PolicyObject(facts));
}

void World::Chaos() {
  const async::BootTime end = loop_.Now().boot + options_.chaos;
  while (loop_.Now().boot < end) {
    RunUntil(std::min(end, loop_.Now().boot + absl::Seconds(Draw(60, 600))));
    if (options_.people && loop_.Now().boot < end) HumanActs();
    if (life_ != nullptr && options_.faults) life_->SetRates(Rates(0.1), Rates(0.1), Rates(0.2));
  }
}

void World::Quiet() {
  calm_ = true;
  for (const App& app : apps_) heroku_.SetMaintenance(app.name, false);
  // The rival, if there is one, goes: two policies on one target hold for ever, which is not what settles.
  if (const auto rival = policies_.find("rival"); rival != policies_.end()) {
    rival->second.may_write = false;
    oracle_.PolicySet(rival->second);
    Put(kubeapi::ScalingPolicies(), PolicyObject(rival->second));
  }
  if (life_ != nullptr) {
    if (options_.crash_at_effect == 0 || result_.crashes > 0) life_->wire.CutAt(0);
    life_->SetRates({}, {}, {});
  }
  RunUntil(loop_.Now().boot + options_.quiet);
}

// I13: what the status says is what is; and I6, through the oracle.
void World::CheckEnd() {
  for (const App& app : apps_) {
    oracle_.Settled(app.name, heroku_.Quantity(app.name, "web"), absl::ToDoubleMilliseconds(app.web->ResponseTimeNow()),
                    options_.quiet);
  }
  const auto stored = store_.List(kubeapi::ScalingPolicies(), "", std::nullopt);
  for (const apiserver::Stored& object : *stored) {
    const nlohmann::json& json = *object.object;
    const PolicyFacts& facts = policies_.at(object.key.name);
    const auto status = [&json](absl::string_view field) { return codec::FindInt64(json, {"status", field}); };
    const std::string who = absl::StrCat("I13 ", facts.name, ": ");
    if (status("targetCapacity") != heroku_.Quantity(facts.app, "web")) {
      oracle_.Violate(absl::StrCat(who, "status.targetCapacity is not what the cloud has"));
    }
    if (status("currentCapacity") != heroku_.Up(facts.app, "web")) {
      oracle_.Violate(absl::StrCat(who, "status.currentCapacity is ", status("currentCapacity").value_or(-1), ", ",
                                   heroku_.Up(facts.app, "web"), " serve"));
    }
    if (status("observedGeneration") != codec::FindInt64(json, {"metadata", "generation"})) {
      oracle_.Violate(absl::StrCat(who, "status.observedGeneration is behind"));
    }
    if (codec::Find(json, {"status", "pendingChange"}) != nullptr)
      oracle_.Violate(absl::StrCat(who, "an intent is left over"));
    if (codec::Dump(json).size() > 8 * 1024 * 2)
      oracle_.Violate(absl::StrCat(who, "I16 the object has outgrown its bound"));
  }
  if (life_->program.reconciler().entries().size() != policies_.size()) oracle_.Violate("I16 entries without policies");
}

// I8: the canary appears in no line of the log and in no object but its own.
void World::CheckSecrets() {
  for (const std::string& line : log_.lines()) {
    if (absl::StrContains(line, kKey))
      return oracle_.Violate(absl::StrCat("I8 the key is in the log: ", line.substr(0, 80)));
  }
  for (const auto* resource : {&kubeapi::ScalingPolicies(), &kubeapi::CloudAccounts(), &kubeapi::Events()}) {
    const auto stored = store_.List(*resource, "", std::nullopt);
    for (const apiserver::Stored& object : *stored) {
      if (absl::StrContains(codec::Dump(*object.object), kKey)) {
        return oracle_.Violate(absl::StrCat("I8 the key is in ", resource->plural, " ", object.key.ToString()));
      }
    }
  }
}

WorldResult World::Run() {
  Build();
  Chaos();
  Quiet();
  CheckEnd();
  CheckSecrets();
  if (result_.crashes == 0) result_.effects = life_->wire.effects();
  result_.faults += life_->faults();
  loop_.Run(life_->program.Stop(loop_.Now().boot + absl::Seconds(30)));
  if (life_->program.reconciler().gate().violations() > 0) oracle_.Violate("the write gate found a violation");
  life_.reset();
  result_.violations = oracle_.violations();
  result_.writes = oracle_.accepted();
  result_.trace_hash = absl::StrFormat("%016x", hash_);
  return std::move(result_);
}

}  // namespace

WorldResult RunWorld(const WorldOptions& options) { return World(options).Run(); }

}  // namespace ottoscale::world
