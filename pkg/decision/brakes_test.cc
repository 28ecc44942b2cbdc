// What holds a change back, or makes one without a sample: projection, fallback, manual changes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/decision/small_world.h"

namespace ottoscale::decision {
namespace {

using policy::Fallback;
using policy::ManualChange;
using ::testing::HasSubstr;

// Connections per instance, 40..50, one breach.
SmallWorld Shared(int capacity, int step_in) {
  SmallWorld world;
  world.spec.max_capacity = 20;
  world.spec.metrics[0].basis = policy::Basis::kPerInstance;
  world.threshold() = {
      .lower = 40, .upper = 50, .breaches_to_scale_out = 1, .breaches_to_scale_in = 1, .step_in = step_in};
  world.target.desired = world.target.ready = capacity;
  return world;
}

TEST(Projection, TakesNothingAwayThatWouldBeWantedBackAtOnce) {
  SmallWorld world = Shared(2, 1);
  const Decision decision = world.Pass({Valid(78, world.now, "connections")}).decision;
  EXPECT_EQ(decision.action, Action::kHold);
  EXPECT_EQ(decision.code, Code::kWouldFlap);
  EXPECT_EQ(
      decision.message,
      "heartbeat 39 connections per instance is below 40 connections per instance for 1 of 1 samples, but heartbeat "
      "would have 78 connections per instance with 1 dyno, above 50 connections per instance: holding at 2 dynos");
  EXPECT_EQ(world.Pass({Valid(50, world.now)}).decision.to, 1) << "50 on one is in range";
}

TEST(Projection, TakesFewerWhereAllWouldBeTooMany) {
  SmallWorld world = Shared(10, 5);
  EXPECT_EQ(world.Pass({Valid(380, world.now)}).decision.to, 8) << "380 / 8 = 47.5, 380 / 7 = 54.3";
}

TEST(Projection, CanBeSwitchedOffAndDoesNotApplyToPlainValues) {
  SmallWorld world = Shared(2, 1);
  world.spec.behavior.project_scale_in = false;
  EXPECT_EQ(world.Pass({Valid(78, world.now)}).decision.to, 1);
  SmallWorld plain = Shared(2, 1);
  plain.spec.metrics[0].basis = policy::Basis::kValue;
  EXPECT_EQ(plain.Pass({Valid(39, plain.now)}).decision.to, 1);
}

TEST(Projection, LooksAtEveryMetric) {
  for (const bool first : {false, true}) {
    SmallWorld world = Shared(4, 2);
    policy::Metric other = world.spec.metrics[0];
    other.name = "other";
    world.spec.metrics.insert(first ? world.spec.metrics.begin() : world.spec.metrics.end(), other);
    std::vector<Sample> samples = {Valid(80, world.now), Valid(150, world.now)};
    if (first) std::swap(samples[0], samples[1]);
    EXPECT_EQ(world.Pass(samples).decision.to, 3) << "150 / 3 = 50";
  }
}

TEST(Projection, AStepOutBeginsAtItsLowerEnd) {
  SmallWorld world = Shared(2, 1);
  world.spec.metrics[0].strategy =
      policy::StepTable{.steps = {{.upper = 30, .change = -1}, {.lower = 50, .change = 1}}, .breaches_to_scale_in = 1};
  EXPECT_EQ(world.Pass({Valid(50, world.now)}).decision.code, Code::kWouldFlap);
  EXPECT_EQ(world.Pass({Valid(49, world.now)}).decision.to, 1);
}

SmallWorld Falling(int capacity) {
  SmallWorld world;
  world.spec.fallback = {.type = Fallback::Type::kAtLeast, .after = absl::Seconds(600), .capacity = capacity};
  return world;
}

TEST(Fallback, RaisesOnceNothingWasValidForLong) {
  SmallWorld world = Falling(4);
  world.Beat(500);
  for (int seconds = 30; seconds < 600; seconds += 30) {
    EXPECT_EQ(world.NoBeat().decision.action, Action::kHold) << seconds;
  }
  const Decision decision = world.NoBeat().decision;
  EXPECT_EQ(decision.to, 4);
  EXPECT_EQ(decision.cause, Cause::kBounds) << "it rests on no sample";
  EXPECT_EQ(decision.message, "no metric has been valid for 10 min, so at least 4 dynos: 2 \u2192 4 dynos");
  EXPECT_EQ(world.NoBeat().decision.action, Action::kHold);
}

TEST(Fallback, CountsFromTheFirstPassWhereNothingWasEverValid) {
  SmallWorld world = Falling(4);
  for (int seconds = 0; seconds < 600; seconds += 30) {
    EXPECT_EQ(world.NoBeat().decision.action, Action::kHold) << seconds;
  }
  EXPECT_EQ(world.NoBeat().decision.to, 4);
}

TEST(Fallback, NeverLowersKeepsTheBoundsAndWaitsForTheOperatorItself) {
  SmallWorld world = Falling(1);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(world.NoBeat().decision.action, Action::kHold);
  SmallWorld high = Falling(9);
  Decision decision;
  for (int i = 0; i < 30; ++i) decision = high.NoBeat().decision;
  EXPECT_EQ(high.target.desired, 5);
  SmallWorld suspect = Falling(4);
  for (int i = 0; i < 20; ++i) suspect.NoBeat();
  Observation seen = suspect.Seen({Missing(MissingReason::kProbeFailed)});
  seen.probes_suspect = true;
  EXPECT_EQ(Decide(suspect.spec, suspect.history, seen, suspect.now).action, Action::kHold);
}

TEST(Fallback, DoesNothingByDefault) {
  SmallWorld world;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(world.NoBeat().decision.action, Action::kHold);
}

TEST(ManualChange, IsAdoptedByDefault) {
  SmallWorld world;
  world.Beat(500);
  world.target.desired = world.target.ready = 4;
  EXPECT_EQ(world.Beat(500).decision.action, Action::kHold);
  EXPECT_EQ(world.Beats(3, 1240).decision.to, 5);
}

TEST(ManualChange, IsHeldForATimeInBothDirections) {
  SmallWorld world;
  world.spec.manual_change = {.type = ManualChange::Type::kHold, .hold = absl::Minutes(10)};
  world.Beat(500);
  world.target.desired = world.target.ready = 4;
  const Decision held = world.Beats(3, 1240).decision;
  EXPECT_EQ(held.action, Action::kHold);
  EXPECT_EQ(held.code, Code::kManualHold);
  EXPECT_THAT(
      held.message,
      HasSubstr("but somebody has set the target from 2 to 4, which is left so for 10 min: holding at 4 dynos"));
  ASSERT_TRUE(held.next);
  world.now = world.now + absl::Minutes(9);
  EXPECT_EQ(world.Beat(1240).decision.to, 5);
}

TEST(ManualChange, LeavesTheBoundsInForceWhileItIsHeld) {
  SmallWorld world;
  world.spec.manual_change = {.type = ManualChange::Type::kHold, .hold = absl::Minutes(10)};
  world.Beat(500);
  world.target.desired = world.target.ready = 9;
  EXPECT_EQ(world.Beat(500).decision.to, 5);
}

TEST(ManualChange, IsSetBackWhereThePolicySaysSo) {
  SmallWorld world;
  world.spec.manual_change.type = ManualChange::Type::kRevert;
  world.Beat(500);
  world.target.desired = world.target.ready = 4;
  const Decision back = world.NoBeat().decision;
  EXPECT_EQ(back.to, 2);
  EXPECT_EQ(back.cause, Cause::kBounds);
  EXPECT_EQ(back.message, "somebody has set the target from 2 to 4, which is set back: 4 \u2192 2 dynos");
  EXPECT_EQ(world.Beat(500).decision.action, Action::kHold) << "and that is that";
  EXPECT_EQ(world.Beats(3, 1240).decision.to, 3);
}

TEST(ManualChange, SetsBackNoOffSwitchAndNothingWhileSuspended) {
  SmallWorld world;
  world.spec.manual_change.type = ManualChange::Type::kRevert;
  world.Beat(500);
  world.target.desired = world.target.ready = 0;
  EXPECT_EQ(world.Beat(500).decision.code, Code::kScaledToZero);
  world.target.desired = world.target.ready = 3;
  EXPECT_EQ(world.Beat(500).decision.action, Action::kHold) << "switched on again by the same hand";
  world.spec.suspend = policy::Suspend{};
  world.target.desired = world.target.ready = 4;
  EXPECT_EQ(world.Beat(500).decision.code, Code::kSuspended);
}

// A minimum of 4 from 13:00 on, and a target of 2.
SmallWorld BeforeTheWindow() {
  SmallWorld world;
  policy::Weekly weekly{.start_minute = 13 * 60, .end_minute = 14 * 60};
  world.spec.schedule.windows = {{.name = "lunch", .when = weekly, .min_capacity = 4}};
  world.Beat(640);
  return world;
}

TEST(Clock, HoldsForOnePassAfterTheWallClockWasSet) {
  SmallWorld world = BeforeTheWindow();
  world.now.wall += absl::Hours(1);
  const Decision held = world.Beat(640).decision;
  EXPECT_EQ(held.action, Action::kHold);
  EXPECT_EQ(held.code, Code::kClockJumped);
  EXPECT_EQ(
      held.message,
      "2 dynos is below the minimum of 4 (lunch), but the clock was set forward by 60 min, so nothing is done before "
      "the next poll: holding at 2 dynos");
  EXPECT_EQ(world.Beat(640).decision.to, 4) << "then it is believed";
}

TEST(Clock, HoldsAfterAJumpToAnyTime) {
  for (const absl::Time wall :
       {Noon() + absl::Hours(1), Noon() - absl::Hours(1), absl::UnixEpoch(), absl::FromUnixSeconds(2147483648),
        absl::FromUnixSeconds(4294967296), Noon() + absl::Seconds(91), Noon() - absl::Seconds(31)}) {
    SmallWorld world = BeforeTheWindow();
    world.threshold().breaches_to_scale_out = 1;
    world.now.wall = wall;
    EXPECT_EQ(world.Beat(2000).decision.code, Code::kClockJumped) << wall;
    EXPECT_GT(world.Beat(2000).decision.to, 2) << wall;
  }
}

TEST(Clock, IsSteeredAndSleepsWithoutAJump) {
  for (const absl::Duration steered : {absl::Seconds(60), -absl::Seconds(60), absl::Seconds(1)}) {
    SmallWorld world = BeforeTheWindow();
    world.threshold().breaches_to_scale_out = 1;
    world.now.wall += steered;
    EXPECT_EQ(world.Beat(2000).decision.to, 3) << steered;
  }
  SmallWorld asleep = BeforeTheWindow();
  asleep.now = asleep.now + absl::Hours(1);
  EXPECT_EQ(asleep.Beat(640).decision.to, 4) << "both clocks went on: the window is open";
}

TEST(Clock, KnowsNoJumpInTheFirstPass) {
  SmallWorld world;
  world.threshold().breaches_to_scale_out = 1;
  EXPECT_EQ(world.Beat(2000).decision.to, 3);
}

TEST(Clock, LeavesCooldownsAlone) {
  SmallWorld world;
  world.threshold().breaches_to_scale_out = 1;
  world.spec.behavior.scale_out.cooldown = absl::Seconds(120);
  world.Beat(2000);
  world.now.wall += absl::Hours(24);
  EXPECT_EQ(world.Beat(2000).decision.code, Code::kCooldown) << "30 s on the clock that nobody sets";
  EXPECT_EQ(world.Beat(2000).decision.code, Code::kCooldown);
}

}  // namespace
}  // namespace ottoscale::decision
