#include "pkg/decision/status.h"

#include <gtest/gtest.h>

#include "pkg/decision/small_world.h"

namespace ottoscale::decision {
namespace {

// A world that keeps its status, as the reconciler does.
struct StatusWorld : SmallWorld {
  PolicyStatus status;

  const PolicyStatus& Report(std::vector<Sample> samples) {
    const Outcome outcome = Pass(std::move(samples));
    status = StatusFor(spec, 4, history, outcome, &status);
    return status;
  }
  const PolicyStatus& Beat(double milliseconds) { return Report({Valid(milliseconds, now)}); }
  const PolicyStatus& Beats(int count, double milliseconds) {
    for (int i = 1; i < count; ++i) Beat(milliseconds);
    return Beat(milliseconds);
  }
  const PolicyStatus& NoBeat() { return Report({Missing(MissingReason::kProbeFailed, "connection refused")}); }

  // "True Reconciled"; "" when there is none.
  std::string Says(const char* type) const {
    const Condition* condition = FindCondition(status, type);
    return condition == nullptr ? "" : absl::StrCat(condition->status, " ", condition->reason);
  }
};

std::vector<std::string> Types(const PolicyStatus& status) {
  std::vector<std::string> types;
  for (const Condition& condition : status.conditions) types.push_back(condition.type);
  return types;
}

using testing::ElementsAre;

TEST(StatusFor, TellsAChange) {
  StatusWorld world;
  world.Beats(2, 1240);
  const absl::Time at = world.now.wall;
  const PolicyStatus& status = world.Beat(1240);
  const PolicyStatus expected{
      .observed_generation = 4,
      .target = "heroku/shop/web",
      .target_uid = "app-1/web",
      .current_capacity = 2,
      .target_capacity = 3,
      .pending_capacity = 1,
      .desired_capacity = 3,
      .effective_bounds = policy::Limits{.min = 1, .max = 5},
      .metrics = {{.name = "heartbeat",
                   .state = "AboveUpper",
                   .value = 1240,
                   .unit = "ms",
                   .sampled_at = at,
                   .breaches = 3,
                   .breaches_needed = 3}},
      .metric_summary = "heartbeat 1240/1000ms",
      .decision =
          DecisionStatus{
              .action = "ScaleOut",
              .from = 2,
              .to = 3,
              .time = at,
              .reason = "ThresholdBreached",
              .message = "heartbeat 1240 ms is above 1000 ms for 3 of 3 samples: 2 \u2192 3 dynos",
              .stages = {{.stage = "Strategy", .metric = "heartbeat", .in = 2, .out = 3, .code = "ThresholdBreached"}}},
      .last_applied = AppliedStatus{.capacity = 3, .time = at},
      .last_scale_out_time = at,
      .history = {{.time = at,
                   .from = 2,
                   .to = 3,
                   .result = "Applied",
                   .reason = "ThresholdBreached",
                   .message = "heartbeat 1240 ms is above 1000 ms for 3 of 3 samples: 2 \u2192 3 dynos"}},
      .conditions = {{"Ready", "True", "Reconciled", "heroku/shop/web is read", 4, Noon()},
                     {"ScalingActive", "True", "MetricsAvailable", "", 4, Noon()},
                     {"AbleToScale", "True", "ReadyForNewScale", "", 4, Noon()},
                     {"ScalingLimited", "False", "DesiredWithinRange", "", 4, Noon()},
                     {"Reconciling", "True", "ScalingInProgress", "the last change is under way", 4, at}},
  };
  EXPECT_EQ(status, expected);
}

TEST(StatusFor, HasTheFourConditionsAlwaysAndTheOthersOnlyWhenTrue) {
  StatusWorld world;
  EXPECT_THAT(Types(world.Beat(500)), ElementsAre("Ready", "ScalingActive", "AbleToScale", "ScalingLimited"));
  world.spec.suspend = policy::Suspend{.until = Noon() + absl::Hours(1), .reason = "load test"};
  world.target.ready = 1;
  EXPECT_THAT(Types(world.Beat(500)),
              ElementsAre("Ready", "ScalingActive", "AbleToScale", "ScalingLimited", "Reconciling", "Suspended"));
  EXPECT_EQ(FindCondition(world.status, "Suspended")->message,
            "scaling is suspended until 2026-03-02T13:00:00Z: load test");
}

TEST(StatusFor, KeepsTheTimeOfATransitionWhileTheStatusIsTheSame) {
  StatusWorld world;
  world.NoBeat();
  const absl::Time changed = world.now.wall;
  world.Beat(500);
  world.Beat(500);
  EXPECT_EQ(FindCondition(world.status, "ScalingActive")->last_transition, changed);
  EXPECT_EQ(FindCondition(world.status, "Ready")->last_transition, Noon());
}

struct ConditionCase {
  const char* what;
  void (*arrange)(StatusWorld& world);
  const char* type;
  const char* says;
};

TEST(StatusFor, SaysWhyInTheConditions) {
  const ConditionCase cases[] = {
      {"a metric outage turns ScalingActive", [](StatusWorld& w) { w.NoBeat(); }, "ScalingActive", "False ProbeFailed"},
      {"and not Ready", [](StatusWorld& w) { w.NoBeat(); }, "Ready", "True Reconciled"},
      {"stale", [](StatusWorld& w) { w.Report({Valid(1, w.now + -absl::Hours(1))}); }, "ScalingActive",
       "False SampleStale"},
      {"not read", [](StatusWorld& w) { w.Report({}); }, "ScalingActive", "False NotRead"},
      {"off", [](StatusWorld& w) { w.target.off = true, w.Beat(500); }, "AbleToScale", "False TargetOff"},
      {"off: no samples", [](StatusWorld& w) { w.target.off = true, w.Beat(500); }, "ScalingActive", "False TargetOff"},
      {"zero", [](StatusWorld& w) { w.target.desired = w.target.ready = 0, w.Beat(500); }, "AbleToScale",
       "False ScaledToZero"},
      {"at the maximum", [](StatusWorld& w) { w.spec.max_capacity = 2, w.Beats(3, 1240); }, "ScalingLimited",
       "True LimitedByMaxCapacity"},
      {"at the minimum", [](StatusWorld& w) { w.spec.min_capacity = 2, w.Beats(5, 100); }, "ScalingLimited",
       "True LimitedByMinCapacity"},
      {"cooldown",
       [](StatusWorld& w) { w.spec.behavior.scale_in.cooldown = absl::Hours(1), w.Beats(3, 1240), w.Beats(5, 10); },
       "AbleToScale", "False Cooldown"},
      {"window", [](StatusWorld& w) { w.spec.behavior.scale_in.stabilization_window = absl::Hours(1), w.Beats(5, 10); },
       "AbleToScale", "True Stabilizing"},
      {"slow",
       [](StatusWorld& w) {
         w.target.ready = 1, w.spec.behavior.progress_deadline = absl::Seconds(60), w.Beats(4, 500);
       },
       "AbleToScale", "True TargetNotProgressing"},
      {"slow is not under way",
       [](StatusWorld& w) {
         w.target.ready = 1, w.spec.behavior.progress_deadline = absl::Seconds(60), w.Beats(4, 500);
       },
       "Reconciling", ""},
      {"wrong key",
       [](StatusWorld& w) { w.failure = TargetFailure{.fault = TargetFault::kCredentialsInvalid}, w.Beat(500); },
       "Ready", "False CredentialsInvalid"},
      {"finer reason",
       [](StatusWorld& w) {
         w.failure = TargetFailure{.fault = TargetFault::kAccountNotReady, .reason = "SecretKeyMissing"}, w.Beat(500);
       },
       "Ready", "False SecretKeyMissing"},
      {"a hiccup before anything is known", [](StatusWorld& w) { w.failure = TargetFailure{}, w.Beat(500); }, "Ready",
       "Unknown ProviderUnavailable"},
      {"a hiccup later leaves Ready", [](StatusWorld& w) { w.Beat(500), w.failure = TargetFailure{}, w.Beat(500); },
       "Ready", "True Reconciled"},
      {"but not AbleToScale", [](StatusWorld& w) { w.Beat(500), w.failure = TargetFailure{}, w.Beat(500); },
       "AbleToScale", "False ProviderUnavailable"},
      {"refused", [](StatusWorld& w) { w.answer = Refused{.kind = Refused::Kind::kRateLimited}, w.Beats(3, 1240); },
       "AbleToScale", "False ProviderRateLimited"},
      {"unknown", [](StatusWorld& w) { w.answer = Unknown{}, w.Beats(3, 1240); }, "AbleToScale",
       "False AwaitingReadBack"},
      {"a violation stalls", [](StatusWorld& w) { w.answer = Violation{"bounds", "x"}, w.Beats(3, 1240); }, "Stalled",
       "True GateViolation"},
      {"stalled, and not reconciling",
       [](StatusWorld& w) { w.answer = Violation{"bounds", "x"}, w.Beats(3, 1240), w.target.ready = 1, w.Beat(500); },
       "Reconciling", ""},
      {"and goes on to", [](StatusWorld& w) { w.answer = Violation{"bounds", "x"}, w.Beats(3, 1240), w.Beat(500); },
       "Stalled", "True GateViolation"},
  };
  for (const ConditionCase& c : cases) {
    StatusWorld world;
    c.arrange(world);
    EXPECT_EQ(world.Says(c.type), c.says) << c.what;
  }
}

TEST(StatusFor, KeepsTheFirstWordsOfAViolation) {
  StatusWorld world;
  world.answer = Violation{"bounds", "9 is outside 1..5"};
  world.Beats(3, 1240);
  world.answer = Violation{"held", "held since"};
  world.Beat(1240);
  EXPECT_EQ(FindCondition(world.status, "Stalled")->message,
            "the write gate refused a change (bounds): 9 is outside 1..5");
}

TEST(StatusFor, ForgetsAViolationWithTheNextGeneration) {
  StatusWorld world;
  world.answer = Violation{"bounds", "x"};
  world.Beats(3, 1240);
  world.answer.reset();
  const Outcome outcome = world.Pass({Valid(500, world.now)});
  const PolicyStatus next = StatusFor(world.spec, 5, world.history, outcome, &world.status);
  EXPECT_EQ(FindCondition(next, "Stalled"), nullptr);
}

TEST(StatusFor, SaysWhatItWouldDoInRecommend) {
  StatusWorld world;
  world.spec.mode = policy::Mode::kRecommend;
  world.Beats(3, 1240);
  EXPECT_EQ(world.status.decision->action, "WouldScaleOut");
  EXPECT_EQ(world.status.desired_capacity, std::optional(3));
  EXPECT_EQ(world.status.target_capacity, std::optional(2));
  EXPECT_TRUE(world.status.history.empty());
}

TEST(StatusFor, SaysThatTheOperatorIsFrozen) {
  StatusWorld world;
  world.spec.ceilings.frozen = true;
  world.Beat(500);
  EXPECT_EQ(FindCondition(world.status, "AbleToScale")->status, "False");
  EXPECT_EQ(FindCondition(world.status, "AbleToScale")->reason, "Frozen");
  EXPECT_EQ(FindCondition(world.status, "Ready")->status, "True");
  world.Beats(3, 1240);
  EXPECT_EQ(world.status.decision->action, "WouldScaleOut");
}

TEST(StatusFor, SettlesAnUnknownWriteInThePassThatMakesTheNext) {
  StatusWorld world;
  world.answer = Unknown{};
  world.Beats(3, 1240);
  world.answer.reset();
  world.target.desired = world.target.ready = 3;
  world.spec.max_capacity = 2;
  world.Beat(500);
  ASSERT_EQ(world.status.history.size(), 2u);
  EXPECT_EQ(world.status.history.front().result, "Applied") << "it was made after all";
  EXPECT_EQ(world.status.history.back().to, 2);
}

TEST(StatusFor, KeepsTheIntentOfAnUnknownWriteAndDropsASettledOne) {
  StatusWorld world;
  world.answer = Unknown{};
  world.Beats(3, 1240);
  EXPECT_TRUE(world.status.pending_change);
  EXPECT_EQ(world.status.history.back().result, "Unknown");
  world.answer.reset();
  world.target.desired = world.target.ready = 3;
  world.Beat(1240);
  EXPECT_FALSE(world.status.pending_change);
  ASSERT_EQ(world.status.history.size(), 1u);
  EXPECT_EQ(world.status.history.back().result, "Applied") << "it was made after all";
}

TEST(StatusFor, KeepsTenEntriesAndTellsARepeatedRefusalOnce) {
  StatusWorld world;
  world.threshold().breaches_to_scale_out = 1;
  world.answer = Refused{.kind = Refused::Kind::kInvalid, .message = "no"};
  world.Beats(4, 1240);
  EXPECT_EQ(world.status.history.size(), 1u);
  world.answer.reset();
  world.spec.max_capacity = 100;
  world.Beats(12, 1240);
  ASSERT_EQ(world.status.history.size(), 10u);
  EXPECT_EQ(world.status.history.back().to, 14);
  EXPECT_EQ(world.status.history.front().to, 5);
}

TEST(StatusFor, SaysWhenWhatHoldsItBackEnds) {
  StatusWorld world;
  world.spec.behavior.scale_out.cooldown = absl::Seconds(300);
  world.Beats(3, 1240);
  const absl::Time last = *world.status.last_scale_out_time;
  world.Beats(3, 1240);
  EXPECT_EQ(world.status.next_scale_time, std::optional(last + absl::Seconds(300)));
}

TEST(StatusFor, SummarisesSeveralMetricsInTheOrderOfTheSpec) {
  StatusWorld world;
  world.spec.metrics.push_back(HeartbeatMetric("login"));
  world.spec.metrics.push_back(HeartbeatMetric("cart"));
  world.Report({Valid(37.5, world.now), Missing(MissingReason::kTimeout), Censored(10000, world.now)});
  EXPECT_EQ(world.status.metric_summary, "heartbeat 37.5/1000ms, login ?/1000ms, cart >10000/1000ms");
}

TEST(StatusForProblem, KeepsThePastAndDropsTheWish) {
  StatusWorld world;
  world.Beats(3, 1240);
  const PolicyStatus status =
      StatusForProblem(5, {.stalled = true, .reason = "InvalidSpec", .message = "spec.maxCapacity: is required"},
                       world.now, world.status);
  EXPECT_EQ(status.observed_generation, 5);
  EXPECT_EQ(status.target_uid, "app-1/web");
  EXPECT_EQ(status.last_applied, world.status.last_applied);
  EXPECT_EQ(status.history, world.status.history);
  EXPECT_EQ(status.decision, std::nullopt);
  EXPECT_THAT(Types(status), ElementsAre("Ready", "ScalingActive", "AbleToScale", "ScalingLimited", "Stalled"));
  EXPECT_EQ(FindCondition(status, "Ready")->message, "spec.maxCapacity: is required");
}

TEST(SameMeaning, LeavesOutReadingsAndTheTimesOfPolls) {
  StatusWorld world;
  world.Beat(500);
  const PolicyStatus first = world.status;
  world.Beat(512);
  EXPECT_TRUE(SameMeaning(first, world.status));
  EXPECT_FALSE(first == world.status);
}

TEST(SameMeaning, SeesWhatAReaderWouldLearn) {
  StatusWorld world;
  world.Beat(500);
  const PolicyStatus base = world.status;
  const std::vector<std::pair<const char*, void (*)(PolicyStatus&)>> changes = {
      {"generation", [](PolicyStatus& s) { ++s.observed_generation; }},
      {"capacity", [](PolicyStatus& s) { s.current_capacity = 9; }},
      {"pending change", [](PolicyStatus& s) { s.pending_change = PendingChange{.from = 2, .to = 3}; }},
      {"bounds", [](PolicyStatus& s) { s.effective_bounds->min_from = "office-hours"; }},
      {"decision", [](PolicyStatus& s) { s.decision->reason = "Cooldown"; }},
      {"condition", [](PolicyStatus& s) { s.conditions[1].status = "False"; }},
      {"condition's reason", [](PolicyStatus& s) { s.conditions[2].reason = "Stabilizing"; }},
      {"words of Ready", [](PolicyStatus& s) { s.conditions[0].message = "set the key"; }},
      {"history", [](PolicyStatus& s) { s.history.push_back({}); }},
      {"last change", [](PolicyStatus& s) { s.last_scale_out_time = Noon(); }},
  };
  for (const auto& [what, change] : changes) {
    PolicyStatus other = base;
    change(other);
    EXPECT_FALSE(SameMeaning(base, other)) << what;
    EXPECT_TRUE(WorthWriting(base, other, absl::ZeroDuration())) << what;
  }
}

TEST(WorthWriting, RefreshesReadingsAfterTenMinutes) {
  StatusWorld world;
  world.Beat(500);
  const PolicyStatus first = world.status;
  world.Beat(512);
  EXPECT_FALSE(WorthWriting(first, world.status, absl::Minutes(10) - absl::Seconds(1)));
  EXPECT_TRUE(WorthWriting(first, world.status, absl::Minutes(10)));
  EXPECT_FALSE(WorthWriting(first, first, absl::Hours(1)));
}

TEST(WorthWriting, RefreshesReadingsThatMovedAfterAMinute) {
  StatusWorld world;
  world.Beat(500);
  const PolicyStatus first = world.status;
  for (const double moved : {751.0, 333.0}) {
    world.Beat(moved);
    EXPECT_FALSE(WorthWriting(first, world.status, absl::Seconds(59))) << moved;
    EXPECT_TRUE(WorthWriting(first, world.status, absl::Seconds(60))) << moved;
  }
  for (const double near : {750.0, 334.0}) {
    world.Beat(near);
    EXPECT_FALSE(WorthWriting(first, world.status, absl::Seconds(60))) << near;
  }
  PolicyStatus other = first;
  other.metrics[0].state = "AboveUpper";
  other.metric_summary += "!";
  EXPECT_TRUE(WorthWriting(first, other, absl::Seconds(60)));
}

TEST(RestoreHistory, KeepsWhatCannotBeObservedAgain) {
  StatusWorld world;
  world.Beats(3, 1240);
  const History before = world.history;
  const async::Instant later{world.now.wall + absl::Minutes(1), {absl::Seconds(5)}};  // another boot
  const History after = RestoreHistory(world.status, later);
  ASSERT_TRUE(after.last_scale_out);
  EXPECT_EQ(after.last_scale_out->wall, before.last_scale_out->wall);
  EXPECT_EQ(after.last_scale_out->boot, async::BootTime{absl::Seconds(5) - absl::Seconds(90)});
  EXPECT_EQ(after.target_uid, "app-1/web");
  EXPECT_EQ(after.last_applied->to, 3);
  EXPECT_EQ(after.known_desired, std::optional(3));
  EXPECT_EQ(after.changes.size(), 1u);
  EXPECT_FALSE(after.state_lost);
  EXPECT_TRUE(after.metrics.empty());
  EXPECT_TRUE(after.recommendations.empty());
  EXPECT_EQ(after.observing_since, std::nullopt);
}

TEST(RestoreHistory, KnowsWhatIsNewFromWhatIsLost) {
  StatusWorld world;
  EXPECT_FALSE(RestoreHistory({}, world.now).state_lost) << "a new policy";
  EXPECT_FALSE(RestoreHistory(world.Beat(500), world.now).state_lost) << "nothing was ever changed";
  PolicyStatus lost = world.Beats(3, 1240);
  lost.last_applied.reset();
  EXPECT_TRUE(RestoreHistory(lost, world.now).state_lost) << "the last write is gone";
  lost = world.status;
  lost.target_uid.clear();
  EXPECT_TRUE(RestoreHistory(lost, world.now).state_lost) << "the target is gone";
  const PolicyStatus problem = StatusForProblem(1, {.reason = "AccountNotReady"}, world.now, {});
  EXPECT_FALSE(RestoreHistory(problem, world.now).state_lost) << "there never was a target";
}

TEST(RestoreHistory, WaitsOutACooldownInFullWhenTheClockWasSetBack) {
  StatusWorld world;
  world.Beats(3, 1240);
  const async::Instant earlier{Noon() - absl::Hours(3), {absl::Hours(2)}};
  EXPECT_EQ(RestoreHistory(world.status, earlier).last_scale_out->boot, earlier.boot);
}

TEST(RestoreHistory, LetsTheCooldownRunOnOverARestart) {
  StatusWorld world;
  world.spec.behavior.scale_out.cooldown = absl::Seconds(300);
  world.Beats(3, 1240);
  world.history = RestoreHistory(world.status, world.now);
  world.Beats(3, 1240);
  EXPECT_EQ(world.status.decision->reason, "Cooldown");
}

TEST(RestoreHistory, RemembersThatTheZeroWasSomebodyElses) {
  StatusWorld world;
  world.spec.min_capacity = 0;
  world.target.desired = world.target.ready = 1;
  world.Beats(5, 100);  // our own 0
  world.spec.min_capacity = 1;
  world.target.desired = world.target.ready = 2;
  world.Beat(500);
  world.target.desired = world.target.ready = 0;
  world.NoBeat();
  ASSERT_EQ(world.Says("AbleToScale"), "False ScaledToZero");
  world.history = RestoreHistory(world.status, world.now);
  world.NoBeat();
  EXPECT_EQ(world.Says("AbleToScale"), "False ScaledToZero");
}

}  // namespace
}  // namespace ottoscale::decision
