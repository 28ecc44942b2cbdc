#include "pkg/reconcile/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "pkg/base/text.h"
#include "pkg/reconcile/reconciler.h"
#include "pkg/telemetry/promtool.h"
#include "pkg/telemetry/text_stream.h"

namespace ottoscale::reconcile {
namespace {

using decision::Action;
using decision::Applied;
using decision::Code;
using decision::SampleState;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const kubeapi::ObjectKey kWeb{"shop", "web"};
const std::string kOfWeb = "policy_namespace=\"shop\",policy=\"web\"";
const absl::Time kNoon = absl::FromUnixSeconds(1'800'000'000);

async::Instant At(absl::Duration after) { return {kNoon + after, {absl::Seconds(1000) + after}}; }

// An account with a quota.
class Target final : public ports::ScalingTarget {
 public:
  explicit Target(std::optional<ports::RequestQuota> quota) : quota_(quota) {}
  async::Task<decision::TargetReading> Read(async::BootTime) override { co_return decision::TargetFailure{}; }
  async::Task<decision::WriteResult> SetCapacity(int, async::BootTime) override { co_return decision::NotWritten{}; }
  std::optional<ports::RequestQuota> Quota() const override { return quota_; }

 private:
  std::optional<ports::RequestQuota> quota_;
};

ports::Providers TwoProviders() {
  ports::Providers providers;
  providers.sources.push_back({.type = "HTTPHeartbeat"});
  providers.targets.push_back({.type = "HerokuFormation", .account_type = "Heroku"});
  return providers;
}

policy::ScalingPolicy Spec() {
  policy::ScalingPolicy spec;
  spec.target.type = "HerokuFormation";
  spec.max_capacity = 4;
  spec.poll_period = absl::Seconds(20);
  spec.metrics = {policy::Metric{.name = "heartbeat",
                                 .source = {.type = "HTTPHeartbeat"},
                                 .strategy = policy::Threshold{.lower = 200, .upper = 1000}}};
  return spec;
}

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() { metrics.Watch(entries); }

  // As the reconciler does it.
  PolicyEntry& Register(const kubeapi::ObjectKey& key) {
    PolicyEntry& entry = entries.try_emplace(key, PolicyEntry{.key = key}).first->second;
    metrics.Registered(key);
    return entry;
  }
  PolicyEntry& RegisterValid(const kubeapi::ObjectKey& key) {
    PolicyEntry& entry = Register(key);
    entry.spec = Spec();
    return entry;
  }
  // A pass that has read everything and holds; `outcome` may be changed before Passed.
  decision::Outcome Outcome(int desired, int ready, async::Instant now) {
    decision::Outcome outcome{.now = now};
    outcome.observation.target = decision::TargetState{.desired = desired, .ready = ready, .read_at = now};
    outcome.observation.samples = {{.state = SampleState::kValid,
                                    .value = 400,
                                    .measured_at = now,
                                    .unit = "ms",
                                    .took = absl::Milliseconds(400)}};
    outcome.decision = {
        .from = desired, .to = desired, .recommended = 7, .desired = desired, .limits = {.min = 1, .max = 4}};
    outcome.decision.metrics = {{.name = "heartbeat", .value = 400.0, .breaches = 2, .above = true, .unit = "ms"}};
    return outcome;
  }
  void Pass(PolicyEntry& entry, const decision::Outcome& outcome) {
    entry.last = outcome;
    entry.status.current_capacity = outcome.observation.state() ? outcome.observation.state()->ready : 0;
    entry.status.target_capacity = outcome.decision.from;
    metrics.Passed(entry, outcome, {outcome.now.wall + absl::Seconds(1), outcome.now.boot + absl::Seconds(1)},
                   absl::Milliseconds(3));
  }
  void Delete(const kubeapi::ObjectKey& key) {
    metrics.Forget(key);
    entries.erase(key);
  }

  // The samples of `family`, without its name.
  std::vector<std::string> Of(const std::string& family) {
    std::vector<std::string> found;
    for (const auto line : absl::StrSplit(telemetry::ExpositionText(registry), '\n')) {
      if (absl::StartsWith(line, family + "{") || absl::StartsWith(line, family + " ")) {
        found.emplace_back(line.substr(family.size()));
      }
    }
    return found;
  }
  // All lines about one policy.
  std::string About(const kubeapi::ObjectKey& key) {
    std::string found;
    const std::string label = absl::StrCat("policy_namespace=\"", key.ns, "\",policy=\"", key.name, "\"");
    for (const auto line : absl::StrSplit(telemetry::ExpositionText(registry), '\n')) {
      if (absl::StrContains(line, label)) absl::StrAppend(&found, line, "\n");
    }
    return found;
  }
  std::string Web(const char* labels, const char* value) {
    return absl::StrCat("{", kOfWeb, *labels == '\0' ? "" : ",", labels, "} ", value);
  }

  telemetry::Registry registry;
  Metrics metrics{registry, TwoProviders()};
  Metrics::Entries entries;
};

TEST_F(MetricsTest, SeriesOfAnInstallationExistBeforeAnythingHappens) {
  const std::string text = telemetry::ExpositionText(registry);
  for (const char* series : {"ottoscale_reconcile_lag_seconds_count 0", "ottoscale_pass_duration_seconds_count 0",
                             "ottoscale_invariant_violations_total 0", "ottoscale_frozen 0",
                             "ottoscale_metric_poll_duration_seconds_count{source_type=\"HTTPHeartbeat\"} 0",
                             "ottoscale_scale_write_duration_seconds_count{target_type=\"HerokuFormation\"} 0",
                             "ottoscale_scale_operation_duration_seconds_count{target_type=\"HerokuFormation\"} 0"}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("\n", series, "\n")));
  }
}

