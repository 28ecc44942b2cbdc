// The program against the embedded API server, with a scripted cloud: what is written in which order, what bad input
// turns into, what a restart and a stop do.
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
    program->Start();
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

}  // namespace
}  // namespace ottoscale
