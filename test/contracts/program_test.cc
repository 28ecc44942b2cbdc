// The program against the embedded API server, with a scripted cloud: what is written in which order, what bad input
// turns into, what a restart and a stop do, and what two of them do with one lease.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "operator/program.h"
#include "pkg/apiserver/api_server.h"
#include "pkg/apiserver/memory_store.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"
#include "pkg/codec/json.h"
#include "pkg/http/loopback.h"
#include "pkg/kube/client.h"
#include "pkg/kube/leader_election.h"
#include "pkg/kubeapi/base64.h"
#include "pkg/kubeapi/resource.h"
#include "pkg/telemetry/captured_log.h"

namespace ottoscale {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A cloud with one capacity, and a metric with one value; both say what happens to them.
struct Cloud {
  int desired = 1;
  double value = 100;
  std::string uid = "uid/web";
  int writes = 0;
  int metric_reads = 0;
  bool lose_answers = false;
  absl::Duration write_takes;
  absl::Duration metric_takes;
  std::vector<std::string> journal;
};

class Target final : public ports::ScalingTarget {
 public:
  Target(async::Loop& loop, Cloud& cloud) : loop_(loop), cloud_(cloud) {}
  async::Task<decision::TargetReading> Read(async::BootTime) override {
    co_return decision::TargetState{.uid = cloud_.uid,
                                    .display = "fake/web",
                                    .unit = "dynos",
                                    .desired = cloud_.desired,
                                    .ready = cloud_.desired,
                                    .read_at = loop_.Now()};
  }
  async::Task<decision::WriteResult> SetCapacity(int capacity, async::BootTime) override {
    ++cloud_.writes;
    cloud_.journal.push_back(absl::StrCat("cloud ", capacity));
    if (cloud_.write_takes > absl::ZeroDuration()) (void)co_await async::Sleep(cloud_.write_takes);
    cloud_.desired = capacity;
    if (cloud_.lose_answers) co_return decision::Unknown{"the connection broke"};
    co_return decision::Applied{capacity};
  }

 private:
  async::Loop& loop_;
  Cloud& cloud_;
};

class Source final : public ports::MetricSource {
 public:
  Source(async::Loop& loop, Cloud& cloud) : loop_(loop), cloud_(cloud) {}
  async::Task<decision::Sample> Read(async::BootTime) override {
    ++cloud_.metric_reads;
    if (cloud_.metric_takes > absl::ZeroDuration()) (void)co_await async::Sleep(cloud_.metric_takes);
    co_return decision::Sample{
        .state = decision::SampleState::kValid, .value = cloud_.value, .measured_at = loop_.Now(), .unit = "ms"};
  }

 private:
  async::Loop& loop_;
  Cloud& cloud_;
};

// Notes each write of a status: with the intent in it, or without.
class Noting final : public http::Handler {
 public:
  Noting(http::Handler& inner, Cloud& cloud) : inner_(inner), cloud_(cloud) {}
  async::Task<http::Response> Handle(http::ServerRequest request) override {
    ++requests;
    if (absl::EndsWith(request.path, "/status")) {
      cloud_.journal.emplace_back(absl::StrContains(request.body, "pendingChange") ? "intent" : "status");
    }
    co_return co_await inner_.Handle(std::move(request));
  }
  int requests = 0;

 private:
  http::Handler& inner_;
  Cloud& cloud_;
};

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() {
    providers.sources.push_back(
        {.type = "HTTPHeartbeat",
         .check = [](const policy::ProviderConfig&) { return std::vector<ports::ConfigProblem>(); },
         .make = [this](const policy::ProviderConfig&) { return std::make_unique<Source>(loop, cloud); }});
    providers.targets.push_back(
        {.type = "HerokuFormation",
         .account_type = "Heroku",
         .check = [](const policy::ProviderConfig&) { return std::vector<ports::ConfigProblem>(); },
         .make = [this](const policy::ProviderConfig&,
                        const ports::Account&) { return std::make_unique<Target>(loop, cloud); }});
  }
  ~ProgramTest() override {
    if (program) Stop();
  }

