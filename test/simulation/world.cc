#include "test/simulation/world.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "pkg/apiserver/api_server.h"
#include "pkg/apiserver/memory_store.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/http/loopback.h"
#include "pkg/kubeapi/resource.h"
#include "pkg/simulation/web_app.h"
#include "pkg/telemetry/captured_log.h"
#include "test/simulation/books.h"
#include "test/simulation/life.h"
#include "test/simulation/manifests.h"
#include "test/simulation/network.h"
#include "test/simulation/oracle.h"
#include "test/simulation/plan.h"
#include "test/simulation/witness.h"

namespace ottoscale::world {
namespace {

using Kind = Disturbance::Kind;

std::string Uuid(int number) { return absl::StrFormat("0000000%d-aaaa-4bbb-8ccc-dddddddddddd", number); }

class World {
 public:
  explicit World(const WorldOptions& options)
      : options_(options),
        plan_(DrawPlan(options)),
        downtime_(options.seed * 2 + 1),
        loop_(options.seed + options.salt * 1'000'003),
        oracle_(loop_),
        books_(loop_, [this](std::string what) { oracle_.Violate(std::move(what)); }),
        witnessed_(store_, [this](const kubeapi::Resource& resource, const kubeapi::ObjectKey& key,
                                  const nlohmann::json* object) { Witness(resource, key, object); }),
        api_(loop_, witnessed_),
        kube_(loop_, api_),
        events_(kube_),
        heroku_(loop_),
        door_(heroku_),
        cloud_(loop_, door_),
        internet_(loop_, {.asked = [this](const std::string& app) { Asked(app); },
                          .answered = [this](const std::string& app, absl::Duration took,
                                             int status) { oracle_.BeatAnswered(app, took, status); }}),
        probe_(loop_, internet_) {}

  WorldResult Run();

 private:
  void Build();
  void BuildApp(const AppPlan& app);
  void Witness(const kubeapi::Resource& resource, const kubeapi::ObjectKey& key, const nlohmann::json* object);
  void Asked(const std::string& app);
  void Written(const simulation::HerokuWrite& write);
  void Put(const kubeapi::Resource& resource, nlohmann::json object);
  void Set(const PolicyFacts& facts);

  void Start();
  void Die();
  void End();
  void RunUntil(async::BootTime end);

  void Chaos();
  void Begin(const Disturbance& disturbance);
  void Finish(const Disturbance& disturbance);
  void SetTrouble(const Disturbance& disturbance, bool on);
  void Burst(PolicyFacts& facts, int maximum);
  void SetRates();
  void Quiet();
  void StartOnceMore();

  std::map<std::string, std::string> Meanings();
  void CheckEnd();
  void CheckStatus(const PolicyFacts& facts, const nlohmann::json& json);
  void CheckSecrets();
  void Note(const std::string& what);