TEST_F(MetricsTest, SeriesOfAPolicyExistFromItsRegistrationOn) {
  RegisterValid(kWeb);
  const std::string about = About(kWeb);
  const std::vector<std::pair<const char*, std::vector<const char*>>> families = {
      {"policy_info", {",target_type=\"HerokuFormation\",mode=\"Enforce\"} 1"}},
      {"policy_poll_period_seconds", {"} 20"}},
      {"policy_recommend_only", {"} 0"}},
      {"policy_target_ambiguous", {"} 0"}},
      {"policy_condition",
       {",type=\"Ready\",status=\"Unknown\"} 1", ",type=\"Ready\",status=\"True\"} 0",
        ",type=\"ScalingActive\",status=\"Unknown\"} 1", ",type=\"AbleToScale\",status=\"Unknown\"} 1",
        ",type=\"ScalingLimited\",status=\"Unknown\"} 1"}},
      {"policy_consecutive_breaches",
       {",metric=\"heartbeat\",direction=\"scale_out\"} 0", ",metric=\"heartbeat\",direction=\"scale_in\"} 0"}},
      {"last_scale_timestamp_seconds", {",direction=\"scale_out\"} 0", ",direction=\"scale_in\"} 0"}},
      {"decisions_total",
       {",action=\"hold\",reason=\"Steady\"} 0", ",action=\"scale_out\",reason=\"ThresholdBreached\"} 0",
        ",action=\"scale_in\",reason=\"ThresholdBreached\"} 0", ",action=\"scale_out\",reason=\"BelowMinCapacity\"} 0",
        ",action=\"scale_in\",reason=\"AboveMaxCapacity\"} 0"}},
      {"scale_operations_total",
       {",direction=\"scale_out\",result=\"success\"} 0", ",direction=\"scale_out\",result=\"refused\"} 0",
        ",direction=\"scale_in\",result=\"success\"} 0", ",direction=\"scale_in\",result=\"unknown\"} 0",
        ",direction=\"scale_in\",result=\"superseded\"} 0", ",direction=\"scale_in\",result=\"violation\"} 0"}},
      {"external_changes_total", {"} 0"}},
      {"direction_changes_total", {"} 0"}},
      {"metric_polls_total",
       {",metric=\"heartbeat\",result=\"success\"} 0", ",metric=\"heartbeat\",result=\"timeout\"} 0",
        ",metric=\"heartbeat\",result=\"error\"} 0", ",metric=\"heartbeat\",result=\"stale\"} 0"}},
      {"metric_last_success_timestamp_seconds", {",metric=\"heartbeat\"} 0"}},
  };
  for (const auto& [family, series] : families) {
    for (const char* one : series) {
      EXPECT_THAT(about, HasSubstr(absl::StrCat("ottoscale_", family, "{", kOfWeb, one, "\n")));
    }
  }
}