  void Put(const kubeapi::Resource& resource, nlohmann::json object, const std::string& ns = "shop") {
    object["apiVersion"] = resource.ApiVersion();
    object["kind"] = resource.kind;
    object["metadata"]["namespace"] = ns;
    const std::string name = codec::StringOr(object, {"metadata", "name"}, "");
    http::ServerRequest request{.method = "PATCH",
                                .path = resource.ObjectPath(ns, name),
                                .query = "fieldManager=test&force=true",
                                .body = codec::Dump(object)};
    request.headers.Set("Content-Type", "application/apply-patch+yaml");
    const http::Response response = loop.Run(api.Handle(std::move(request)));
    ASSERT_EQ(response.status / 100, 2) << response.body.text;
  }
  void PutSecret(nlohmann::json data, const std::string& ns = "shop") {
    Put(kubeapi::Secrets(), {{"metadata", {{"name", "heroku"}}}, {"data", std::move(data)}}, ns);
  }
  void PutAccount(const std::string& ns = "shop") {
    Put(kubeapi::CloudAccounts(),
        {{"metadata", {{"name", "heroku"}}},
         {"spec", {{"type", "Heroku"}, {"heroku", {{"apiKeySecretRef", {{"name", "heroku"}, {"key", "apiKey"}}}}}}}},
        ns);
  }
  void PutPolicy(const std::string& name = "web", const nlohmann::json& more = nlohmann::json::object(),
                 const std::string& ns = "shop") {
    nlohmann::json spec = {
        {"target",
         {{"type", "HerokuFormation"}, {"herokuFormation", {{"accountRef", {{"name", "heroku"}}}, {"app", "shop"}}}}},
        {"maxCapacity", 4}};
    spec["metrics"] = nlohmann::json::array();
    spec["metrics"].push_back(
        {{"name", "heartbeat"},
         {"source", {{"type", "HTTPHeartbeat"}, {"httpHeartbeat", {{"url", "http://shop.example/"}}}}},
         {"strategy", {{"type", "Threshold"}, {"threshold", {{"lower", 200}, {"upper", 1000}}}}}});
    spec["behavior"] = {{"settleSeconds", 0}};
    spec.merge_patch(more);
    Put(kubeapi::ScalingPolicies(), {{"metadata", {{"name", name}}}, {"spec", spec}}, ns);
  }
  void PutAll() {
    PutSecret({{"apiKey", kubeapi::EncodeBase64("key")}});
    PutAccount();
    PutPolicy();
  }
  void DeleteAll() {
    for (const auto& [resource, name] :
         {std::pair(kubeapi::Secrets(), "heroku"), std::pair(kubeapi::CloudAccounts(), "heroku"),
          std::pair(kubeapi::ScalingPolicies(), "web")}) {
      (void)loop.Run(api.Handle({.method = "DELETE", .path = resource.ObjectPath("shop", name)}));
    }
  }
  void Start() {
    registry = std::make_unique<telemetry::Registry>();
    program = std::make_unique<operator_main::Program>(operator_main::Program::Parts{.loop = loop,
                                                                                     .kube = kube,
                                                                                     .kube_url = "http://kube",
                                                                                     .providers = providers,
                                                                                     .log = log,
                                                                                     .registry = *registry});
    program->StartAlone();
  }
  void Stop() {
    loop.Run(program->Stop(loop.Now().boot + absl::Seconds(30)));
    program.reset();
  }
  nlohmann::json Status(const std::string& name = "web", const std::string& ns = "shop") {
    const auto stored = store.Get(kubeapi::ScalingPolicies(), {ns, name});
    if (!stored.ok() || !stored->has_value()) return nullptr;
    return (*stored)->object->value("status", nlohmann::json::object());
  }
  // "Ready=False SecretKeyMissing: Secret ..."
  std::string Condition(const std::string& type, const std::string& name = "web", const std::string& ns = "shop") {
    const nlohmann::json status = Status(name, ns);
    const nlohmann::json* conditions = codec::Find(status, "conditions");
    if (conditions == nullptr) return "none";
    for (const nlohmann::json& condition : *conditions) {
      if (codec::StringOr(condition, {"type"}, "") != type) continue;
      return absl::StrCat(type, "=", codec::StringOr(condition, {"status"}, ""), " ",
                          codec::StringOr(condition, {"reason"}, ""), ": ",
                          codec::StringOr(condition, {"message"}, ""));
    }
    return "absent";
  }

