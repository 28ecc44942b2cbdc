#include "pkg/decision/decide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/decision/small_world.h"

namespace ottoscale::decision {
namespace {

using policy::DirectionBehavior;
using policy::RatePolicy;

TEST(Decide, SaysTheWholeStoryOfAScaleOut) {
  SmallWorld world;
  world.Beats(2, 1240);
  const async::Instant at = world.now;
  const Decision decision = world.Beat(1240).decision;
  const Decision expected{
      .action = Action::kScaleOut,
      .from = 2,
      .to = 3,
      .write = true,
      .recommended = 3,
      .least = 3,
      .desired = 3,
      .limits = {.min = 1, .max = 5},
      .metrics = {{.name = "heartbeat",
                   .state = MetricVerdict::State::kAboveUpper,
                   .value = 1240,
                   .measured = 1240,
                   .recommended = 3,
                   .least = 3,
                   .breaches = 3,
                   .breaches_needed = 3,
                   .above = true,
                   .sampled_at = at.wall,
                   .unit = "ms"}},
      .reasons = {{.stage = Stage::kStrategy,
                   .code = Code::kThresholdBreached,
                   .phrase = Phrase::kRun,
                   .metric_index = 0,
                   .in = 2,
                   .out = 3,
                   .numbers = {.value = 1240, .bound = 1000, .count = 3, .needed = 3, .above = true},
                   .metric = "heartbeat",
                   .detail = "1240 ms is above 1000 ms for 3 of 3 samples"}},
      .code = Code::kThresholdBreached,
      .message = "heartbeat 1240 ms is above 1000 ms for 3 of 3 samples: 2 \u2192 3 dynos",
  };
  EXPECT_EQ(decision, expected) << decision.message;
}

TEST(Decide, HoldsWithTheCountOfBreachesSoFar) {
  SmallWorld world;
  world.target.desired = world.target.ready = 3;
  world.Beat(120);
  const Decision decision = world.Beat(120).decision;
  EXPECT_EQ(decision.action, Action::kHold);
  EXPECT_EQ(decision.code, Code::kBreaching);
  EXPECT_EQ(decision.message, "heartbeat 120 ms is below 200 ms for 2 of 5 samples: holding at 3 dynos");
}

TEST(Decide, ScalesInAfterFiveFastAnswers) {
  SmallWorld world;
  EXPECT_EQ(world.Beats(4, 120).decision.action, Action::kHold);
  EXPECT_EQ(world.Beat(120).decision.message, "heartbeat 120 ms is below 200 ms for 5 of 5 samples: 2 \u2192 1 dynos");
}

TEST(Decide, TakesAValueAtAThresholdAsInRange) {
  for (const double value : {200.0, 1000.0, 600.0}) {
    SmallWorld world;
    const Decision decision = world.Beats(6, value).decision;
    EXPECT_EQ(decision.code, Code::kInRange) << value;
    EXPECT_EQ(decision.action, Action::kHold) << value;
  }
}

TEST(Decide, ShowsDecimalsWhereValueAndThresholdWouldReadTheSame) {
  SmallWorld world;
  EXPECT_EQ(world.Beat(1000.4).decision.message,
            "heartbeat 1000.4 ms is above 1000 ms for 1 of 3 samples: holding at 2 dynos");
}

TEST(Decide, CountsDistinctSamplesAndNotPolls) {
  SmallWorld world;
  const Sample sample = Valid(1240, world.now);
  Decision decision;
  for (int poll = 0; poll < 3; ++poll) decision = world.Pass({sample}).decision;
  EXPECT_EQ(decision.metrics[0].breaches, 1);
  EXPECT_EQ(decision.action, Action::kHold);
}

TEST(Decide, StartsARunAfreshAfterASampleInRangeOrOnTheOtherSide) {
  for (const double between : {500.0, 100.0}) {
    SmallWorld world;
    world.Beats(2, 1240);
    world.Beat(between);
    EXPECT_EQ(world.Beat(1240).decision.metrics[0].breaches, 1) << between;
  }
}

TEST(Decide, LetsOnlyTheTailOfTheSamplesCount) {
  SmallWorld world;
  world.Beats(3, 100);
  EXPECT_EQ(world.Beats(3, 1240).decision.to, 3);
}

TEST(Decide, NeitherCountsNorClearsWhatWasNotMeasured) {
  SmallWorld world;
  world.Beats(2, 1240);
  const Decision held = world.NoBeat().decision;
  EXPECT_EQ(held.action, Action::kHold);
  EXPECT_EQ(held.code, Code::kSampleMissing);
  EXPECT_EQ(held.metrics[0].breaches, 2);
  EXPECT_EQ(held.message, "heartbeat has no sample (ProbeFailed: connection refused): holding at 2 dynos");
  EXPECT_EQ(world.Beat(1240).decision.to, 3);
}

TEST(Decide, TakesACensoredSampleAsAboveItsValue) {
  SmallWorld world;
  for (int i = 0; i < 2; ++i) world.Pass({Censored(1000, world.now)});
  const Decision decision = world.Pass({Censored(1000, world.now)}).decision;
  EXPECT_EQ(decision.to, 3);
  EXPECT_EQ(decision.message, "heartbeat over 1000 ms is above 1000 ms for 3 of 3 samples: 2 \u2192 3 dynos");
}

TEST(Decide, LearnsNothingFromACensoredSampleBelowTheUpperThreshold) {
  SmallWorld world;
  for (int i = 0; i < 6; ++i) {
    const Decision decision = world.Pass({Censored(100, world.now)}).decision;
    EXPECT_EQ(decision.action, Action::kHold);
    EXPECT_EQ(decision.metrics[0].breaches, 0);
  }
}

TEST(Decide, HoldsOnStaleSamplesFromThreePollsOn) {
  SmallWorld world;
  world.threshold().breaches_to_scale_out = 1;
  const async::Instant measured = world.now;
  world.now = world.now + absl::Seconds(90);
  EXPECT_EQ(world.Pass({Valid(1240, measured)}).decision.to, 3) << "as old as it may be";
  SmallWorld later;
  later.threshold().breaches_to_scale_out = 1;
  later.now = later.now + absl::Seconds(91);
  const Decision decision = later.Pass({Valid(1240, measured)}).decision;
  EXPECT_EQ(decision.action, Action::kHold);
  EXPECT_EQ(decision.code, Code::kSampleStale);
  EXPECT_EQ(decision.message, "heartbeat has no fresh sample (the last is older than 90 s): holding at 2 dynos");
}

TEST(Decide, KeepsToMaxAgeWhereItIsSet) {
  SmallWorld world;
  world.threshold().breaches_to_scale_out = 1;
  world.spec.metrics[0].max_age = absl::Seconds(10);
  const async::Instant measured = world.now;
  world.now = world.now + absl::Seconds(11);
  EXPECT_EQ(world.Pass({Valid(1240, measured)}).decision.code, Code::kSampleStale);
}

TEST(Decide, StepsAsFarAsThePolicySaysAndNoFartherThanTheBounds) {
  SmallWorld world;
  world.threshold() = {
      .lower = 200, .upper = 1000, .breaches_to_scale_out = 1, .breaches_to_scale_in = 1, .step_out = 2, .step_in = 3};
  EXPECT_EQ(world.Beat(1240).decision.to, 4);
  const Decision limited = world.Beat(1240).decision;
  EXPECT_EQ(limited.to, 5);
  EXPECT_EQ(limited.code, Code::kLimitedByMax);
  EXPECT_EQ(limited.message,
            "heartbeat 1240 ms is above 1000 ms for 1 of 1 samples: 4 \u2192 5 dynos (5 dynos is the maximum)");
  EXPECT_EQ(world.Beat(100).decision.to, 2);
  EXPECT_EQ(world.Beat(100).decision.to, 1);
}

TEST(Decide, SaysThatTheMaximumHoldsItBack) {
  SmallWorld world;
  world.target.desired = world.target.ready = 5;
  const Decision decision = world.Beats(3, 1240).decision;
  EXPECT_EQ(decision.action, Action::kHold);
  EXPECT_EQ(decision.recommended, 6);
  EXPECT_EQ(decision.code, Code::kLimitedByMax);
  EXPECT_EQ(decision.message,
            "heartbeat 1240 ms is above 1000 ms for 3 of 3 samples, but 5 dynos is the maximum: holding at 5 dynos");
}

TEST(Decide, CorrectsTheBoundsAtOnceWithoutAnySample) {
  SmallWorld world;
  world.spec.schedule.windows = {
      {.name = "office-hours", .when = policy::Weekly{}, .min_capacity = 3, .max_capacity = 5}};
  const Decision up = world.NoBeat().decision;
  EXPECT_EQ(up.message, "2 dynos is below the minimum of 3 (office-hours): 2 \u2192 3 dynos");
  EXPECT_EQ(up.cause, Cause::kBounds);
  EXPECT_EQ(up.code, Code::kBelowMin);
  EXPECT_TRUE(up.write);

  world.target.desired = world.target.ready = 9;
  const Decision down = world.NoBeat().decision;
  EXPECT_EQ(down.message, "9 dynos is above the maximum of 5 (office-hours): 9 \u2192 5 dynos");
  EXPECT_EQ(down.code, Code::kAboveMax);
}

TEST(Decide, KeepsTheRateLimitsWhenItCorrectsDownwards) {
  SmallWorld world;
  world.spec.behavior.scale_in.policies = {
      {.type = RatePolicy::Type::kInstances, .value = 1, .period = absl::Seconds(60)}};
  world.target.desired = world.target.ready = 7;
  const Decision decision = world.NoBeat().decision;
  EXPECT_EQ(decision.to, 6);
  EXPECT_EQ(decision.code, Code::kRateLimited);
  EXPECT_EQ(world.NoBeat().decision.action, Action::kHold);
  EXPECT_EQ(world.NoBeat().decision.to, 5) << "60 s later";
}

TEST(Decide, RaisesToTheMinimumAtOnceWhateverTheRateLimits) {
  SmallWorld world;
  world.spec.min_capacity = 4;
  world.spec.behavior.scale_out.policies = {{.type = RatePolicy::Type::kInstances, .value = 1}};
  EXPECT_EQ(world.NoBeat().decision.to, 4);
  world.target.desired = world.target.ready = 2;
  world.spec.behavior.scale_out.select = DirectionBehavior::Select::kDisabled;
  EXPECT_EQ(world.NoBeat().decision.to, 4);
}

TEST(Decide, IgnoresCooldownAndWindowWhenItCorrectsTheBounds) {
  SmallWorld world;
  world.spec.behavior.scale_in = {.cooldown = absl::Hours(1), .stabilization_window = absl::Hours(1)};
  world.spec.behavior.scale_out = {.cooldown = absl::Hours(1)};
  world.Beats(3, 1240);
  world.spec.max_capacity = 2;
  EXPECT_EQ(world.Beat(1240).decision.to, 2);
  world.spec.min_capacity = world.spec.max_capacity = 4;
  EXPECT_EQ(world.Beat(1240).decision.to, 4);
}

TEST(Decide, LetsTheMaximumWinWhereWindowsConflict) {
  SmallWorld world;
  world.spec.schedule.windows = {{.name = "sale", .when = policy::Weekly{}, .min_capacity = 8}};
  const Decision decision = world.NoBeat().decision;
  EXPECT_EQ(decision.to, 5);
  EXPECT_TRUE(decision.limits.conflict);
  EXPECT_EQ(decision.reasons[1].code, Code::kWindowConflict);
}

TEST(Decide, KeepsTheProvidersCeilingWithoutScalingInToIt) {
  SmallWorld world;
  world.target.ceiling = 2;
  const Decision decision = world.Beats(3, 1240).decision;
  EXPECT_EQ(decision.action, Action::kHold);
  EXPECT_EQ(decision.code, Code::kTargetBounds);
  EXPECT_EQ(decision.message,
            "heartbeat 1240 ms is above 1000 ms for 3 of 3 samples, but the target takes at most 2 dynos: "
            "holding at 2 dynos");
  world.target.desired = world.target.ready = 4;
  EXPECT_EQ(world.Beat(500).decision.action, Action::kHold) << "what is there may stay";
  EXPECT_EQ(world.Beats(5, 100).decision.to, 3) << "and may go";
}

TEST(Decide, NamesNoEndOfAHoldThatIsPast) {
  SmallWorld world;
  world.history.ceiling = 2;
  world.history.ceiling_since = world.now.boot - absl::Hours(1);
  world.target.ceiling = 2;
  const Decision decision = world.Beats(3, 1240).decision;
  EXPECT_EQ(decision.code, Code::kTargetBounds);
  EXPECT_EQ(decision.next, std::nullopt);
}

TEST(Decide, LetsZeroBeAnOffSwitchThatSomebodyElseHasTurned) {
  SmallWorld world;
  world.Beats(2, 1240);
  world.target.desired = world.target.ready = 0;
  for (int i = 0; i < 5; ++i) {
    const Decision decision = world.Pass({Censored(10000, world.now)}).decision;
    EXPECT_EQ(decision.action, Action::kHold);
    EXPECT_EQ(decision.code, Code::kScaledToZero);
    EXPECT_FALSE(decision.write);
    EXPECT_EQ(decision.metrics[0].state, MetricVerdict::State::kIgnored);
  }
  world.target.desired = world.target.ready = 1;
  EXPECT_EQ(world.Beat(1240).decision.metrics[0].breaches, 1) << "nothing that was off has counted";
}

TEST(Decide, ComesBackFromAZeroOfItsOwn) {
  SmallWorld world;
  world.spec.min_capacity = 0;
  world.target.desired = world.target.ready = 1;
  EXPECT_EQ(world.Beats(5, 100).decision.to, 0);
  world.spec.min_capacity = 1;
  EXPECT_EQ(world.NoBeat().decision.to, 1);
}

TEST(Decide, HoldsWhenSomebodyTurnsItOffAfterAZeroOfItsOwn) {
  SmallWorld world;
  world.spec.min_capacity = 0;
  world.target.desired = world.target.ready = 1;
  world.Beats(5, 100);
  world.target.desired = world.target.ready = 2;
  world.Beat(500);
  world.target.desired = world.target.ready = 0;
  world.spec.min_capacity = 1;
  EXPECT_EQ(world.NoBeat().decision.code, Code::kScaledToZero);
}

TEST(Decide, HoldsInMaintenanceEvenOutsideTheBounds) {
  SmallWorld world;
  world.target.off = true;
  world.target.off_reason = "maintenance";
  world.spec.min_capacity = 3;
  const Decision decision = world.Pass({Censored(10000, world.now)}).decision;
  EXPECT_EQ(decision.code, Code::kTargetOff);
  EXPECT_EQ(decision.action, Action::kHold);
  EXPECT_EQ(decision.metrics[0].state, MetricVerdict::State::kIgnored);
  EXPECT_EQ(decision.message, "the target is switched off (maintenance): holding at 2 dynos");
}

TEST(Decide, HoldsWhileTheTargetIsUnknownButJudgesTheSamples) {
  SmallWorld world;
  world.failure = TargetFailure{.fault = TargetFault::kUnavailable, .message = "Heroku answered 503."};
  world.Beats(2, 1240);
  const Decision decision = world.Beat(1240).decision;
  EXPECT_EQ(decision.code, Code::kTargetUnknown);
  EXPECT_EQ(decision.metrics[0].breaches, 3);
  EXPECT_EQ(decision.metrics[0].recommended, std::nullopt);
  EXPECT_EQ(decision.message, "Heroku answered 503: holding");
  world.failure.reset();
  EXPECT_EQ(world.Beat(1240).decision.to, 3);
  world.failure = TargetFailure{.fault = TargetFault::kAccountNotReady, .reason = "SecretKeyMissing"};
  EXPECT_EQ(world.Beat(1240).decision.message, "SecretKeyMissing: holding");
  EXPECT_EQ(world.Beat(1240).decision.from, 3) << "as far as we know";
}

TEST(Decide, WaitsForTheScaleInWindowWithItsHighestRecommendation) {
  SmallWorld world;
  world.spec.behavior.scale_in.stabilization_window = absl::Seconds(300);
  world.Beat(500);                                                   // 0 s: 2 is needed
  EXPECT_EQ(world.Beats(5, 100).decision.code, Code::kStabilizing);  // 30 to 150 s: 1 would do from 150 s on
  const Decision held = world.Beats(8, 100).decision;                // 390 s
  EXPECT_EQ(held.code, Code::kStabilizing);
  EXPECT_EQ(held.message,
            "heartbeat 100 ms is below 200 ms for 5 of 5 samples, but 2 dynos was needed within the last 5 min: "
            "holding at 2 dynos");
  // The last pass that still needed 2 was that at 120 s.
  EXPECT_EQ(held.next, std::optional(async::BootTime{absl::Hours(1) + absl::Seconds(120 + 300)}));
  EXPECT_EQ(world.Beat(100).decision.to, 1);  // 420 s
}

TEST(Decide, DoesNotScaleInBeforeAWholeWindowWasObserved) {
  SmallWorld world;
  world.threshold().breaches_to_scale_in = 1;
  world.spec.behavior.scale_in.stabilization_window = absl::Seconds(300);
  const Decision first = world.Beat(100).decision;
  EXPECT_EQ(first.code, Code::kStabilizing);
  EXPECT_EQ(first.next, std::optional(async::BootTime{absl::Hours(1) + absl::Seconds(300)}));
  EXPECT_EQ(world.Beats(9, 100).decision.action, Action::kHold);
  EXPECT_EQ(world.Beat(100).decision.to, 1) << "300 s after the first";
}

TEST(Decide, ObservesAWholeWindowAgainAfterALongOutage) {
  SmallWorld world;
  world.threshold().breaches_to_scale_in = 1;
  world.spec.behavior.scale_in.stabilization_window = absl::Seconds(300);
  world.Beats(5, 500);
  for (int i = 0; i < 20; ++i) world.NoBeat();
  EXPECT_EQ(world.Beats(10, 100).decision.code, Code::kStabilizing);
  EXPECT_EQ(world.Beat(100).decision.to, 1);
}

TEST(Decide, ObservesAWholeWindowAgainWhenItHasNotLookedForLong) {
  SmallWorld world;
  world.threshold().breaches_to_scale_in = 1;
  world.spec.behavior.scale_in.stabilization_window = absl::Seconds(300);
  world.Beats(20, 500);
  world.now = world.now + absl::Hours(1);
  EXPECT_EQ(world.Beat(100).decision.code, Code::kStabilizing);
}

TEST(Decide, NeverDelaysAScaleOutByTheScaleInWindow) {
  SmallWorld world;
  world.spec.behavior.scale_in = {.cooldown = absl::Hours(1), .stabilization_window = absl::Hours(1)};
  EXPECT_EQ(world.Beats(3, 1240).decision.to, 3);
}

TEST(Decide, WaitsForTheScaleOutWindowWithItsLowestRecommendation) {
  SmallWorld world;
  world.threshold().breaches_to_scale_out = 1;
  world.spec.behavior.scale_out.stabilization_window = absl::Seconds(120);
  world.Beat(500);                                      // 0 s: 2 is enough
  const Decision held = world.Beats(3, 1240).decision;  // 90 s
  EXPECT_EQ(held.code, Code::kStabilizing);
  EXPECT_EQ(held.next, std::optional(async::BootTime{absl::Hours(1) + absl::Seconds(120)}));
  EXPECT_EQ(world.Beat(1240).decision.to, 3);
}

TEST(Decide, CountsTheScaleOutCooldownFromTheLastScaleOut) {
  SmallWorld world;
  world.spec.behavior.scale_out.cooldown = absl::Seconds(120);
  world.threshold() = {.lower = 200, .upper = 1000, .breaches_to_scale_out = 1, .breaches_to_scale_in = 1};
  EXPECT_EQ(world.Beat(1240).decision.to, 3);  // at 0 s
  EXPECT_EQ(world.Beat(100).decision.to, 2);   // at 30 s: a scale-in does not start it anew
  const Decision held = world.Beat(1240).decision;
  EXPECT_EQ(held.code, Code::kCooldown);
  EXPECT_EQ(held.message,
            "heartbeat 1240 ms is above 1000 ms for 1 of 1 samples, but the cooldown of 2 min is running: "
            "holding at 2 dynos");
  EXPECT_EQ(held.next, std::optional(async::BootTime{absl::Hours(1) + absl::Seconds(120)}));
  EXPECT_EQ(world.Beat(1240).decision.code, Code::kCooldown);  // at 90 s
  EXPECT_EQ(world.Beat(1240).decision.to, 3);                  // at 120 s
}

TEST(Decide, CountsTheScaleInCooldownFromAnyChange) {
  SmallWorld world;
  world.spec.behavior.scale_in.cooldown = absl::Seconds(90);
  world.threshold() = {.lower = 200, .upper = 1000, .breaches_to_scale_out = 1, .breaches_to_scale_in = 1};
  world.Beat(1240);                                               // ours, at 0 s
  EXPECT_EQ(world.Beats(2, 100).decision.code, Code::kCooldown);  // 60 s
  EXPECT_EQ(world.Beat(100).decision.to, 2);                      // 90 s
  world.target.desired = world.target.ready = 4;                  // somebody's, seen at 120 s
  EXPECT_EQ(world.Beats(3, 100).decision.code, Code::kCooldown);  // 180 s
  EXPECT_EQ(world.Beat(100).decision.to, 3);                      // 210 s
}

TEST(Decide, WaitsOutTheCooldownWhenItDoesNotKnowTheLastChange) {
  SmallWorld world;
  world.history.state_lost = true;
  world.spec.behavior.scale_out.cooldown = absl::Seconds(60);
  world.threshold() = {.lower = 200, .upper = 1000, .breaches_to_scale_out = 1, .breaches_to_scale_in = 1};
  EXPECT_EQ(world.Beats(2, 1240).decision.code, Code::kStateLost);
  EXPECT_EQ(world.Beat(1240).decision.to, 3);
  EXPECT_FALSE(world.history.state_lost);
}

TEST(Decide, TakesReadingsSoonAfterAChangeAsNoEvidenceForMoreOfIt) {
  SmallWorld world;
  world.spec.behavior.settle = absl::Seconds(60);
  world.Beats(3, 1240);                                 // 60 s: to 3
  const Decision settling = world.Beat(1240).decision;  // 90 s
  EXPECT_EQ(settling.code, Code::kSettling);
  EXPECT_EQ(settling.metrics[0].state, MetricVerdict::State::kIgnored);
  EXPECT_EQ(settling.metrics[0].breaches, 0);
  EXPECT_EQ(settling.message,
            "heartbeat 1240 ms is above 1000 ms, but measured less than 60 s after a scale-out: holding at 3 dynos");
  EXPECT_EQ(world.Beat(1240).decision.metrics[0].breaches, 1) << "120 s";
  EXPECT_EQ(world.Beats(2, 1240).decision.to, 4);
}

TEST(Decide, TakesReadingsSoonAfterAChangeAsEvidenceForTheOtherDirection) {
  SmallWorld world;
  world.spec.behavior.settle = absl::Hours(1);
  world.Beats(3, 1240);
  EXPECT_EQ(world.Beats(5, 100).decision.to, 2);
}

TEST(Decide, LetsAnIgnoredReadingInterruptARunOnTheOtherSide) {
  SmallWorld world;
  world.spec.behavior.settle = absl::Hours(1);
  world.Beats(3, 1240);
  world.Beats(4, 100);
  EXPECT_EQ(world.Beat(1240).decision.code, Code::kSettling);
  EXPECT_EQ(world.Beat(100).decision.metrics[0].breaches, 1) << "five in a row are five in a row";
}

TEST(Decide, KeepsThePercentOfTheCapacityAtTheStartOfThePeriod) {
  SmallWorld world;
  world.spec.max_capacity = 20;
  world.target.desired = world.target.ready = 5;
  world.threshold() = {
      .lower = 200, .upper = 1000, .breaches_to_scale_out = 1, .breaches_to_scale_in = 1, .step_out = 1, .step_in = 2};
  world.spec.behavior.scale_in.policies = {{.value = 50, .period = absl::Seconds(90)}};
  EXPECT_EQ(world.Beat(100).decision.to, 3);  // 0 s: half of 5, rounded up, is 3; 2 were wanted
  EXPECT_EQ(world.Beat(100).decision.to, 2);  // 30 s: one is left
  const Decision held = world.Beat(100).decision;
  EXPECT_EQ(held.code, Code::kRateLimited);  // 60 s
  EXPECT_EQ(held.next, std::optional(async::BootTime{absl::Hours(1) + absl::Seconds(90)}));
  EXPECT_EQ(world.Beat(100).decision.to, 1);  // 90 s: 2 of the 3 are forgotten, but half of 3 is 2, and 1 is used
}

TEST(Decide, AlwaysAllowsOneInstance) {
  SmallWorld world;
  world.threshold().breaches_to_scale_in = 1;
  world.spec.behavior.scale_in.policies = {{.value = 1, .period = absl::Seconds(300)}};
  EXPECT_EQ(world.Beat(100).decision.to, 1);

  SmallWorld zero;  // half of nothing is nothing
  zero.spec.min_capacity = 0;
  zero.spec.metrics[0].source.type = "RackspaceLoadBalancer";
  zero.target.desired = zero.target.ready = 0;
  zero.spec.behavior.scale_out.policies = {{.value = 50, .period = absl::Seconds(300)}};
  EXPECT_EQ(zero.Beats(3, 1240).decision.to, 1);
}

TEST(Decide, SelectsAmongTheRatePolicies) {
  struct Case {
    DirectionBehavior::Select select;
    int to;
    Code code;
  };
  for (const Case& c : {Case{DirectionBehavior::Select::kMax, 6, Code::kThresholdBreached},
                        Case{DirectionBehavior::Select::kMin, 3, Code::kRateLimited},
                        Case{DirectionBehavior::Select::kDisabled, 2, Code::kDisabled}}) {
    SmallWorld world;
    world.spec.max_capacity = 20;
    world.threshold().breaches_to_scale_out = 1;
    world.threshold().step_out = 4;
    world.spec.behavior.scale_out.select = c.select;
    world.spec.behavior.scale_out.policies = {{.type = RatePolicy::Type::kPercent, .value = 50},
                                              {.type = RatePolicy::Type::kInstances, .value = 4}};
    const Decision decision = world.Beat(1240).decision;
    EXPECT_EQ(decision.to, c.to);
    EXPECT_EQ(decision.code, c.code);
  }
}

TEST(Decide, WaitsWhileAChangeIsUnderWay) {
  SmallWorld world;
  world.target.ready = 1;
  const Decision out = world.Beats(3, 1240).decision;
  EXPECT_EQ(out.code, Code::kInFlight);
  EXPECT_EQ(out.message,
            "heartbeat 1240 ms is above 1000 ms for 3 of 3 samples, but the last change is under way "
            "(1 of 2 dynos ready): holding at 2 dynos");
  EXPECT_EQ(world.Beats(5, 100).decision.code, Code::kInFlight);
}

TEST(Decide, GoesOnWhenAChangeDoesNotProgress) {
  SmallWorld world;
  world.target.ready = 1;
  world.spec.behavior.progress_deadline = absl::Seconds(90);
  EXPECT_EQ(world.Beats(3, 1240).decision.code, Code::kInFlight);
  const Decision decision = world.Beat(1240).decision;
  EXPECT_EQ(decision.to, 3);
  EXPECT_EQ(decision.code, Code::kThresholdBreached);
  EXPECT_EQ(decision.reasons.back().code, Code::kNotProgressing);
}

TEST(Decide, RaisesToTheMinimumButTakesNothingAwayInFlight) {
  SmallWorld world;
  world.target.ready = 1;
  world.spec.min_capacity = 3;
  EXPECT_EQ(world.NoBeat().decision.to, 3);
  world.target.desired = 7, world.target.ready = 6;
  EXPECT_EQ(world.NoBeat().decision.code, Code::kInFlight);
}

TEST(Decide, HoldsASuspendedDirectionAndShowsWhatItWanted) {
  struct Case {
    policy::Suspend::Scope scope;
    double value;
    bool held;
  };
  using Scope = policy::Suspend::Scope;
  for (const Case& c :
       {Case{Scope::kAll, 1240, true}, Case{Scope::kAll, 100, true}, Case{Scope::kScaleIn, 1240, false},
        Case{Scope::kScaleIn, 100, true}, Case{Scope::kScaleOut, 1240, true}, Case{Scope::kScaleOut, 100, false}}) {
    SmallWorld world;
    world.spec.suspend = policy::Suspend{.scope = c.scope, .until = Noon() + absl::Hours(1), .reason = "load test"};
    const Decision decision = world.Beats(5, c.value).decision;
    EXPECT_EQ(decision.suspended, true);
    if (!c.held) continue;
    EXPECT_EQ(decision.code, Code::kSuspended);
    EXPECT_FALSE(decision.write);
    EXPECT_EQ(decision.to, 2);
    EXPECT_EQ(decision.desired, c.value > 1000 ? 3 : 1);
    EXPECT_EQ(world.target.desired, 2);
    EXPECT_EQ(decision.next, std::optional(async::BootTime{absl::Hours(2)}));
  }
}

TEST(Decide, DoesNotCorrectTheBoundsWhileSuspended) {
  SmallWorld world;
  world.spec.min_capacity = 3;
  world.spec.suspend = policy::Suspend{.reason = "load test"};
  const Decision decision = world.NoBeat().decision;
  EXPECT_FALSE(decision.write);
  EXPECT_EQ(decision.message,
            "2 dynos is below the minimum of 3, but scaling is suspended (load test): holding at 2 dynos");
}

TEST(Decide, GoesOnWhenASuspensionHasEnded) {
  SmallWorld world;
  world.spec.suspend = policy::Suspend{.until = Noon() + absl::Seconds(60)};
  EXPECT_EQ(world.Beats(3, 1240).decision.to, 3);
}

TEST(Decide, WritesNothingInRecommend) {
  SmallWorld world;
  world.spec.mode = policy::Mode::kRecommend;
  const Decision decision = world.Beats(3, 1240).decision;
  EXPECT_EQ(decision.action, Action::kScaleOut);
  EXPECT_EQ(decision.to, 3);
  EXPECT_FALSE(decision.write);
  EXPECT_EQ(decision.code, Code::kThresholdBreached);
  EXPECT_EQ(
      decision.message,
      "heartbeat 1240 ms is above 1000 ms for 3 of 3 samples: 2 \u2192 3 dynos. Nothing was written (Recommend).");
  EXPECT_EQ(world.Beat(500).decision.message, "heartbeat 500 ms is within 200 and 1000 ms: holding at 2 dynos");
}

TEST(Decide, WritesNothingWhileTheOperatorIsFrozen) {
  SmallWorld world;
  world.spec.ceilings.frozen = true;
  const Decision decision = world.Beats(3, 1240).decision;
  EXPECT_EQ(decision.to, 3);
  EXPECT_FALSE(decision.write);
  EXPECT_EQ(decision.code, Code::kThresholdBreached);
  EXPECT_EQ(
      decision.message,
      "heartbeat 1240 ms is above 1000 ms for 3 of 3 samples: 2 \u2192 3 dynos. Nothing was written (the operator is "
      "frozen).");
}

TEST(Decide, StaysBelowTheAdministratorsCeilingAndTakesItsSteps) {
  SmallWorld world;
  world.spec.ceilings.max_capacity = 2;
  const Decision held = world.Beats(3, 1240).decision;
  EXPECT_EQ(held.to, 2);
  EXPECT_EQ(held.code, Code::kLimitedByMax);
  EXPECT_EQ(held.limits.max_from, policy::kFromAdministrator);
  EXPECT_THAT(held.message, testing::HasSubstr("2 dynos is the maximum (--max-capacity)"));

  SmallWorld wide;
  wide.spec.max_capacity = 9;
  wide.threshold().step_out = 5;
  wide.spec.ceilings.max_step = 2;
  const Decision step = wide.Beats(3, 1240).decision;
  EXPECT_EQ(step.to, 4);
  EXPECT_TRUE(step.write);
  EXPECT_EQ(step.code, Code::kRateLimited);

  SmallWorld over;  // corrections keep to the steps too
  over.spec.max_capacity = 9;
  over.spec.ceilings = {.max_capacity = 3, .max_step = 2};
  over.target.desired = over.target.ready = 8;
  EXPECT_EQ(over.Beat(500).decision.to, 6);
}

// Several metrics: `connections` between 40 and 50, one breach.
struct TwoMetrics : SmallWorld {
  TwoMetrics() {
    threshold().breaches_to_scale_out = threshold().breaches_to_scale_in = 1;
    spec.metrics.push_back(
        {.name = "connections",
         .source = {.type = "RackspaceLoadBalancer"},
         .strategy = policy::Threshold{
             .lower = 40, .upper = 50, .breaches_to_scale_out = 1, .breaches_to_scale_in = 1, .step_out = 2}});
  }
  Decision Both(double heartbeat, std::optional<double> connections) {
    const Sample other = connections ? Valid(*connections, now, "") : Missing(MissingReason::kTimeout);
    return Pass({Valid(heartbeat, now), other}).decision;
  }
};

TEST(Decide, LetsTheLargestRecommendationWin) {
  TwoMetrics world;
  const Decision decision = world.Both(100, 60);
  EXPECT_EQ(decision.to, 4);
  EXPECT_EQ(decision.code, Code::kThresholdBreached);
  EXPECT_EQ(decision.message, "connections 60 is above 50 for 1 of 1 samples: 2 \u2192 4 dynos");
}

TEST(Decide, ScalesInOnlyWhenEveryMetricAgrees) {
  TwoMetrics world;
  const Decision held = world.Both(100, 45);
  EXPECT_EQ(held.code, Code::kNotAllMetricsAgree);
  EXPECT_EQ(held.message,
            "heartbeat 100 ms is below 200 ms for 1 of 1 samples, but connections 45 is within 40 and 50: "
            "holding at 2 dynos");
  EXPECT_EQ(world.Both(100, std::nullopt).code, Code::kNotAllMetricsAgree);
  EXPECT_EQ(world.Both(100, 30).to, 1);
}

TEST(Decide, ScalesOutAlthoughAnotherMetricIsMissing) {
  TwoMetrics world;
  EXPECT_EQ(world.Both(1240, std::nullopt).to, 3);
}

TEST(Decide, GivesAScaleOutOnlyMetricNoVoteOnScalingIn) {
  TwoMetrics world;
  world.target.desired = world.target.ready = 5;
  world.spec.metrics[1].scale_out_only = true;
  EXPECT_EQ(world.Both(100, 45).to, 4) << "in range";
  EXPECT_EQ(world.Both(100, 30).to, 3) << "below";
  EXPECT_EQ(world.Both(100, std::nullopt).action, Action::kHold) << "not valid";
  std::get<policy::Threshold>(world.spec.metrics[1].strategy).breaches_to_scale_out = 2;
  EXPECT_EQ(world.Both(100, 60).action, Action::kHold) << "above, though not for long enough";
  EXPECT_EQ(world.Both(500, 30).action, Action::kHold) << "it never recommends it itself";
}

TEST(Decide, SaysWhenAMetricMayOnlyScaleOut) {
  SmallWorld world;
  world.spec.metrics[0].scale_out_only = true;
  const Decision decision = world.Beats(6, 100).decision;
  EXPECT_EQ(decision.action, Action::kHold);
  EXPECT_EQ(decision.code, Code::kScaleOutOnly);
}

TEST(Decide, HoldsWhenASampleIsNotANumber) {
  SmallWorld world;
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(world.Beat(std::numeric_limits<double>::quiet_NaN()).decision.code, Code::kSampleMissing);
  }
}

TEST(Decide, TakesFewerSamplesThanMetricsAsMissingOnes) {
  TwoMetrics world;
  EXPECT_EQ(world.Pass({Valid(100, world.now)}).decision.code, Code::kNotAllMetricsAgree);
}

}  // namespace
}  // namespace ottoscale::decision