TEST_F(MetricsTest, WhatIsNotKnownIsLeftOutAndNotZero) {
  PolicyEntry& entry = RegisterValid(kWeb);
  for (const char* family : {"current", "target", "desired", "recommended", "min", "max"}) {
    EXPECT_THAT(Of(absl::StrCat("ottoscale_policy_", family, "_capacity")), IsEmpty()) << "before the first pass";
  }
  Pass(entry, Outcome(3, 2, At(absl::ZeroDuration())));
  EXPECT_THAT(Of("ottoscale_policy_current_capacity"), ElementsAre(Web("", "2")));
  EXPECT_THAT(Of("ottoscale_policy_target_capacity"), ElementsAre(Web("", "3")));
  EXPECT_THAT(Of("ottoscale_policy_desired_capacity"), ElementsAre(Web("", "3")));
  EXPECT_THAT(Of("ottoscale_policy_recommended_capacity"), ElementsAre(Web("", "7")));

  decision::Outcome blind = Outcome(3, 2, At(absl::Seconds(20)));
  blind.observation.target = decision::TargetFailure{};
  blind.observation.samples[0] = {};
  blind.decision.metrics[0].value.reset();
  Pass(entry, blind);
  for (const char* family : {"current", "target", "desired", "recommended"}) {
    EXPECT_THAT(Of(absl::StrCat("ottoscale_policy_", family, "_capacity")), IsEmpty()) << "the target was not read";
  }
  EXPECT_THAT(Of("ottoscale_policy_metric_value"), IsEmpty());
  EXPECT_THAT(Of("ottoscale_policy_max_capacity"), ElementsAre(Web("", "4"))) << "the bounds hold all the same";
}

TEST_F(MetricsTest, GivesTimesInSeconds) {
  Pass(RegisterValid(kWeb), Outcome(3, 3, At(absl::ZeroDuration())));
  EXPECT_THAT(Of("ottoscale_policy_metric_value"), ElementsAre(Web("metric=\"heartbeat\"", "0.4")));
  EXPECT_THAT(Of("ottoscale_policy_metric_threshold"), ElementsAre(Web("metric=\"heartbeat\",bound=\"lower\"", "0.2"),
                                                                   Web("metric=\"heartbeat\",bound=\"upper\"", "1")));
  EXPECT_THAT(Of("ottoscale_metric_last_success_timestamp_seconds"),
              ElementsAre(Web("metric=\"heartbeat\"", "1800000000")));
  EXPECT_THAT(Of("ottoscale_metric_poll_duration_seconds_sum"), ElementsAre("{source_type=\"HTTPHeartbeat\"} 0.4"));
  EXPECT_THAT(Of("ottoscale_pass_duration_seconds_sum"), ElementsAre(" 1"));
  EXPECT_THAT(Of("ottoscale_reconcile_lag_seconds_sum"), ElementsAre(" 0.003"));
}