  async::SimulatedLoop loop{1};
  Cloud cloud;
  apiserver::MemoryStore store;
  apiserver::ApiServer api{loop, store};
  Noting noting{api, cloud};
  http::Loopback kube{loop, noting};
  ports::Providers providers;
  telemetry::CapturedLog lines;
  telemetry::Log log{{.loop = loop, .sink = lines.sink()}};
  std::unique_ptr<telemetry::Registry> registry;
  std::unique_ptr<operator_main::Program> program;
};

TEST_F(ProgramTest, WritesTheIntentThenTheCloudThenTheOutcome) {
  PutAll();
  cloud.value = 2000;
  Start();
  loop.RunFor(absl::Seconds(70));
  EXPECT_EQ(cloud.desired, 2);
  const auto intent = std::find(cloud.journal.begin(), cloud.journal.end(), "intent");
  ASSERT_NE(intent, cloud.journal.end());
  EXPECT_THAT(std::vector<std::string>(intent, intent + 3), ElementsAre("intent", "cloud 2", "status"));
  EXPECT_EQ(codec::FindInt64(Status(), {"targetCapacity"}), 2);
  EXPECT_EQ(codec::Find(Status(), "pendingChange"), nullptr);
  EXPECT_EQ(codec::StringOr(Status(), {"decision", "message"}, ""),
            "heartbeat 2000 ms is above 1000 ms for 3 of 3 samples: 1 → 2 dynos");
}

TEST_F(ProgramTest, TurnsBadInputIntoOneSentenceAndWritesNothing) {
  struct Row {
    const char* what;
    std::function<void()> put;
    const char* says;
  };
  const std::string key = kubeapi::EncodeBase64("key");
  const std::vector<Row> rows = {
      {"no account", [&] { PutSecret({{"apiKey", key}}); },
       "Ready=False AccountNotFound: CloudAccount 'heroku' does not exist in namespace 'shop'"},
      {"no secret", [&] { PutAccount(); },
       "Ready=False SecretNotFound: Secret 'heroku' does not exist in namespace 'shop': create it with the key "
       "'apiKey'"},
      {"no key", [&] { PutAccount(), PutSecret({{"token", key}}); },
       "Ready=False SecretKeyMissing: Secret 'heroku' has no key 'apiKey' (it has 'token'): set `apiKeySecretRef.key` "
       "to "
       "'token', or add the key. Retried by itself."},
      {"newline", [&] { PutAccount(), PutSecret({{"apiKey", kubeapi::EncodeBase64("key\n")}}); },
       "Ready=False SecretInvalid: the value of key 'apiKey' in Secret 'heroku' ends in a newline"},
      {"blank", [&] { PutAccount(), PutSecret({{"apiKey", kubeapi::EncodeBase64("a key")}}); },
       "has a blank or a control character"},
      {"empty", [&] { PutAccount(), PutSecret({{"apiKey", ""}}); }, "is empty"},
  };
  cloud.value = 2000;
  for (const Row& row : rows) {
    DeleteAll();
    row.put();
    PutPolicy();
    Start();
    loop.RunFor(absl::Minutes(5));
    EXPECT_THAT(Condition("Ready"), HasSubstr(row.says)) << row.what;
    EXPECT_EQ(Condition("Stalled"), "absent") << "waiting helps: " << row.what;
    Stop();
  }
  EXPECT_EQ(cloud.writes, 0);
}

TEST_F(ProgramTest, GoesOnByItselfOnceTheSecretIsThere) {
  PutAccount();
  PutPolicy();
  cloud.value = 2000;
  Start();
  loop.RunFor(absl::Seconds(40));
  EXPECT_THAT(Condition("Ready"), HasSubstr("SecretNotFound"));
  PutSecret({{"apiKey", kubeapi::EncodeBase64("key")}});
  loop.RunFor(absl::Seconds(40));
  EXPECT_THAT(Condition("Ready"), HasSubstr("Ready=True"));
}

