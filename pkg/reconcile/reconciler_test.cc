#include "pkg/reconcile/reconciler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/async/gather.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"
#include "pkg/codec/json.h"
#include "pkg/http/loopback.h"
#include "pkg/kubeapi/api_error.h"
#include "pkg/kubeapi/base64.h"
#include "pkg/kubeapi/resource.h"
#include "pkg/telemetry/captured_log.h"
#include "pkg/telemetry/text_stream.h"

namespace ottoscale::reconcile {
namespace {

using decision::Applied;
using decision::TargetFailure;
using decision::TargetFault;
using decision::TargetState;
using decision::WriteResult;
using kubeapi::ObjectKey;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const ObjectKey kWeb{"shop", "web"};
const ObjectKey kWorker{"shop", "worker"};

// What the outside world does, and a list of what happened to it.
struct Outside {
  int desired = 1;
  double value = 400;
  std::string uid = "app/web";
  std::optional<TargetFailure> unreadable;
  std::deque<WriteResult> answers;  // to writes; then Applied
  absl::Duration read_takes;
  absl::Duration write_takes;
  std::map<std::string, std::string> keys = {{"heroku", "key-1"}};  // by name of the Secret; "" for no Secret
  std::deque<kubeapi::ErrorReason> broken_status;                   // of the next writes of a status
  bool old_crds = false;                                            // which have no status.memory
  absl::Duration status_takes;
  int statuses_under_way = 0;
  int most_statuses_under_way = 0;
  bool probes_fail = false;
  std::vector<std::string> journal;
  std::vector<absl::Duration> read_limits;    // of target readings
  std::vector<absl::Duration> sample_limits;  // of metric readings
};

class Target final : public ports::ScalingTarget {
 public:
  Target(async::Loop& loop, Outside& outside) : loop_(loop), outside_(outside) {}
  async::Task<decision::TargetReading> Read(async::BootTime deadline) override {
    outside_.read_limits.push_back(deadline - loop_.Now().boot);
    if (outside_.read_takes > absl::ZeroDuration()) (void)co_await async::Sleep(outside_.read_takes);
    if (outside_.unreadable) co_return *outside_.unreadable;
    co_return TargetState{.uid = outside_.uid,
                          .display = "fake/web",
                          .unit = "dynos",
                          .desired = outside_.desired,
                          .ready = outside_.desired,
                          .read_at = loop_.Now()};
  }
  async::Task<WriteResult> SetCapacity(int capacity, async::BootTime) override {
    outside_.journal.push_back(absl::StrCat("cloud ", capacity));
    if (outside_.write_takes > absl::ZeroDuration()) (void)co_await async::Sleep(outside_.write_takes);
    WriteResult answer = Applied{capacity};
    if (!outside_.answers.empty()) {
      answer = outside_.answers.front();
      outside_.answers.pop_front();
    }
    if (std::holds_alternative<Applied>(answer)) outside_.desired = capacity;
    co_return answer;
  }

 private:
  async::Loop& loop_;
  Outside& outside_;
};

class Source final : public ports::MetricSource {
 public:
  Source(async::Loop& loop, Outside& outside) : loop_(loop), outside_(outside) {}
  async::Task<decision::Sample> Read(async::BootTime deadline) override {
    outside_.sample_limits.push_back(deadline - loop_.Now().boot);
    if (outside_.probes_fail) {
      co_return decision::Sample{.state = decision::SampleState::kMissing,
                                 .missing = decision::MissingReason::kProbeFailed};
    }
    co_return decision::Sample{
        .state = decision::SampleState::kValid, .value = outside_.value, .measured_at = loop_.Now(), .unit = "ms"};
  }

 private:
  async::Loop& loop_;
  Outside& outside_;
};

// Serves Secrets, and takes statuses and Events.
class Api final : public http::Handler {
 public:
  explicit Api(Outside& outside) : outside_(outside) {}
  async::Task<http::Response> Handle(http::ServerRequest request) override {
    if (absl::EndsWith(request.path, "/status")) {
      outside_.most_statuses_under_way = std::max(outside_.most_statuses_under_way, ++outside_.statuses_under_way);
      if (outside_.status_takes > absl::ZeroDuration()) (void)co_await async::Sleep(outside_.status_takes);
      --outside_.statuses_under_way;
      co_return TakeStatus(request);
    }
    for (const auto& [name, key] : outside_.keys) {
      if (key.empty() || request.path != kubeapi::Secrets().ObjectPath("shop", name)) continue;
      outside_.journal.emplace_back("secret");
      nlohmann::json secret = nlohmann::json::object();
      secret["data"]["apiKey"] = kubeapi::EncodeBase64(key);
      co_return http::Response{.body = http::Body(codec::Dump(secret))};
    }
    co_return Error(kubeapi::ErrorReason::kNotFound);
  }
  nlohmann::json status;  // as last taken