TEST_F(MetricsTest, AnInvalidPolicyStaysInSight) {
  PolicyEntry& entry = RegisterValid(kWeb);
  Pass(entry, Outcome(3, 3, At(absl::ZeroDuration())));
  entry.spec.reset();
  entry.status.target = "heroku/shop/web";
  entry.status.conditions = {{.type = "Ready", .status = "False"}, {.type = "Stalled", .status = "True"}};
  EXPECT_THAT(Of("ottoscale_policy_info"), ElementsAre(Web("target=\"heroku/shop/web\"", "1")));
  EXPECT_THAT(Of("ottoscale_policy_condition"), Contains(Web("type=\"Ready\",status=\"False\"", "1")));
  EXPECT_THAT(Of("ottoscale_policy_condition"), Contains(Web("type=\"Stalled\",status=\"True\"", "1")));
  EXPECT_THAT(Of("ottoscale_policy_max_capacity"), IsEmpty()) << "those of a spec that is gone";
  EXPECT_THAT(Of("ottoscale_decisions_total"), Contains(Web("action=\"hold\",reason=\"Steady\"", "1")));
}

TEST_F(MetricsTest, NoSeriesOutlivesItsPolicy) {
  PolicyEntry& entry = RegisterValid(kWeb);
  entry.account = ports::Account{.name = "shop/heroku"};
  entry.target = std::make_unique<Target>(ports::RequestQuota{100, 4500});
  Pass(entry, Outcome(3, 3, At(absl::ZeroDuration())));
  RegisterValid({"shop", "worker"});
  ASSERT_THAT(About(kWeb), Not(IsEmpty()));
  Delete(kWeb);
  EXPECT_EQ(About(kWeb), "");
  EXPECT_THAT(Of("ottoscale_provider_rate_limit_remaining"), IsEmpty());
  EXPECT_THAT(About({"shop", "worker"}), Not(IsEmpty()));
  RegisterValid(kWeb);
  EXPECT_THAT(Of("ottoscale_decisions_total"), Contains(Web("action=\"hold\",reason=\"Steady\"", "0")))
      << "another policy of the same name counts afresh";
}

TEST_F(MetricsTest, CountsDecisionsAndWhatBecameOfThem) {
  PolicyEntry& entry = RegisterValid(kWeb);
  const std::pair<decision::WriteResult, const char*> results[] = {{Applied{4}, "success"},
                                                                   {decision::Refused{}, "refused"},
                                                                   {decision::Unknown{}, "unknown"},
                                                                   {decision::Superseded{}, "superseded"},
                                                                   {decision::Violation{}, "violation"}};
  for (const auto& [result, name] : results) {
    decision::Outcome outcome = Outcome(3, 3, At(absl::ZeroDuration()));
    outcome.decision.action = Action::kScaleOut;
    outcome.decision.to = 4;
    outcome.decision.code = Code::kThresholdBreached;
    outcome.write = result;
    Pass(entry, outcome);
    EXPECT_THAT(Of("ottoscale_scale_operations_total"),
                Contains(Web(absl::StrCat("direction=\"scale_out\",result=\"", name, "\"").c_str(), "1")));
  }
  EXPECT_THAT(Of("ottoscale_decisions_total"), Contains(Web("action=\"scale_out\",reason=\"ThresholdBreached\"", "5")));
  Pass(entry, Outcome(4, 4, At(absl::Seconds(20))));
  EXPECT_THAT(Of("ottoscale_decisions_total"), Contains(Web("action=\"hold\",reason=\"Steady\"", "1")));
}

TEST_F(MetricsTest, CountsPollsByWhatCameOfThem) {
  PolicyEntry& entry = RegisterValid(kWeb);
  const auto poll = [&](decision::Sample sample, decision::MetricVerdict::State state) {
    decision::Outcome outcome = Outcome(3, 3, At(absl::ZeroDuration()));
    outcome.observation.samples = {std::move(sample)};
    outcome.decision.metrics[0].state = state;
    Pass(entry, outcome);
  };
  using State = decision::MetricVerdict::State;
  poll({.state = SampleState::kValid}, State::kInRange);
  poll({.state = SampleState::kCensored}, State::kAboveUpper);
  poll({.state = SampleState::kMissing, .missing = decision::MissingReason::kTimeout}, State::kMissing);
  poll({.state = SampleState::kMissing, .missing = decision::MissingReason::kServerError}, State::kMissing);
  poll({.state = SampleState::kValid}, State::kStale);
  EXPECT_THAT(Of("ottoscale_metric_polls_total"), ElementsAre(Web("metric=\"heartbeat\",result=\"success\"", "1"),
                                                              Web("metric=\"heartbeat\",result=\"timeout\"", "2"),
                                                              Web("metric=\"heartbeat\",result=\"error\"", "1"),
                                                              Web("metric=\"heartbeat\",result=\"stale\"", "1")));
}