TEST_F(ProgramTest, StallsOnASpecThatOnlyAnEditCanMend) {
  PutAll();
  PutPolicy("web", {{"minCapacity", 9}});
  Start();
  loop.RunFor(absl::Minutes(2));
  EXPECT_THAT(Condition("Stalled"),
              HasSubstr("Stalled=True InvalidSpec: spec.minCapacity: must be less than or equal to"));
  EXPECT_THAT(Condition("Ready"), HasSubstr("Ready=False"));
  PutPolicy("web", {{"minCapacity", 1}});
  loop.RunFor(absl::Seconds(40));
  EXPECT_EQ(Condition("Stalled"), "absent");
  EXPECT_THAT(Condition("Ready"), HasSubstr("Ready=True"));
}

TEST_F(ProgramTest, ReadsBackAWriteWhoseEndIsUnknownBeforeAnythingElse) {
  PutAll();
  PutPolicy("web", {{"behavior", {{"scaleOut", {{"cooldownSeconds", 600}}}}}});
  cloud.value = 2000;
  cloud.lose_answers = true;
  Start();
  loop.RunFor(absl::Minutes(9));
  EXPECT_EQ(cloud.writes, 1) << "the change was ours: its cooldown runs";
  EXPECT_EQ(cloud.desired, 2);
  for (const std::string& line : lines.lines()) EXPECT_THAT(line, Not(HasSubstr("somebody else")));
}

TEST_F(ProgramTest, FinishesAWriteThatIsUnderWayWhenItIsStopped) {
  PutAll();
  cloud.value = 2000;
  cloud.write_takes = absl::Seconds(5);
  Start();
  ASSERT_TRUE(loop.RunUntilDone([this] { return cloud.writes == 1; }));
  Stop();
  EXPECT_EQ(cloud.desired, 2);
  EXPECT_EQ(codec::Find(Status(), "pendingChange"), nullptr);
  EXPECT_EQ(codec::FindInt64(Status(), {"lastApplied", "capacity"}), 2);
}

TEST_F(ProgramTest, CutsOffAReadingThatHangsWhenItIsStopped) {
  PutAll();
  cloud.metric_takes = absl::Minutes(1);
  Start();
  ASSERT_TRUE(loop.RunUntilDone([this] { return cloud.metric_reads == 1; }));
  const async::BootTime asked = loop.Now().boot;
  Stop();
  EXPECT_LE(loop.Now().boot - asked, absl::Seconds(2));
}

TEST_F(ProgramTest, LeavesBothOfTwoPoliciesWithOneTarget) {
  PutAll();
  PutPolicy("other");
  PutSecret({{"apiKey", kubeapi::EncodeBase64("key")}}, "else");
  PutAccount("else");
  cloud.value = 2000;
  Start();
  loop.RunFor(absl::Minutes(5));
  EXPECT_EQ(cloud.writes, 0);
  EXPECT_THAT(Condition("Ready"), HasSubstr("AmbiguousTarget: fake/web is the target of ScalingPolicy 'other' too"));
  EXPECT_THAT(Condition("Ready", "other"), HasSubstr("ScalingPolicy 'web'"));
  PutPolicy("other", {{"mode", "Recommend"}});
  loop.RunFor(absl::Minutes(5));
  EXPECT_THAT(Condition("Ready"), HasSubstr("Ready=True"));
  EXPECT_GT(cloud.writes, 0);
}

TEST_F(ProgramTest, NamesNoPolicyOfAnotherNamespace) {
  PutAll();
  PutSecret({{"apiKey", kubeapi::EncodeBase64("key")}}, "else");
  PutAccount("else");
  PutPolicy("secret-name", nlohmann::json::object(), "else");
  Start();
  loop.RunFor(absl::Minutes(2));
  EXPECT_THAT(Condition("Ready"), HasSubstr("a policy in another namespace"));
  EXPECT_THAT(Condition("Ready"), Not(HasSubstr("secret-name")));
}