 private:
  static http::Response Error(kubeapi::ErrorReason reason, const std::string& message = "scripted") {
    const kubeapi::ApiError error = kubeapi::MakeApiError(reason, message);
    return {.status = error.code, .body = http::Body(codec::Dump(kubeapi::ToJson(error)))};
  }
  http::Response TakeStatus(const http::ServerRequest& request) {
    outside_.journal.emplace_back(absl::StrContains(request.body, "pendingChange") ? "intent" : "status");
    if (!outside_.broken_status.empty()) {
      const kubeapi::ErrorReason reason = outside_.broken_status.front();
      outside_.broken_status.pop_front();
      return Error(reason);
    }
    if (outside_.old_crds && absl::StrContains(request.body, "\"memory\"")) {
      return Error(kubeapi::ErrorReason::kInternalError,
                   "failed to create typed patch object: .status.memory: field not declared in schema");
    }
    const auto object = codec::ReadJson(request.body, {});
    if (const nlohmann::json* found = codec::Find(*object, "status")) status = *found;
    return {.body = http::Body(request.body)};
  }
  Outside& outside_;
};

class ReconcilerTest : public testing::Test {
 protected:
  ReconcilerTest() {
    providers.sources.push_back(
        {.type = "HTTPHeartbeat",
         .check = [](const policy::ProviderConfig&) { return std::vector<ports::ConfigProblem>(); },
         .make = [this](const policy::ProviderConfig&) { return std::make_unique<Source>(loop, outside); }});
    providers.targets.push_back(
        {.type = "HerokuFormation",
         .account_type = "Heroku",
         .check = [](const policy::ProviderConfig&) { return std::vector<ports::ConfigProblem>(); },
         .make =
             [this](const policy::ProviderConfig&, const ports::Account& account) {
               outside.journal.push_back(absl::StrCat("target with ", account.credential.Reveal()));
               return std::make_unique<Target>(loop, outside);
             }});
    metrics = std::make_unique<Metrics>(registry, providers);
    Make({});
    nlohmann::json account = nlohmann::json::object();
    account["spec"] = {{"type", "Heroku"}, {"heroku", {{"apiKeySecretRef", {{"name", "heroku"}, {"key", "apiKey"}}}}}};
    Put(accounts, kubeapi::CloudAccounts(), {"shop", "heroku"}, std::move(account));
    PutPolicy();
  }

  // A reconciler that knows nothing yet.
  void Make(AdminLimits limits, absl::Duration first_pass_spacing = absl::ZeroDuration()) {
    reconciler = std::make_unique<Reconciler>(Reconciler::Dependencies{
        .loop = loop,
        .client = client,
        .policies = policies,
        .accounts = accounts,
        .providers = providers,
        .events = events,
        .log = log.Named("reconcile"),
        .metrics = *metrics,
        .limits = std::move(limits),
        .on_secret =
            [this](const Secret& secret) { outside.journal.push_back(absl::StrCat("told ", secret.Reveal())); },
        .first_pass_spacing = first_pass_spacing});
  }

  void Put(kube::Cache& cache, const kubeapi::Resource& resource, const ObjectKey& key, nlohmann::json object) {
    object["apiVersion"] = resource.ApiVersion();
    object["kind"] = resource.kind;
    object["metadata"] = {{"namespace", key.ns},
                          {"name", key.name},
                          {"uid", object_uid},
                          {"resourceVersion", absl::StrCat(++version)},
                          {"generation", generation}};
    cache.Put(std::move(object));
  }
  // `more` goes over the spec.
  void PutPolicy(const nlohmann::json& more = nlohmann::json::object(), const ObjectKey& key = kWeb) {
    nlohmann::json spec = {
        {"target",
         {{"type", "HerokuFormation"}, {"herokuFormation", {{"accountRef", {{"name", "heroku"}}}, {"app", "shop"}}}}},
        {"maxCapacity", 4},
        {"pollPeriodSeconds", 20},
        {"behavior", {{"settleSeconds", 0}}}};
    spec["metrics"] = nlohmann::json::array();
    spec["metrics"].push_back(
        {{"name", "heartbeat"},
         {"source", {{"type", "HTTPHeartbeat"}, {"httpHeartbeat", {{"url", "http://shop.example/"}}}}},
         {"strategy", {{"type", "Threshold"}, {"threshold", {{"lower", 200}, {"upper", 1000}}}}}});
    spec.merge_patch(more);
    ++generation;
    nlohmann::json object = nlohmann::json::object();
    object["spec"] = std::move(spec);
    Put(policies, kubeapi::ScalingPolicies(), key, std::move(object));
  }
  // So many policies that only recommend, all at once, and then `last`; true when all passes succeeded.
  bool PassTogether(int count, const std::vector<ObjectKey>& last = {}) {
    std::vector<async::Task<absl::StatusOr<kube::Requeue>>> passes;
    for (int i = 0; i < count; ++i) {
      const ObjectKey key{"shop", absl::StrCat("p", i)};
      PutPolicy({{"mode", "Recommend"}}, key);
      passes.push_back(reconciler->Reconcile(key));
    }
    for (const ObjectKey& key : last) passes.push_back(reconciler->Reconcile(key));
    bool ok = true;
    for (const auto& requeue : loop.Run(async::All(std::move(passes)))) ok = ok && requeue.ok();
    return ok;
  }
  void Delete(const ObjectKey& key) { policies.Remove(policies.Get(key)->Json()); }