TEST_F(MetricsTest, CountsChangesThatSomebodyElseMadeOnce) {
  PolicyEntry& entry = RegisterValid(kWeb);
  entry.history.last_external = decision::Change{.at = At(absl::Seconds(20)), .from = 3, .to = 5};
  Pass(entry, Outcome(3, 3, At(absl::ZeroDuration())));
  Pass(entry, Outcome(5, 5, At(absl::Seconds(20))));
  Pass(entry, Outcome(5, 5, At(absl::Seconds(40))));
  EXPECT_THAT(Of("ottoscale_external_changes_total"), ElementsAre(Web("", "1")));
}

TEST_F(MetricsTest, CountsChangesOfDirectionAcrossARestart) {
  PolicyEntry& entry = RegisterValid(kWeb);
  const auto write = [&](bool out, absl::Duration when) {
    metrics.Wrote(entry, {At(when).boot, absl::Seconds(1), out, Applied{3}});
    (out ? entry.history.last_scale_out : entry.history.last_scale_in) = At(when);
  };
  write(true, absl::Seconds(0));
  EXPECT_THAT(Of("ottoscale_direction_changes_total"), ElementsAre(Web("", "0")))
      << "the first has no direction before it";
  write(true, absl::Seconds(10));
  EXPECT_THAT(Of("ottoscale_direction_changes_total"), ElementsAre(Web("", "0")));
  write(false, absl::Seconds(20));
  write(true, absl::Seconds(30));
  write(true, absl::Seconds(40));
  EXPECT_THAT(Of("ottoscale_direction_changes_total"), ElementsAre(Web("", "2")));
  metrics.Wrote(entry, {At(absl::Seconds(50)).boot, absl::Seconds(1), false, decision::Refused{}});
  EXPECT_THAT(Of("ottoscale_direction_changes_total"), ElementsAre(Web("", "2"))) << "a refused change is none";
}

TEST_F(MetricsTest, TakesTheTimeFromTheWriteToTheCapacity) {
  const std::string operation = "ottoscale_scale_operation_duration_seconds";
  const std::string of_type = "{target_type=\"HerokuFormation\"} ";
  PolicyEntry& entry = RegisterValid(kWeb);
  metrics.Wrote(entry, {At(absl::Seconds(5)).boot, absl::Seconds(2), true, Applied{4}});
  EXPECT_THAT(Of("ottoscale_scale_write_duration_seconds_sum"), ElementsAre(of_type + "2"));
  Pass(entry, Outcome(3, 3, At(absl::Seconds(4))));  // what the pass had read before it wrote
  Pass(entry, Outcome(4, 3, At(absl::Seconds(25))));
  EXPECT_THAT(Of(operation + "_count"), ElementsAre(of_type + "0"));
  Pass(entry, Outcome(4, 4, At(absl::Seconds(45))));
  Pass(entry, Outcome(4, 4, At(absl::Seconds(65))));
  EXPECT_THAT(Of(operation + "_count"), ElementsAre(of_type + "1"));
  EXPECT_THAT(Of(operation + "_sum"), ElementsAre(of_type + "40"));

  metrics.Wrote(entry, {At(absl::Seconds(70)).boot, absl::Seconds(1), false, Applied{3}});
  Pass(entry, Outcome(9, 4, At(absl::Seconds(85))));  // somebody else's change took its place
  Pass(entry, Outcome(3, 3, At(absl::Seconds(105))));
  EXPECT_THAT(Of(operation + "_count"), ElementsAre(of_type + "1"));
  metrics.Wrote(entry, {At(absl::Seconds(110)).boot, absl::Seconds(1), true, decision::Unknown{}});
  Pass(entry, Outcome(4, 4, At(absl::Seconds(125))));
  EXPECT_THAT(Of(operation + "_count"), ElementsAre(of_type + "1")) << "nobody knows when that began";
  EXPECT_THAT(Of("ottoscale_scale_write_duration_seconds_count"), ElementsAre(of_type + "3"));
}