// P10 of the goals: at most 0.1 requests per policy and minute when nothing changes.
TEST_F(ProgramTest, AsksTheApiServerLittleWhenNothingChanges) {
  PutAll();
  cloud.value = 500;
  Start();
  loop.RunFor(absl::Minutes(10));
  const int before = noting.requests;
  loop.RunFor(absl::Hours(1));
  // Two watches, each opened anew every 5 to 10 minutes, belong to the program and not to the policy; so does one look
  // at the Secret every 5 minutes, which all policies of the account share.
  EXPECT_LE(noting.requests - before, 2 * 12 + 15 + 6);
  EXPECT_EQ(cloud.writes, 0);
}

// Two programs over one API server, one of which leads.
class Replicas : public ProgramTest {
 protected:
  struct Write {
    std::string who;
    async::BootTime at;
    int to = 0;
  };
  // A target that says who writes to it.
  class Signed final : public ports::ScalingTarget {
   public:
    Signed(Replicas& world, std::string who) : world_(world), who_(std::move(who)), inner_(world.loop, world.cloud) {}
    async::Task<decision::TargetReading> Read(async::BootTime deadline) override { return inner_.Read(deadline); }
    async::Task<decision::WriteResult> SetCapacity(int capacity, async::BootTime deadline) override {
      world_.writes.push_back({who_, world_.loop.Now().boot, capacity});
      return inner_.SetCapacity(capacity, deadline);
    }

   private:
    Replicas& world_;
    std::string who_;
    Target inner_;
  };
  // The way to the Lease of one replica.
  class LeaseWay final : public http::Handler {
   public:
    explicit LeaseWay(Replicas& world) : world_(world) {}
    async::Task<http::Response> Handle(http::ServerRequest request) override {
      if (cut) co_return http::Response{.status = 503};
      if (absl::StrContains(request.body, R"("holderIdentity":"")")) world_.cloud.journal.emplace_back("release");
      co_return co_await world_.api.Handle(std::move(request));
    }
    bool cut = false;

   private:
    Replicas& world_;
  };
  struct Replica {
    Replica(Replicas& world, const std::string& name)
        : lease_way(world),
          transport(world.loop, lease_way),
          client(transport, {.base_url = "http://kube", .timeout = absl::Seconds(5)}),
          elector(world.loop, client, {.ns = "ops", .identity = name}),
          scope(world.loop) {
      providers.sources = world.providers.sources;
      providers.targets = world.providers.targets;
      providers.targets[0].make = [&world, name](const policy::ProviderConfig&, const ports::Account&) {
        return std::make_unique<Signed>(world, name);
      };
      program = std::make_unique<operator_main::Program>(
          operator_main::Program::Parts{.loop = world.loop,
                                        .kube = world.kube,
                                        .kube_url = "http://kube",
                                        .providers = providers,
                                        .log = world.log,
                                        .registry = registry,
                                        .lease_left = [this] { return elector.LeaseLeft(); }});
      program->Start();
      scope.Spawn(Lead(*this));
    }
    static async::Task<void> Lead(Replica& self) {
      self.end = co_await self.elector.Acquire();
      if (!self.end.ok()) co_return;
      self.scope.Spawn(Pass(self));
      self.end = co_await self.elector.Hold();
    }
    static async::Task<void> Pass(Replica& self) { (void)co_await self.program->Lead(); }

    LeaseWay lease_way;
    http::Loopback transport;
    kube::Client client;
    kube::LeaderElector elector;
    ports::Providers providers;
    telemetry::Registry registry;
    std::unique_ptr<operator_main::Program> program;
    absl::Status end;
    async::Scope scope;
  };
  ~Replicas() override {
    for (Replica* replica : {first.get(), second.get()}) {
      if (replica != nullptr && replica->program) StopReplica(*replica);
    }
  }
  // As operator/cluster.cc does it: the passes, then the lease.
  void StopReplica(Replica& replica) {
    loop.Run(replica.program->Stop(loop.Now().boot + absl::Seconds(25)));
    replica.scope.Cancel();
    loop.RunUntilDone([&replica] { return replica.scope.running() == 0; });
    loop.Run(replica.elector.Release(loop.Now().boot + absl::Seconds(5)));
    replica.program.reset();
  }
  void StartBoth() {
    PutAll();
    PutPolicy("web", {{"maxCapacity", 20}, {"behavior", {{"scaleOut", {{"cooldownSeconds", 60}}}}}});
    cloud.value = 2000;  // wants more for ever
    first = std::make_unique<Replica>(*this, "first");
    loop.RunFor(absl::Seconds(1));
    second = std::make_unique<Replica>(*this, "second");
  }
  // "first 2, first 3, second 4"
  std::string Writes() const {
    std::string text;
    for (const Write& write : writes) {
      absl::StrAppend(&text, text.empty() ? "" : ", ", write.who, " ", write.to);
    }
    return text;
  }