  absl::StatusOr<kube::Requeue> Reconcile(const ObjectKey& key = kWeb) { return loop.Run(reconciler->Reconcile(key)); }
  // A pass, and how long after its start it wants to come again.
  absl::Duration Pass(const ObjectKey& key = kWeb) {
    const async::BootTime start = loop.Now().boot;
    const auto requeue = Reconcile(key);
    EXPECT_TRUE(requeue.ok()) << requeue.status();
    if (!requeue.ok() || !requeue->at) return absl::InfiniteDuration();
    return *requeue->at - start;
  }
  // Passes at their times until the cloud has been written to `writes` times.
  void PassUntilWritten(int writes) {
    for (int i = 0; i < 50 && Writes() < writes; ++i) {
      loop.RunFor(absl::Seconds(20));
      (void)Pass();
    }
    ASSERT_EQ(Writes(), writes);
  }
  int Writes() {
    int writes = 0;
    for (const std::string& line : outside.journal) writes += absl::StartsWith(line, "cloud");
    return writes;
  }
  std::vector<std::string> Journal() { return std::exchange(outside.journal, {}); }
  const PolicyEntry& Entry(const ObjectKey& key = kWeb) { return reconciler->entries().at(key); }
  // "Ready=False SecretNotFound: ..."
  std::string Condition(const char* type, const ObjectKey& key = kWeb) {
    const decision::Condition* found = decision::FindCondition(Entry(key).status, type);
    if (found == nullptr) return "absent";
    return absl::StrCat(type, "=", found->status, " ", found->reason, ": ", found->message);
  }