TEST_F(MetricsTest, TellsWhatIsLeftOnceAnAccount) {
  const auto pass = [&](const char* name, const char* account, std::optional<ports::RequestQuota> quota) {
    PolicyEntry& entry = RegisterValid({"shop", name});
    entry.account = ports::Account{.name = account};
    entry.target = std::make_unique<Target>(quota);
    Pass(entry, Outcome(3, 3, At(absl::ZeroDuration())));
  };
  pass("a", "shop/heroku", std::nullopt);
  EXPECT_THAT(Of("ottoscale_provider_rate_limit_remaining"), IsEmpty()) << "Heroku has not said yet";
  pass("a", "shop/heroku", ports::RequestQuota{4400, 4500});
  pass("b", "shop/heroku", ports::RequestQuota{4390, 4500});
  pass("c", "shop/other", ports::RequestQuota{7, 100});
  pass("a", "shop/heroku", std::nullopt);
  EXPECT_THAT(Of("ottoscale_provider_rate_limit_remaining"),
              ElementsAre("{provider=\"heroku\",account=\"shop/heroku\"} 4390",
                          "{provider=\"heroku\",account=\"shop/other\"} 7"))
      << "a target made anew does not know yet what the account does";
  EXPECT_THAT(Of("ottoscale_provider_rate_limit"), ElementsAre("{provider=\"heroku\",account=\"shop/heroku\"} 4500",
                                                               "{provider=\"heroku\",account=\"shop/other\"} 100"));
  Delete({"shop", "a"});
  EXPECT_THAT(Of("ottoscale_provider_rate_limit_remaining"),
              Contains("{provider=\"heroku\",account=\"shop/heroku\"} 4390"))
      << "another policy still uses it";
  pass("c", "shop/heroku", ports::RequestQuota{4380, 4500});
  EXPECT_THAT(Of("ottoscale_provider_rate_limit_remaining"),
              ElementsAre("{provider=\"heroku\",account=\"shop/heroku\"} 4380"))
      << "nobody uses the other account any more";
  for (const char* name : {"b", "c"}) {
    PolicyEntry& entry = entries.at({"shop", name});
    decision::Outcome outcome = Outcome(3, 3, At(absl::Seconds(20)));
    outcome.observation.target = decision::TargetFailure{.fault = decision::TargetFault::kAccountNotReady};
    Pass(entry, outcome);
  }
  EXPECT_THAT(Of("ottoscale_provider_rate_limit_remaining"), IsEmpty()) << "the account is gone";
}

TEST_F(MetricsTest, SaysThatATargetIsClaimedTwice) {
  PolicyEntry& entry = RegisterValid(kWeb);
  decision::Outcome outcome = Outcome(3, 3, At(absl::ZeroDuration()));
  outcome.observation.target = decision::TargetFailure{.reason = "AmbiguousTarget"};
  Pass(entry, outcome);
  EXPECT_THAT(Of("ottoscale_policy_target_ambiguous"), ElementsAre(Web("", "1")));
  outcome.observation.target = decision::TargetFailure{.reason = "SecretNotFound"};
  Pass(entry, outcome);
  EXPECT_THAT(Of("ottoscale_policy_target_ambiguous"), ElementsAre(Web("", "0"))) << "another trouble";
  Pass(entry, Outcome(3, 3, At(absl::Seconds(40))));
  EXPECT_THAT(Of("ottoscale_policy_target_ambiguous"), ElementsAre(Web("", "0")));
}