  const WorldOptions options_;
  Plan plan_;
  async::Random downtime_;
  async::SimulatedLoop loop_;
  Oracle oracle_;
  Books books_;
  apiserver::MemoryStore store_;
  WitnessedStore witnessed_;
  apiserver::ApiServer api_;
  http::Loopback kube_;
  EventGate events_;
  simulation::SimulatedHeroku heroku_;
  FrontDoor door_;
  http::Loopback cloud_;
  Internet internet_;
  http::Loopback probe_;
  std::map<std::string, std::unique_ptr<simulation::SimulatedApp>> apps_;
  std::map<std::string, async::BootTime> last_asked_;  // by app
  std::vector<const Disturbance*> active_;             // faults of the network
  telemetry::CapturedLog log_;
  std::unique_ptr<Life> life_;
  bool first_ = true;
  uint64_t crash_after_ = 0;  // effects from the next start
  WorldResult result_;
  uint64_t hash_ = 14695981039346656037u;
};

void World::Note(const std::string& what) {
  const std::string line = absl::StrCat(absl::FormatTime("%H:%M:%E3S ", loop_.Now().wall, absl::UTCTimeZone()), what);
  for (const char c : line) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1099511628211u;
  if (options_.keep_trace) result_.trace.push_back(line);
}

void World::Witness(const kubeapi::Resource& resource, const kubeapi::ObjectKey& key, const nlohmann::json* object) {
  if (!(resource == kubeapi::ScalingPolicies())) return;
  if (object == nullptr) return;
  for (const PolicyFacts& facts : plan_.policies) {
    if (facts.name == key.name) books_.Stored(key, facts.app, *object);
  }
}

void World::Asked(const std::string& app) {
  const async::BootTime now = loop_.Now().boot;
  const auto last = last_asked_.find(app);
  if (last != last_asked_.end()) result_.apps[app].intervals.push_back(now - last->second);
  last_asked_[app] = now;
}

void World::Written(const simulation::HerokuWrite& write) {
  Note(absl::StrCat("heroku ", write.who, " ", write.app, " ", write.from, " -> ", write.to, " ", write.status));
  oracle_.Written(write);
  books_.Written(write);
  if (write.who == "human" || !write.accepted()) return;
  AppRecord& record = result_.apps[write.app];
  record.writes.push_back(absl::StrCat(write.from, " -> ", write.to));
  record.reactions.push_back(loop_.Now().boot - last_asked_[write.app]);
}

// As a person would with kubectl: straight to the API server, no faults between.
void World::Put(const kubeapi::Resource& resource, nlohmann::json object) {
  const http::Response response = loop_.Run(api_.Handle(Applying(resource, object)));
  CHECK(response.status / 100 == 2, response.body.text);
}

void World::Set(const PolicyFacts& facts) {
  oracle_.PolicySet(facts);
  Put(kubeapi::ScalingPolicies(), PolicyObject(facts));
}

void World::BuildApp(const AppPlan& app) {
  heroku_.AddApp(app.name, Uuid(static_cast<int>(apps_.size())), "web", app.dynos);
  books_.AppStands(app.name, app.dynos);
  auto web = std::make_unique<simulation::SimulatedApp>(
      loop_, simulation::WebAppOptions{.noise = 0}, simulation::Steps(app.load),
      [this, name = app.name] { return heroku_.Up(name, "web"); },
      [this, name = app.name] { return !heroku_.Maintenance(name); });
  internet_.Add(app.name, *web);
  apps_[app.name] = std::move(web);
}

void World::Build() {
  heroku_.OnWrite([this](const simulation::HerokuWrite& write) { Written(write); });
  for (const AccountPlan& account : plan_.accounts) {
    heroku_.AddAccount(account.name, account.key);
    Put(kubeapi::Secrets(), SecretObject(account.ns, account.key));
    Put(kubeapi::CloudAccounts(), AccountObject(account.ns));
  }
  for (const AppPlan& app : plan_.apps) BuildApp(app);
  for (const PolicyFacts& facts : plan_.policies) Set(facts);
}

void World::Start() {
  const bool first = std::exchange(first_, false);
  life_ = std::make_unique<Life>(
      Life::Parts{.loop = loop_,
                  .kube = events_,
                  .cloud = cloud_,
                  .probe = probe_,
                  .observer = [this](uint64_t, const std::string& what) { Note(what); },
                  .sink =
                      [this, capture = log_.sink()](telemetry::Level level, absl::string_view line) mutable {
                        capture(level, line);
                        books_.Logged(line);
                        if (options_.keep_trace) result_.trace.push_back(absl::StrCat("        log ", line));
                      },
                  .mutation = {.mutant = options_.mutant, .key = plan_.accounts.front().key, .loop = &loop_}});
  if (first && options_.crash_at_effect != 0) life_->wire.CutAt(options_.crash_at_effect);
  if (crash_after_ != 0) life_->wire.CutAt(std::exchange(crash_after_, 0));
  SetRates();
  oracle_.OperatorStarted();
  if (options_.mutant == Mutant::kHashOrder) {
    absl::flat_hash_map<std::string, int> order;
    for (int i = 0; i < 32; ++i) order[absl::StrCat("policy-", i)] = i;
    for (const auto& [name, i] : order) Note(name);
  }
  life_->program.StartAlone();
}

// The process is gone: its wire is cut, so nothing of what is dismantled here reaches the world.
void World::Die() {
  Note("the operator crashes");
  ++result_.crashes;
  if (result_.crashes == 1) result_.effects = life_->wire.effects();
  life_->wire.CutNow();
  loop_.Run(life_->program.Stop(loop_.Now().boot));
  End();
}

void World::End() {
  result_.faults += life_->faults();
  if (life_->program.reconciler().gate().violations() > 0) oracle_.Violate("the write gate found a violation");
  books_.OperatorDied();
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
    Die();
    loop_.RunFor(absl::Seconds(1 + downtime_.Below(60)));
  }
}

// What the disturbances that are going on now make of the network.
void World::SetRates() {
  for (const Lane lane : {Lane::kKube, Lane::kCloud, Lane::kProbe}) {
    simulation::FaultRates rates;
    double* const shares[kFaultKinds] = {&rates.slow,         &rates.lost_request,   &rates.lost_answer,
                                         &rates.server_error, &rates.error_after,    &rates.rate_limited,
                                         &rates.garbage,      &rates.truncated_body, &rates.slow_body};
    for (const Disturbance* fault : active_) {
      if (fault->lane != lane) continue;
      *shares[fault->fault] = std::max(*shares[fault->fault], fault->rate);
      rates.silent = std::max(rates.silent, fault->silent);
    }
    life_->wire_of(lane).SetRates(rates);
  }
}

void World::Chaos() {
  const async::BootTime start = loop_.Now().boot;
  struct Moment {
    absl::Duration at;
    const Disturbance* disturbance;
    bool begins;
  };
  std::vector<Moment> moments;
  for (const Disturbance& disturbance : plan_.disturbances) {
    const auto& only = options_.only;
    if (only && std::find(only->begin(), only->end(), disturbance.number) == only->end()) continue;
    moments.push_back({disturbance.at, &disturbance, true});
    if (disturbance.length > absl::ZeroDuration()) {
      moments.push_back({std::min(disturbance.at + disturbance.length, options_.chaos), &disturbance, false});
    }
  }
  std::sort(moments.begin(), moments.end(), [](const Moment& a, const Moment& b) {
    return std::make_tuple(a.at, a.disturbance->number, b.begins) <
           std::make_tuple(b.at, b.disturbance->number, a.begins);
  });
  for (const Moment& moment : moments) {
    RunUntil(start + moment.at);
    moment.begins ? Begin(*moment.disturbance) : Finish(*moment.disturbance);
    if (moment.disturbance->kind == Kind::kFault && life_ != nullptr) SetRates();
  }
  RunUntil(start + options_.chaos);
}

void World::Begin(const Disturbance& disturbance) {
  const auto which = static_cast<size_t>(disturbance.which);
  PolicyFacts& policy = plan_.policies[std::min(which, plan_.policies.size() - 1)];
  const std::string app = plan_.apps[std::min(which, plan_.apps.size() - 1)].name;
  if (options_.keep_trace) result_.trace.push_back(absl::StrCat("        now ", Describe(disturbance)));
  switch (disturbance.kind) {
    case Kind::kFault: active_.push_back(&disturbance); return;
    case Kind::kCrash:
      crash_after_ = static_cast<uint64_t>(disturbance.value);
      if (life_ != nullptr) life_->wire.CutAt(life_->wire.effects() + std::exchange(crash_after_, 0));
      return;
    case Kind::kScaleByHand: (void)heroku_.HumanScales(app, "web", disturbance.value); return;
    case Kind::kEditMaximum: policy.max = disturbance.value; return Set(policy);
    case Kind::kToggleWriting: policy.may_write = !policy.may_write; return Set(policy);
    case Kind::kRecreate:
      (void)loop_.Run(api_.Handle(Deleting(kubeapi::ScalingPolicies(), {policy.ns, policy.name})));
      oracle_.MadeAnew(policy);
      return Set(policy);
    case Kind::kForgetHistory: store_.Compact(store_.Revision()); return;
    case Kind::kDynoCrash: heroku_.Crash(app, "web"); return;
    case Kind::kBurst: return Burst(policy, disturbance.value);
    case Kind::kMaintenance:
    case Kind::kBootFails:
    case Kind::kReleaseRuns:
    case Kind::kAccountRefused:
    case Kind::kAccountHangs:
    case Kind::kAppHangs:
    case Kind::kSecretBroken:
    case Kind::kEventsLost: return SetTrouble(disturbance, true);
  }
}

void World::Finish(const Disturbance& disturbance) {
  if (disturbance.kind == Kind::kFault) {
    std::erase(active_, &disturbance);
  } else {
    SetTrouble(disturbance, false);
  }
}

void World::SetTrouble(const Disturbance& disturbance, bool on) {
  const auto which = static_cast<size_t>(disturbance.which);
  const std::string app = plan_.apps[std::min(which, plan_.apps.size() - 1)].name;
  const AccountPlan& account = plan_.accounts[std::min(which, plan_.accounts.size() - 1)];
  switch (disturbance.kind) {
    case Kind::kMaintenance: return heroku_.SetMaintenance(app, on);
    case Kind::kBootFails: return heroku_.SetBootFails(app, "web", on);
    case Kind::kReleaseRuns: return heroku_.SetReleaseRunning(app, on);
    case Kind::kAccountRefused: return heroku_.RefuseAccount(account.name, on ? disturbance.value : 200);
    case Kind::kAccountHangs: return door_.SetHangs(account.key, on);
    case Kind::kAppHangs: return internet_.SetHangs(app, on);
    case Kind::kSecretBroken:
      return Put(kubeapi::Secrets(), SecretObject(account.ns, on ? "another-key" : account.key));
    case Kind::kEventsLost:
      events_.SetLoses(on);
      if (!on) store_.Compact(store_.Revision());
      return;
    default: return;
  }
}

// Whoever sees them all does no more than whoever sees the last: in between the policy may not write.
void World::Burst(PolicyFacts& facts, int maximum) {
  for (const int now : {1, maximum + 2, maximum}) {
    facts.max = now;
    facts.may_write = now == maximum;
    Set(facts);
    RunUntil(loop_.Now().boot + absl::Seconds(1));
  }
}

void World::Quiet() {
  // The rival, if there is one, goes: two policies on one target hold for ever, which is not what settles.
  if (PolicyFacts& last = plan_.policies.back(); last.name == "rival") {
    last.may_write = false;
    Set(last);
  }
  crash_after_ = 0;
  if (life_ != nullptr && (options_.crash_at_effect == 0 || result_.crashes > 0)) life_->wire.CutAt(0);
  RunUntil(loop_.Now().boot + options_.quiet);
}

// What each policy's status means, times of polls and metric values left out.
std::map<std::string, std::string> World::Meanings() {
  std::map<std::string, std::string> meanings;
  const auto stored = store_.List(kubeapi::ScalingPolicies(), "", std::nullopt);
  for (const apiserver::Stored& object : *stored) meanings[object.key.name] = MeaningOf(*object.object);
  return meanings;
}

// I11: what an operator knows is a function of the world as it is. One that has seen nothing of how it came about says
// the same, and has nothing to change.
void World::StartOnceMore() {
  const auto before = Meanings();
  const uint64_t writes = oracle_.accepted();
  End();
  RunUntil(loop_.Now().boot + options_.second);
  if (oracle_.accepted() != writes) oracle_.Violate("I11 level-triggered: a restart in a settled world writes");
  for (const auto& [policy, meaning] : Meanings()) {
    if (meaning == before.at(policy)) continue;
    oracle_.Violate(absl::StrCat("I11 level-triggered: ", policy, " said\n  ", before.at(policy),
                                 "\nand after a restart\n  ", meaning));
  }
}

void World::CheckStatus(const PolicyFacts& facts, const nlohmann::json& json) {
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
  if (codec::Dump(json).size() > size_t{16} * 1024) {
    oracle_.Violate(absl::StrCat("I16 ", facts.name, ": the object has outgrown its bound"));
  }
}

// I13: what the status says is what is; and I6, through the oracle.
void World::CheckEnd() {
  for (const auto& [name, web] : apps_) {
    oracle_.Settled(name, heroku_.Quantity(name, "web"), absl::ToDoubleMilliseconds(web->ResponseTimeNow()),
                    options_.quiet);
  }
  for (const PolicyFacts& facts : plan_.policies) {
    const auto stored = store_.Get(kubeapi::ScalingPolicies(), {facts.ns, facts.name});
    CheckStatus(facts, *(*stored)->object);
  }
  if (life_->program.reconciler().entries().size() != plan_.policies.size()) {
    oracle_.Violate("I16 entries without policies");
  }
  books_.Close();
}

// I8: no key appears in any line of the log or in any object but its own.
void World::CheckSecrets() {
  const auto check = [this](const std::string& where, const std::string& text) {
    for (const AccountPlan& account : plan_.accounts) {
      if (absl::StrContains(text, account.key)) oracle_.Violate(absl::StrCat("I8 the key is in ", where));
    }
  };
  for (const std::string& line : log_.lines()) check(absl::StrCat("the log: ", line.substr(0, 80)), line);
  for (const auto* resource : {&kubeapi::ScalingPolicies(), &kubeapi::CloudAccounts(), &kubeapi::Events()}) {
    const auto stored = store_.List(*resource, "", std::nullopt);
    for (const apiserver::Stored& object : *stored) {
      check(absl::StrCat(resource->plural, " ", object.key.ToString()), codec::Dump(*object.object));
    }
  }
}

WorldResult World::Run() {
  Build();
  Chaos();
  Quiet();
  CheckEnd();
  if (result_.crashes == 0) result_.effects = life_->wire.effects();
  loop_.Run(life_->program.Stop(loop_.Now().boot + absl::Seconds(30)));
  for (const PolicyFacts& facts : plan_.policies) {
    books_.Counted(absl::StrCat(facts.ns, "/", facts.name), life_->Operations(facts.ns, facts.name));
  }
  if (options_.second > absl::ZeroDuration()) {
    StartOnceMore();
    loop_.Run(life_->program.Stop(loop_.Now().boot + absl::Seconds(30)));
  }
  End();
  CheckSecrets();
  result_.violations = oracle_.violations();
  result_.writes = oracle_.accepted();
  result_.trace_hash = absl::StrFormat("%016x", hash_);
  return std::move(result_);
}

}  // namespace

WorldOptions CrashWorld(uint64_t seed, uint64_t crash_at_effect) {
  return {.seed = seed,
          .chaos = absl::Minutes(6),
          .quiet = absl::Minutes(30),
          .second = absl::ZeroDuration(),
          .faults = false,
          .people = false,
          .random_crashes = false,
          .crash_at_effect = crash_at_effect};
}

WorldResult RunWorld(const WorldOptions& options) { return World(options).Run(); }

}  // namespace ottoscale::world