  async::SimulatedLoop loop{1};
  Outside outside;
  Api api{outside};
  http::Loopback transport{loop, api};
  kube::Client client{transport, {.base_url = "http://api:80"}};
  kube::Cache policies;
  kube::Cache accounts;
  kube::EventRecorder events{loop, client};
  ports::Providers providers;
  telemetry::CapturedLog lines;
  telemetry::Log log{{.loop = loop, .sink = lines.sink()}};
  telemetry::Registry registry;
  std::unique_ptr<Metrics> metrics;
  std::unique_ptr<Reconciler> reconciler;
  std::string object_uid = "uid-1";
  int64_t generation = 0;
  int version = 0;
};

TEST_F(ReconcilerTest, SpreadsFirstPasses) {
  Make({}, absl::Milliseconds(2));
  PutPolicy();
  PutPolicy(nlohmann::json::object(), kWorker);
  EXPECT_GT(Pass(), absl::Seconds(1));
  const async::BootTime met = loop.Now().boot;
  const absl::Duration wait = Pass(kWorker);
  EXPECT_GT(wait, absl::ZeroDuration());
  EXPECT_LE(wait, absl::Milliseconds(2));
  EXPECT_EQ(Pass(kWorker), wait);  // woken meanwhile: its turn stays
  EXPECT_FALSE(Entry(kWorker).last);
  loop.RunFor(wait);
  EXPECT_GT(Pass(kWorker), absl::Seconds(1));
  EXPECT_TRUE(Entry(kWorker).last);
  EXPECT_GT(Pass(kWorker), absl::Seconds(1));  // and never again
  EXPECT_LE(loop.Now().boot - met, absl::Milliseconds(2));
}

TEST_F(ReconcilerTest, WritesAFewStatusesAtATime) {
  outside.status_takes = absl::Milliseconds(100);
  EXPECT_TRUE(PassTogether(50));
  EXPECT_EQ(outside.most_statuses_under_way, static_cast<int>(Reconciler::kReportsAtOnce));
}

TEST_F(ReconcilerTest, AnIntentDoesNotWaitForStatuses) {
  outside.value = 2000;
  PutPolicy(
      {{"metrics",
        {{{"name", "heartbeat"},
          {"source", {{"type", "HTTPHeartbeat"}, {"httpHeartbeat", {{"url", "http://shop.example/"}}}}},
          {"strategy",
           {{"type", "Threshold"}, {"threshold", {{"lower", 200}, {"upper", 1000}, {"breachesToScaleOut", 1}}}}}}}}});
  outside.status_takes = absl::Seconds(2);
  EXPECT_TRUE(PassTogether(50, {kWeb}));
  EXPECT_EQ(outside.most_statuses_under_way, static_cast<int>(Reconciler::kReportsAtOnce) + 1);
  EXPECT_EQ(Writes(), 1);
}

TEST_F(ReconcilerTest, SuspectsItselfWhenMostProbesFail) {
  const auto at = [](const char* url) -> nlohmann::json {
    nlohmann::json metric = {{"name", "heartbeat"},
                             {"source", {{"type", "HTTPHeartbeat"}, {"httpHeartbeat", {{"url", url}}}}},
                             {"strategy", {{"type", "Threshold"}, {"threshold", {{"lower", 200}, {"upper", 1000}}}}}};
    return {{"metrics", nlohmann::json::array({metric})}};
  };
  const auto suspects = [this](const ObjectKey& key) {
    (void)Pass(key);
    return Entry(key).last->observation.probes_suspect;
  };
  outside.probes_fail = true;
  const std::vector<std::pair<ObjectKey, const char*>> others = {
      {{"shop", "a"}, "http://a.example/"}, {{"shop", "b"}, "http://b.example/"}, {{"shop", "c"}, "http://c.example/"}};
  for (const auto& [key, url] : others) {
    PutPolicy(at(url), key);
    EXPECT_EQ(suspects(key), key.name == "c") << key.name;
  }
  outside.probes_fail = false;
  EXPECT_TRUE(suspects(kWeb));                                           // three of four
  EXPECT_FALSE(suspects(others[0].first) && suspects(others[1].first));  // they answer again
}

TEST_F(ReconcilerTest, LatenessDoesNotAddUp) {
  (void)Pass();
  const async::BootTime due = *Entry().due;
  loop.RunFor(due - loop.Now().boot + absl::Seconds(3));
  const async::BootTime late = loop.Now().boot;
  EXPECT_LE(late + Pass(), due + 1.06 * absl::Seconds(20));
}

TEST_F(ReconcilerTest, APassThatIsVeryLateDoesNotCrowdTheNext) {
  (void)Pass();
  loop.RunFor(*Entry().due - loop.Now().boot + absl::Seconds(15));
  EXPECT_GE(Pass(), 0.94 * absl::Seconds(20));
}

TEST_F(ReconcilerTest, TellsTheCredentialBeforeItIsUsed) {
  (void)Pass();
  EXPECT_THAT(Journal(), ElementsAre("secret", "told key-1", "target with key-1", "status"));
}

TEST_F(ReconcilerTest, MakesATargetOnceAndAgainWithANewCredential) {
  (void)Pass();
  (void)Pass();
  Journal();
  outside.keys["heroku"] = "key-2";
  outside.unreadable = TargetFailure{.fault = TargetFault::kCredentialsInvalid, .message = "refused"};
  (void)Pass();
  EXPECT_THAT(Journal(), ElementsAre("told key-1", "status")) << "nobody has told us yet that it is another one";
  outside.unreadable.reset();
  (void)Pass();
  EXPECT_THAT(Journal(), ElementsAre("secret", "told key-2", "target with key-2", "status"));
  (void)Pass();
  EXPECT_THAT(Journal(), ElementsAre("told key-2"));
}

TEST_F(ReconcilerTest, TwoPoliciesOfOneAccountShareTheSecret) {
  PutPolicy(nlohmann::json::object(), kWorker);
  (void)Pass();
  (void)Pass(kWorker);
  const std::vector<std::string> journal = Journal();
  EXPECT_EQ(std::count(journal.begin(), journal.end(), "secret"), 1);
}

TEST_F(ReconcilerTest, GivesEachReadingItsOwnTime) {
  (void)Pass();
  EXPECT_THAT(outside.read_limits, ElementsAre(absl::Seconds(20)));
  EXPECT_THAT(outside.sample_limits, ElementsAre(absl::Seconds(66)));
}

TEST_F(ReconcilerTest, AnInvalidSpecIsReportedOnceAndWaitsForAnEdit) {
  PutPolicy({{"maxCapacity", 0}, {"pollPeriodSeconds", 1}});
  EXPECT_EQ(Pass(), absl::InfiniteDuration());
  EXPECT_THAT(Condition("Stalled"), HasSubstr("Stalled=True InvalidSpec: "));
  for (const char* field : {"spec.pollPeriodSeconds: ", "spec.maxCapacity: "}) {
    EXPECT_THAT(Condition("Stalled"), HasSubstr(field)) << "every mistake at once";
  }
  EXPECT_THAT(Journal(), ElementsAre("status"));
  EXPECT_EQ(Pass(), absl::InfiniteDuration());
  EXPECT_THAT(Journal(), IsEmpty());
  PutPolicy();
  EXPECT_LT(Pass(), absl::Seconds(30));
  EXPECT_EQ(Condition("Stalled"), "absent");
}

TEST_F(ReconcilerTest, ScalesWithCrdsThatDoNotKnowItsMemory) {
  PutPolicy();
  outside.old_crds = true;
  Pass();
  EXPECT_THAT(Journal(), Contains("status").Times(2)) << "refused, and again without the memory";
  EXPECT_EQ(Condition("Stalled"), "absent");
  outside.desired = 3;  // by somebody else
  Pass();
  EXPECT_THAT(Journal(), Contains("status").Times(1)) << "one refusal is enough";
  EXPECT_THAT(lines.lines(), Contains(HasSubstr("the CRDs in the cluster are older than this operator")));
}

TEST_F(ReconcilerTest, AnInvalidSpecWhoseReportFailsIsTriedAgain) {
  PutPolicy({{"maxCapacity", 0}});
  outside.broken_status = {kubeapi::ErrorReason::kInternalError};
  EXPECT_FALSE(Reconcile().ok());
  EXPECT_TRUE(Reconcile().ok());
  EXPECT_THAT(Journal(), ElementsAre("status", "status"));
}

TEST_F(ReconcilerTest, AnEditThatMakesItInvalidLeavesTheTargetAlone) {
  outside.value = 2000;
  (void)Pass();
  PutPolicy({{"maxCapacity", 0}});
  for (int i = 0; i < 10; ++i) {
    loop.RunFor(absl::Seconds(20));
    (void)Pass();
  }
  EXPECT_EQ(Writes(), 0);
  EXPECT_EQ(Entry().target, nullptr);
}

// A store that was put back to an older state counts generations anew.
TEST_F(ReconcilerTest, AnotherSpecOfTheSameGenerationIsAnother) {
  (void)Pass();
  const int64_t seen = generation;
  generation = seen - 1;
  PutPolicy({{"maxCapacity", 3}});
  ASSERT_EQ(generation, seen);
  (void)Pass();
  EXPECT_EQ(Entry().spec->max_capacity, 3);
}

TEST_F(ReconcilerTest, ForgetsAPolicyThatIsGoneAndFreesItsTarget) {
  PutPolicy(nlohmann::json::object(), kWorker);
  (void)Pass();
  (void)Pass(kWorker);
  EXPECT_THAT(Condition("Ready", kWorker), HasSubstr("AmbiguousTarget"));
  Delete(kWeb);
  EXPECT_EQ(Pass(), absl::InfiniteDuration());
  EXPECT_FALSE(reconciler->entries().contains(kWeb));
  (void)Pass(kWorker);
  EXPECT_THAT(Condition("Ready", kWorker), HasSubstr("Ready=True"));
}

TEST_F(ReconcilerTest, APolicyThatIsBeingDeletedIsGone) {
  (void)Pass();
  nlohmann::json object = policies.Get(kWeb)->Json();
  object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  object["metadata"]["resourceVersion"] = "999";
  policies.Put(std::move(object));
  EXPECT_EQ(Pass(), absl::InfiniteDuration());
  EXPECT_FALSE(reconciler->entries().contains(kWeb));
}

TEST_F(ReconcilerTest, APolicyMadeAnewUnderTheNameIsAnother) {
  outside.value = 2000;
  (void)Pass();
  loop.RunFor(absl::Seconds(20));
  (void)Pass();
  ASSERT_EQ(Entry().history.metrics[0].run, 2);
  object_uid = "uid-2";
  PutPolicy();
  loop.RunFor(absl::Seconds(20));
  (void)Pass();
  EXPECT_EQ(Entry().uid, "uid-2");
  EXPECT_EQ(Entry().history.metrics[0].run, 1) << "the breaches of the old one do not count";
}

TEST_F(ReconcilerTest, ARunOfBreachesOutlivesAnEditOfOtherFieldsOnly) {
  outside.value = 2000;
  (void)Pass();
  loop.RunFor(absl::Seconds(20));
  PutPolicy({{"maxCapacity", 9}});
  (void)Pass();
  EXPECT_EQ(Entry().history.metrics[0].run, 2);
  nlohmann::json metrics_of_spec = codec::Find(policies.Get(kWeb)->Json(), "spec")->at("metrics");
  metrics_of_spec[0]["strategy"]["threshold"]["upper"] = 1500;
  PutPolicy({{"metrics", metrics_of_spec}});
  loop.RunFor(absl::Seconds(20));
  (void)Pass();
  EXPECT_EQ(Entry().history.metrics[0].run, 1) << "measured against another threshold";
}

TEST_F(ReconcilerTest, AnotherTargetIsMadeAnewAndTheOldOneIsFree) {
  PutPolicy(nlohmann::json::object(), kWorker);
  (void)Pass();
  Journal();
  PutPolicy({{"target", {{"herokuFormation", {{"app", "other"}}}}}});
  outside.uid = "other/web";
  (void)Pass();
  EXPECT_THAT(Journal(), Contains("target with key-1"));
  outside.uid = "app/web";
  (void)Pass(kWorker);
  EXPECT_THAT(Condition("Ready", kWorker), HasSubstr("Ready=True"));
}

TEST_F(ReconcilerTest, ComesAgainAfterThePollPeriodMoreOrLess) {
  std::set<absl::Duration> periods;
  for (int i = 0; i < 20; ++i) {
    const absl::Duration after = Pass();
    EXPECT_GE(after, absl::Seconds(19));
    EXPECT_LE(after, absl::Seconds(21));
    periods.insert(after);
    loop.RunFor(after);
  }
  EXPECT_GT(periods.size(), 10u) << "policies made together do not stay together";
}

TEST_F(ReconcilerTest, ASlowPassDoesNotStretchThePeriod) {
  outside.read_takes = absl::Seconds(8);
  EXPECT_LE(Pass(), absl::Seconds(21)) << "measured from its start";
  outside.read_takes = absl::Seconds(50);
  const async::BootTime start = loop.Now().boot;
  EXPECT_EQ(Pass(), loop.Now().boot - start) << "late is at once";
}

TEST_F(ReconcilerTest, WaitsAsLongAsTheCloudAsksFor) {
  outside.unreadable = TargetFailure{
      .fault = TargetFault::kRateLimited, .message = "wait", .retry_at = loop.Now().boot + absl::Minutes(4)};
  EXPECT_EQ(Pass(), absl::Minutes(4));
}

TEST_F(ReconcilerTest, LooksAgainSoonAfterAnUnknownEndButOnce) {
  outside.value = 2000;
  outside.answers = {decision::Unknown{"lost"}};
  for (int i = 0; i < 20 && Writes() == 0; ++i) {
    loop.RunFor(absl::Seconds(20));
    if (const absl::Duration after = Pass(); Writes() == 1) {
      EXPECT_EQ(after, absl::Seconds(2));
    }
  }
  ASSERT_EQ(Writes(), 1);
}

TEST_F(ReconcilerTest, DoesNotHurryTwiceInARow) {
  outside.value = 2000;
  outside.broken_status.assign(100, kubeapi::ErrorReason::kInternalError);  // no intent, no write: superseded each time
  std::vector<bool> soon;
  for (int i = 0; i < 8; ++i) {
    const absl::Duration after = Pass();
    soon.push_back(after == absl::Seconds(2));
    loop.RunFor(std::max(after, absl::Seconds(20)));
  }
  EXPECT_EQ(Writes(), 0) << "an intent that is not recorded is not acted on";
  EXPECT_THAT(soon, Contains(true));
  for (size_t i = 1; i < soon.size(); ++i) EXPECT_FALSE(soon[i] && soon[i - 1]);
}

TEST_F(ReconcilerTest, WakesWhenAWindowOpens) {
  // The loop starts at midnight UTC.
  nlohmann::json window = {{"name", "early"}, {"minCapacity", 2}, {"type", "Weekly"}};
  window["weekly"] = {{"start", "00:01"}, {"end", "12:00"}};
  nlohmann::json windows = nlohmann::json::array();
  windows.push_back(window);
  PutPolicy({{"pollPeriodSeconds", 600}, {"schedule", {{"windows", windows}}}});
  const absl::Duration after = Pass();
  EXPECT_EQ(Condition("Stalled"), "absent");
  EXPECT_EQ(after, absl::Minutes(1));
}

TEST_F(ReconcilerTest, AReportThatFailsIsWrittenByTheNextPass) {
  outside.broken_status = {kubeapi::ErrorReason::kInternalError};
  EXPECT_LT(Pass(), absl::Seconds(30)) << "the pass itself has not failed";
  EXPECT_THAT(lines.lines(), Contains(HasSubstr("status not written")));
  loop.RunFor(absl::Seconds(20));
  Journal();
  (void)Pass();
  EXPECT_THAT(Journal(), Contains("status"));
  loop.RunFor(absl::Seconds(20));
  (void)Pass();
  EXPECT_THAT(Journal(), Not(Contains("status"))) << "and then nothing new";
}

TEST_F(ReconcilerTest, AnIntentThatCannotBeRecordedKeepsTheCloudAsItIs) {
  outside.value = 2000;
  for (int i = 0; i < 3; ++i) {
    (void)Pass();
    loop.RunFor(absl::Seconds(20));
    outside.broken_status = {kubeapi::ErrorReason::kForbidden};
  }
  EXPECT_EQ(Writes(), 0);
  EXPECT_EQ(outside.desired, 1);
}

TEST_F(ReconcilerTest, AStatusWhoseAnswerWasLostIsWrittenAgainEvenWhenItIsTheOldOne) {
  (void)Pass();
  outside.unreadable = TargetFailure{.fault = TargetFault::kUnavailable, .message = "away"};
  outside.broken_status = {kubeapi::ErrorReason::kInternalError};  // it may have been taken all the same
  loop.RunFor(absl::Seconds(20));
  (void)Pass();
  outside.unreadable.reset();
  loop.RunFor(absl::Seconds(20));
  Journal();
  (void)Pass();
  EXPECT_THAT(Journal(), Contains("status")) << "as it was before, but who knows what stands there";
}

TEST_F(ReconcilerTest, ACancelledPassReportsNothingAndWritesNothing) {
  outside.value = 2000;
  for (int i = 0; i < 2; ++i) {
    (void)Pass();
    loop.RunFor(absl::Seconds(20));
  }
  Journal();
  outside.read_takes = absl::Seconds(10);
  async::Scope scope(loop);
  std::optional<absl::Status> ended;
  const auto run = [](Reconciler& r, std::optional<absl::Status>& end) -> async::Task<void> {
    end = (co_await r.Reconcile(kWeb)).status();
  };
  scope.Spawn(run(*reconciler, ended));
  loop.RunFor(absl::Seconds(1));
  scope.Cancel();
  ASSERT_TRUE(loop.RunUntilDone([&scope] { return scope.running() == 0; }));
  EXPECT_TRUE(absl::IsCancelled(*ended)) << *ended;
  EXPECT_THAT(Journal(), Not(Contains("status")));
  EXPECT_EQ(Writes(), 0);
}

TEST_F(ReconcilerTest, FinishesAWriteThatIsUnderWayWhenThePassIsCancelled) {
  outside.value = 2000;
  outside.write_takes = absl::Seconds(5);
  async::Scope scope(loop);
  const auto run = [](Reconciler& r) -> async::Task<void> {
    do {
      (void)co_await r.Reconcile(kWeb);
    } while ((co_await async::Sleep(absl::Seconds(20))).ok());
  };
  scope.Spawn(run(*reconciler));
  ASSERT_TRUE(loop.RunUntilDone([this] { return Writes() == 1; }));
  scope.Cancel();
  ASSERT_TRUE(loop.RunUntilDone([&scope] { return scope.running() == 0; }));
  EXPECT_EQ(outside.desired, 2);
  EXPECT_EQ(codec::Find(api.status, "pendingChange"), nullptr) << "and its outcome is reported";
  EXPECT_EQ(codec::FindInt64(api.status, {"lastApplied", "capacity"}), 2);
}

TEST_F(ReconcilerTest, ARefusalIsReportedAndWaitsAsTheCloudAsks) {
  outside.value = 2000;
  outside.answers = {decision::Refused{.kind = decision::Refused::Kind::kRateLimited,
                                       .message = "too many",
                                       .retry_at = loop.Now().boot + absl::Hours(1)}};
  PassUntilWritten(1);
  EXPECT_GE(*Entry().due, async::BootTime{} + absl::Seconds(1000) + absl::Hours(1));
  EXPECT_EQ(outside.desired, 1);
  EXPECT_THAT(lines.lines(), Contains(HasSubstr("too many")));
}

TEST_F(ReconcilerTest, AChangeIsOneLineAndOneEventAndThenSilence) {
  outside.value = 2000;
  PassUntilWritten(1);
  const auto told = [this] {
    return std::count_if(lines.lines().begin(), lines.lines().end(),
                         [](const std::string& line) { return absl::StrContains(line, "1 → 2 dynos"); });
  };
  EXPECT_EQ(told(), 1);
  outside.value = 400;
  const uint64_t recorded = events.counters().recorded;
  for (int i = 0; i < 10; ++i) {
    loop.RunFor(absl::Seconds(20));
    (void)Pass();
  }
  EXPECT_EQ(told(), 1);
  EXPECT_EQ(events.counters().recorded, recorded);
}

TEST_F(ReconcilerTest, AViolationHoldsUntilTheGenerationChanges) {
  // The ledger says that the target has just been changed; the history of this policy does not, so Decide is wrong.
  outside.value = 2000;
  outside.answers = {decision::Violation{"test", "a defect"}};
  PassUntilWritten(1);
  EXPECT_THAT(Condition("Stalled"), HasSubstr("Stalled=True"));
  for (int i = 0; i < 10; ++i) {
    loop.RunFor(absl::Seconds(20));
    (void)Pass();
  }
  EXPECT_EQ(Writes(), 1) << "held";
  PutPolicy();
  PassUntilWritten(2);
  EXPECT_EQ(outside.desired, 2);
}

TEST_F(ReconcilerTest, ActsOnTheOldestPoliciesThatTheAdministratorAllows) {
  Make({.max_policies_per_namespace = 1});
  object_uid = "uid-2";  // made later: of one age, the uid decides
  PutPolicy(nlohmann::json::object(), {"shop", "young"});
  (void)Pass();
  (void)Pass({"shop", "young"});
  EXPECT_THAT(Condition("Ready"), testing::HasSubstr("Ready=True"));
  EXPECT_THAT(
      Condition("Ready", {"shop", "young"}),
      testing::HasSubstr("Ready=False TooManyPolicies: the administrator allows 1 ScalingPolicies in a namespace"));
  EXPECT_EQ(Condition("Stalled", {"shop", "young"}), "absent") << "it heals by itself";
  Delete(kWeb);
  (void)Reconcile();
  (void)Pass({"shop", "young"});
  EXPECT_THAT(Condition("Ready", {"shop", "young"}), testing::HasSubstr("Ready=True"));
}

TEST_F(ReconcilerTest, KeepsAPolicyBelowTheAdministratorsCeiling) {
  Make({.max_capacity = 1});
  (void)Pass();
  EXPECT_EQ(Entry().last->decision.limits.max, 1);
}

TEST_F(ReconcilerTest, KnowsItsClaimFromTheStatusBeforeItHasReadTheTarget) {
  nlohmann::json object = policies.Get(kWeb)->Json();
  object["status"] = {{"observedGeneration", 1}, {"targetUID", "app/web"}};
  object["metadata"]["resourceVersion"] = "99";
  policies.Put(std::move(object));
  PutPolicy(nlohmann::json::object(), kWorker);
  outside.read_takes = absl::Seconds(5);
  async::Scope scope(loop);
  const auto run = [](Reconciler& r) -> async::Task<void> { (void)co_await r.Reconcile(kWeb); };
  scope.Spawn(run(*reconciler));
  loop.RunFor(absl::Seconds(1));
  outside.read_takes = absl::ZeroDuration();
  (void)Pass(kWorker);
  EXPECT_THAT(Condition("Ready", kWorker), HasSubstr("AmbiguousTarget")) << "the first has not read it yet";
  ASSERT_TRUE(loop.RunUntilDone([&scope] { return scope.running() == 0; }));
}

TEST_F(ReconcilerTest, WhoRecommendsOrIsSuspendedIsNobodysRival) {
  for (const nlohmann::json& more :
       {nlohmann::json{{"mode", "Recommend"}}, nlohmann::json{{"suspend", {{"scope", "All"}}}}}) {
    PutPolicy(more);
    PutPolicy(nlohmann::json::object(), kWorker);
    (void)Pass();
    (void)Pass(kWorker);
    EXPECT_THAT(Condition("Ready", kWorker), HasSubstr("Ready=True")) << codec::Dump(more);
  }
  PutPolicy({{"suspend", {{"scope", "ScaleIn"}}}});
  (void)Pass();
  (void)Pass(kWorker);
  EXPECT_THAT(Condition("Ready", kWorker), HasSubstr("AmbiguousTarget")) << "it may still scale out";
}

TEST_F(ReconcilerTest, GivesUpItsClaimAtOnceEvenWhenTheTargetCannotBeRead) {
  PutPolicy(nlohmann::json::object(), kWorker);
  (void)Pass();
  outside.unreadable = TargetFailure{.fault = TargetFault::kUnavailable, .message = "away"};
  PutPolicy({{"mode", "Recommend"}});
  (void)Pass();
  outside.unreadable.reset();
  (void)Pass(kWorker);
  EXPECT_THAT(Condition("Ready", kWorker), HasSubstr("Ready=True"));
}

TEST_F(ReconcilerTest, CountsFromTheRegistrationOnAndTimesItsWrites) {
  metrics->Watch(reconciler->entries());
  outside.read_takes = absl::Seconds(5);
  async::Scope scope(loop);
  const auto run = [](Reconciler& r) -> async::Task<void> { (void)co_await r.Reconcile(kWeb); };
  scope.Spawn(run(*reconciler));
  loop.RunFor(absl::Seconds(1));
  EXPECT_THAT(telemetry::ExpositionText(registry),
              HasSubstr("\nottoscale_decisions_total{policy_namespace=\"shop\",policy=\"web\","
                        "action=\"hold\",reason=\"Steady\"} 0\n"))
      << "the first pass is still under way";
  ASSERT_TRUE(loop.RunUntilDone([&scope] { return scope.running() == 0; }));
  outside.value = 2000;
  outside.write_takes = absl::Seconds(3);
  PassUntilWritten(1);
  EXPECT_THAT(telemetry::ExpositionText(registry),
              HasSubstr("\nottoscale_scale_write_duration_seconds_sum{target_type=\"HerokuFormation\"} 3\n"));
}

}  // namespace
}  // namespace ottoscale::reconcile