  std::vector<Write> writes;
  std::unique_ptr<Replica> first;
  std::unique_ptr<Replica> second;
};

TEST_F(Replicas, OneLeadsAndTheOtherIsReady) {
  StartBoth();
  loop.RunFor(absl::Minutes(6));
  EXPECT_THAT(Writes(), testing::StartsWith("first 2, first 3, first 4"));
  EXPECT_THAT(Writes(), Not(HasSubstr("second")));
  EXPECT_TRUE(first->elector.leading());
  EXPECT_EQ(second->program->NotReady(), "");
  EXPECT_TRUE(second->program->reconciler().entries().empty()) << "no pass without the lease";
}

TEST_F(Replicas, NoWriteIsBegunWhenTheLeaseRunsOut) {
  StartBoth();
  loop.RunFor(absl::Minutes(2));
  const size_t before = writes.size();
  // Its other requests still arrive: nothing but the gate stops it.
  first->lease_way.cut = true;
  const async::BootTime cut = loop.Now().boot;
  loop.RunFor(absl::Minutes(10));
  EXPECT_TRUE(absl::IsAborted(first->end)) << first->end;
  EXPECT_TRUE(second->elector.leading());
  ASSERT_GT(writes.size(), before + 2);
  for (size_t i = before; i < writes.size(); ++i) {
    const absl::Duration after = writes[i].at - cut;
    if (writes[i].who == "first") EXPECT_LT(after, absl::Seconds(10 - 3));
    if (writes[i].who == "second") EXPECT_GT(after, absl::Seconds(15 - 2));
  }
  for (size_t i = 1; i < writes.size(); ++i) {
    EXPECT_EQ(writes[i].to, writes[i - 1].to + 1) << "none twice, none left out: " << Writes();
    EXPECT_GE(writes[i].at - writes[i - 1].at, absl::Seconds(60)) << "the cooldown goes on";
  }
}

TEST_F(Replicas, TheLeaseIsReleasedAfterTheWriteAndItsStatus) {
  StartBoth();
  cloud.write_takes = absl::Seconds(5);
  ASSERT_TRUE(loop.RunUntilDone([this] { return writes.size() == 1; }));
  StopReplica(*first);
  const async::BootTime stopped = loop.Now().boot;
  EXPECT_EQ(cloud.desired, 2);
  ASSERT_GE(cloud.journal.size(), 4u);
  EXPECT_THAT(std::vector<std::string>(cloud.journal.end() - 4, cloud.journal.end()),
              ElementsAre("intent", "cloud 2", "status", "release"));
  EXPECT_EQ(codec::FindInt64(Status(), {"lastApplied", "capacity"}), 2);
  ASSERT_TRUE(loop.RunUntilDone([this] { return second->elector.leading(); }));
  EXPECT_LE(loop.Now().boot - stopped, absl::Seconds(2));
  loop.RunFor(absl::Minutes(2));
  EXPECT_THAT(Writes(), testing::StartsWith("first 2, second 3"));
}

TEST_F(Replicas, WhoHasLostTheLeaseWritesNoStatus) {
  StartBoth();
  loop.RunFor(absl::Minutes(2));
  first->lease_way.cut = true;
  ASSERT_TRUE(loop.RunUntilDone([this] { return absl::IsAborted(first->end); }));
  const size_t before = cloud.journal.size();
  cloud.value = 500;  // so that every pass has something new to say
  loop.RunFor(absl::Seconds(3));
  EXPECT_EQ(cloud.journal.size(), before);
}

}  // namespace
}  // namespace ottoscale