TEST_F(MetricsTest, TellsWhatHoldsAPolicy) {
  PolicyEntry& entry = RegisterValid(kWeb);
  entry.spec->mode = policy::Mode::kRecommend;
  entry.spec->suspend = policy::Suspend{.scope = policy::Suspend::Scope::kScaleIn, .until = absl::InfiniteFuture()};
  Pass(entry, Outcome(3, 3, At(absl::ZeroDuration())));
  EXPECT_THAT(Of("ottoscale_policy_recommend_only"), ElementsAre(Web("", "1")));
  EXPECT_THAT(Of("ottoscale_policy_suspended"),
              ElementsAre(Web("direction=\"scale_out\"", "0"), Web("direction=\"scale_in\"", "1")));
  metrics.SetFrozen(true);
  EXPECT_THAT(Of("ottoscale_frozen"), ElementsAre(" 1"));
}

TEST_F(MetricsTest, EscapesWhatUsersWrite) {
  PolicyEntry& entry = RegisterValid(kWeb);
  entry.spec->metrics[0].name = "say \"hi\"\\\n\xFF";
  entry.status.target = "a\"b";
  EXPECT_THAT(Of("ottoscale_policy_consecutive_breaches"),
              Contains(Web("metric=\"say \\\"hi\\\"\\\\\\n?\",direction=\"scale_in\"", "0")));
  EXPECT_THAT(Of("ottoscale_policy_info"), Contains(HasSubstr("target=\"a\\\"b\"")));
}

// Namespaces that sort differently with a slash behind them: a scrape goes through all of them, slice by slice.
TEST_F(MetricsTest, AScrapeInSlicesFindsEveryPolicyOnceInOrder) {
  const std::vector<kubeapi::ObjectKey> keys = {{"a", "x"},  {"a", "z"},    {"a-b", "a"}, {"a-b", "x"},
                                                {"a0", "x"}, {"a0-1", "x"}, {"b", "a.b"}, {"b", "ab"}};
  for (const kubeapi::ObjectKey& key : keys) Pass(RegisterValid(key), Outcome(3, 3, At(absl::ZeroDuration())));
  telemetry::TextStream stream(registry, 1);
  std::vector<kubeapi::ObjectKey> seen;
  std::string whole;
  while (const auto slice = stream.Next()) {
    whole += *slice;
    for (const auto line : absl::StrSplit(*slice, '\n')) {
      if (!absl::StartsWith(line, "ottoscale_policy_current_capacity{")) continue;
      const std::vector<absl::string_view> parts = absl::StrSplit(line, '"');
      seen.push_back({std::string(parts[1]), std::string(parts[3])});
    }
  }
  EXPECT_EQ(seen, keys);
  EXPECT_EQ(whole, telemetry::ExpositionText(registry));
}

TEST_F(MetricsTest, PassesPromtool) {
  NEEDS_PROMTOOL();
  PolicyEntry& entry = RegisterValid(kWeb);
  entry.spec->schedule.windows.push_back({.name = "office"});
  entry.account = ports::Account{.name = "shop/heroku"};
  entry.target = std::make_unique<Target>(ports::RequestQuota{100, 4500});
  Pass(entry, Outcome(3, 3, At(absl::ZeroDuration())));
  Register({"shop", "invalid"});
  const telemetry::PromtoolResult result = telemetry::Promtool(telemetry::ExpositionText(registry));
  EXPECT_EQ(result.output, "");
  EXPECT_EQ(result.exit_code, 0) << telemetry::ExpositionText(registry);
}

// A policy may cost about 40 series (observability: cardinality).
TEST_F(MetricsTest, APolicyCostsFewSeries) {
  Pass(RegisterValid(kWeb), Outcome(3, 3, At(absl::ZeroDuration())));
  const std::vector<std::string> lines = absl::StrSplit(About(kWeb), '\n', absl::SkipEmpty());
  EXPECT_LE(lines.size(), 60u);
}

}  // namespace
}  // namespace ottoscale::reconcile
