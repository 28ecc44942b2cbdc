#include "pkg/decision/strategy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/decision/small_world.h"

namespace ottoscale::decision {
namespace {

using policy::Step;
using policy::StepTable;
using policy::TargetTracking;
using ::testing::HasSubstr;

std::optional<int> Wanted(const policy::Strategy& strategy, const StrategyInput& input) {
  return std::visit([&](const auto& one) { return Judge(one, input).recommended; }, strategy);
}

StrategyInput At(double value, int from, int ready) {
  return {.value = value, .is_new = true, .from = from, .ready = ready};
}

struct TrackingCase {
  const char* name;
  double value;  // per ready instance
  int from;
  int ready;
  int wanted;
};

TEST(TargetTracking, WorkedVectors) {
  // Target 100, 10 % above it.
  const TrackingCase cases[] = {
      {"at the target", 100, 4, 4, 4},
      {"at the upper tolerance", 110, 10, 10, 10},
      {"just above it: ceil(11.01)", 110.1, 10, 10, 12},
      {"one fewer would be above the target", 90.1, 10, 10, 10},
      {"one fewer is at the target", 90, 10, 10, 9},
      {"two grow by one", 130, 2, 2, 3},
      {"one grows by one", 111, 1, 1, 2},
      {"two shrink to one", 50, 2, 2, 1},
      {"two with a little more than one needs stay", 51, 2, 2, 2},
      {"doubles", 200, 3, 3, 6},
      {"nothing to do: none", 0, 3, 3, 0},
      {"binary dust adds nobody: 3 x 0.1 x 1000", 100 * (0.1 + 0.2) / 0.3, 3, 3, 3},
      {"from nothing", 250, 0, 0, 3},
      {"half of it boots, which will do", 200, 4, 2, 4},
      {"half of it boots, which will not do", 300, 4, 2, 6},
      {"some boot, and the ready ones are idle", 10, 4, 2, 4},
      {"some still go away: they carry their share", 100, 2, 3, 3},
      {"a value beyond all bounds", 1e15, 10, 10, 1'000'000},
  };
  for (const TrackingCase& c : cases) {
    EXPECT_EQ(Wanted(TargetTracking{.target = 100}, At(c.value, c.from, c.ready)), c.wanted) << c.name;
  }
}

TEST(TargetTracking, HasATolerancePerDirection) {
  const TargetTracking tracking{.target = 100, .scale_out_tolerance_percent = 0, .scale_in_tolerance_percent = 50};
  EXPECT_EQ(Wanted(tracking, At(101, 10, 10)), 11);
  EXPECT_EQ(Wanted(tracking, At(51, 10, 10)), 10);
  EXPECT_EQ(Wanted(tracking, At(49, 10, 10)), 5);
}

struct FitCase {
  const char* name;
  double value;  // per ready instance
  double growth;
  int from;
  int wanted;
  int least;  // which would not have asked for more: at 110 each
};

TEST(TargetTracking, TakesTheSmallestSizeThatFitsWhatIsSeenAndForeseen) {
  const FitCase cases[] = {
      {"10 at 100: 1000 fit 9.09", 100, 0, 10, 10, 10},
      {"what is foreseen may use the tolerance twice: 1200", 100, 0.2, 10, 10, 10},
      {"and beyond that not once: 1210 need 11", 100, 0.21, 10, 11, 10},
      {"doubles: 2000 need 18.2", 100, 1, 10, 19, 10},
      {"what is seen asks for more than what is foreseen: 1200, and 1260 need 11.5", 120, 0.05, 10, 12, 11},
      {"what is foreseen asks for more: 1200, and 2400 need 21.8", 120, 1, 10, 22, 11},
      {"a rise keeps what would be wanted back: 700, and 980 need 8.9", 70, 0.4, 10, 9, 7},
      {"an idle one rises: 50, and 100 fit one", 50, 1, 1, 1, 1},
      {"an idle one rises beyond: 61, and 122 do not", 61, 1, 1, 2, 1},
  };
  for (const FitCase& c : cases) {
    StrategyInput input = At(c.value, c.from, c.from);
    input.growth = c.growth;
    input.horizon = absl::Seconds(120);
    const StrategyAnswer answer = Judge(TargetTracking{.target = 100}, input);
    EXPECT_EQ(answer.recommended, c.wanted) << c.name;
    EXPECT_EQ(answer.least, c.least) << c.name;
  }
}

TEST(TargetTracking, CountsWhatBootsForWhatIsForeseen) {
  StrategyInput input = At(100, 4, 2);
  input.growth = 1;
  EXPECT_EQ(Wanted(TargetTracking{.target = 100}, input), 4) << "400 fit 4";
  input.value = 130;
  EXPECT_EQ(Wanted(TargetTracking{.target = 100}, input), 5) << "260, and 520 need 4.7";
}

TEST(TargetTracking, TakesACensoredValueOnlyAsEvidenceForMore) {
  StrategyInput input = At(50, 2, 2);
  input.censored = true;
  EXPECT_EQ(Wanted(TargetTracking{.target = 100}, input), std::nullopt);
  input.value = 150;
  EXPECT_EQ(Wanted(TargetTracking{.target = 100}, input), 3);
}

policy::ScalingPolicy Tracking(double target) {
  policy::ScalingPolicy spec = PlainPolicy();
  spec.max_capacity = 20;
  spec.metrics = {{.name = "requests",
                   .source = {.type = "Requests"},
                   .basis = policy::Basis::kPerInstance,
                   .sudden_drop = policy::Metric::SuddenDrop::kAccept,
                   .strategy = TargetTracking{.target = target}}};
  return spec;
}

TEST(TargetTracking, DividesATotalByWhatIsReadyAndSaysWhatItWants) {
  SmallWorld world;
  world.spec = Tracking(45);
  const Decision decision = world.Pass({Valid(132, world.now, "connections")}).decision;
  EXPECT_EQ(decision.to, 3);
  EXPECT_EQ(decision.code, Code::kOffTarget);
  EXPECT_EQ(decision.metrics[0].value, 66);
  EXPECT_EQ(
      decision.message,
      "requests 66 connections per instance is above 45 connections per instance, the target, which 3 dynos would "
      "keep: 2 \u2192 3 dynos");
}

TEST(TargetTracking, DoesNotOrderTwiceWhileItBoots) {
  SmallWorld world;
  world.spec = Tracking(50);
  EXPECT_EQ(world.Pass({Valid(200, world.now)}).decision.to, 4);
  world.target.ready = 2;
  for (int i = 0; i < 4; ++i) {
    const Decision decision = world.Pass({Valid(200, world.now)}).decision;
    EXPECT_EQ(decision.action, Action::kHold);
    EXPECT_THAT(decision.message, HasSubstr("but 2 of 4 dynos ready"));
  }
  EXPECT_EQ(world.Pass({Valid(300, world.now)}).decision.to, 6) << "more load may order more at once";
}

// A total that rises by 30 each poll, of instances that are meant to have 100 each.
SmallWorld Climbing(double start, int polls) {
  SmallWorld world;
  world.spec = Tracking(100);
  world.target.desired = world.target.ready = 4;
  for (int i = 0; i < polls; ++i) world.Pass({Valid(start + 30 * i, world.now, "requests")});
  return world;
}

TEST(TargetTracking, OrdersAheadOfALoadThatRises) {
  // 340, 370; at 400 it has risen by one a second, and 520 two minutes later need 4.7.
  SmallWorld world = Climbing(340, 2);
  const Decision decision = world.Pass({Valid(400, world.now, "requests")}).decision;
  EXPECT_EQ(decision.to, 5);
  EXPECT_EQ(decision.code, Code::kRising);
  EXPECT_EQ(decision.message,
            "requests 100 requests per instance is rising: 130 requests per instance in 2 min would be above 120 "
            "requests per instance, for which 5 dynos are enough: 4 \u2192 5 dynos");
}

TEST(TargetTracking, LooksNoFurtherThanItIsTold) {
  SmallWorld world = Climbing(340, 2);
  std::get<TargetTracking>(world.spec.metrics[0].strategy).look_ahead = absl::Seconds(30);
  EXPECT_EQ(world.Pass({Valid(400, world.now, "requests")}).decision.to, 4) << "430 fit 4";
  std::get<TargetTracking>(world.spec.metrics[0].strategy).look_ahead = absl::Seconds(60);
  EXPECT_EQ(world.Pass({Valid(430, world.now, "requests")}).decision.to, 5) << "490 do not";
}

TEST(TargetTracking, LooksAsFarAsInstancesTakeToServe) {
  SmallWorld world = Climbing(340, 2);
  world.history.boot_time = absl::Seconds(30);
  EXPECT_EQ(world.Pass({Valid(400, world.now, "requests")}).decision.to, 4) << "430 fit 4";
}

TEST(TargetTracking, ForeseesNothingOfAValueThatItsOwnCapacityChanges) {
  SmallWorld world;
  world.spec = Tracking(100);
  world.spec.metrics[0].basis = policy::Basis::kValue;
  world.target.desired = world.target.ready = 4;
  for (const double value : {101, 104, 107, 110}) EXPECT_EQ(world.Pass({Valid(value, world.now)}).decision.to, 4);
}

TEST(TargetTracking, BelievesATotalWhileItSettles) {
  SmallWorld world;
  world.spec = Tracking(100);
  world.spec.behavior.settle = absl::Seconds(60);
  EXPECT_EQ(world.Pass({Valid(300, world.now)}).decision.to, 3);
  EXPECT_EQ(world.Pass({Valid(500, world.now)}).decision.to, 5);
  world.spec.metrics[0].basis = policy::Basis::kValue;
  world.target.desired = world.target.ready = 5;
  EXPECT_EQ(world.Pass({Valid(200, world.now)}).decision.code, Code::kSettling);
}

TEST(TargetTracking, ScalesInToWhatEveryReadingOfTheWindowFits) {
  SmallWorld world;
  world.spec = Tracking(100);
  world.spec.behavior.scale_in.stabilization_window = absl::Seconds(120);
  world.target.desired = world.target.ready = 10;
  // 1000 recommend 10 of 10, but 9.09 would do: 10. 430 would fit 3.9.
  world.Pass({Valid(1000, world.now)});
  for (const double load : {430, 300, 300}) EXPECT_EQ(world.Pass({Valid(load, world.now)}).decision.to, 10) << load;
  // 300 recommend 3, of which 430 had asked for more: 4.
  EXPECT_EQ(world.Pass({Valid(300, world.now)}).decision.to, 4);
}

TEST(TargetTracking, HasNoSampleWithNothingReady) {
  SmallWorld world;
  world.spec = Tracking(50);
  world.target.ready = 0;
  const Decision decision = world.Pass({Valid(200, world.now)}).decision;
  EXPECT_EQ(decision.action, Action::kHold);
  EXPECT_EQ(decision.code, Code::kNothingReady);
}

TEST(TargetTracking, KeepsNoMoreThanItNeedsOverALongRun) {
  SmallWorld world;
  world.spec = Tracking(50);
  for (const int load : {100, 170, 400, 900, 420, 200, 90, 40}) {
    for (int i = 0; i < 3; ++i) world.Pass({Valid(load, world.now)});
    EXPECT_EQ(world.target.desired, (load + 49) / 50) << load;
  }
}

StepTable Percents() {
  return {.change = StepTable::Change::kPercent,
          .steps = {{.upper = 10, .change = -30},
                    {.lower = 10, .upper = 20, .change = -10},
                    {.lower = 60, .upper = 80, .change = 10},
                    {.lower = 80, .change = 30}},
          .breaches_to_scale_out = 1,
          .breaches_to_scale_in = 1};
}

TEST(StepTable, WorkedVectors) {
  struct Case {
    double value;
    int from;
    int wanted;
  };
  // Of AWS's documentation: 10 instances, +10 % -> 11, +30 % -> 13; percents are cut towards 0 and never become 0.
  const Case cases[] = {
      {40, 10, 10},   {60, 10, 11}, {79.9, 10, 11}, {80, 10, 13}, {1e9, 10, 13}, {20, 10, 9},
      {20.1, 10, 10}, {10, 10, 7},  {10.1, 10, 9},  {0, 10, 7},   {60, 1, 2},    {60, 19, 20},
      {80, 9, 11},    {20, 1, 0},   {20, 19, 18},   {5, 9, 7},
  };
  for (const Case& c : cases) EXPECT_EQ(Wanted(Percents(), At(c.value, c.from, c.from)), c.wanted) << c.value;
}

TEST(StepTable, CountsBreachesWithinStepsOfOneDirection) {
  SmallWorld world;
  world.spec.max_capacity = 20;
  world.spec.metrics[0].strategy = StepTable{
      .steps = {{.upper = 100, .change = -1}, {.lower = 500, .upper = 900, .change = 2}, {.lower = 900, .change = 5}}};
  world.Beat(600);
  world.Beat(600);
  const Decision decision = world.Beat(950).decision;
  EXPECT_EQ(decision.to, 7) << "the step of the last sample counts";
  EXPECT_EQ(decision.message, "heartbeat 950 ms is above 900 ms for 3 of 3 samples: 2 \u2192 7 dynos");
  world.Beats(4, 50);
  EXPECT_EQ(world.target.desired, 7);
  EXPECT_EQ(world.Beat(50).decision.to, 6);
  EXPECT_EQ(world.Beat(300).decision.code, Code::kInRange);
}

TEST(StepTable, TakesACensoredValueAsAtLeastItsStep) {
  StrategyInput input = At(85, 10, 10);
  input.censored = true;
  EXPECT_EQ(Wanted(Percents(), input), 13);
  input.value = 15;
  EXPECT_EQ(Wanted(Percents(), input), std::nullopt);
}

policy::LatencyGoal Goal() { return {.goal_milliseconds = 500, .service_milliseconds = 150}; }

// What k workers with a queue take, straight from the formula.
double Response(double service, double utilization, int workers) {
  return service * (1 + std::pow(utilization, std::sqrt(2.0 * (workers + 1)) - 1) / (workers * (1 - utilization)));
}

TEST(LatencyGoal, WantsWhatTheModelNeedsAndNotOneMore) {
  for (const double load : {2.0, 3.5, 7.9, 19.0}) {
    for (const int ready : {static_cast<int>(load) + 1}) {
      const double seen = Response(150, load / ready, 5);
      if (seen <= 500) continue;
      const int wanted = *Wanted(Goal(), At(seen, ready, ready));
      EXPECT_LE(Response(150, load / wanted, 5), 500.001) << load;
      if (wanted > ready + 1) EXPECT_GT(Response(150, load / (wanted - 1), 5), 499.999) << load;
    }
  }
}

TEST(LatencyGoal, AsksForMoreWheneverTheGoalIsMissed) {
  EXPECT_EQ(Wanted(Goal(), At(500, 2, 2)), 2);
  EXPECT_EQ(Wanted(Goal(), At(501, 2, 2)), 3);
  EXPECT_EQ(Wanted(Goal(), At(60000, 4, 4)), 9) << "past the model's end at most twice the load: 4 x 0.995 x 2 / 0.899";
}

TEST(LatencyGoal, CountsWhatBootsAndTakesNothingAwayMeanwhile) {
  EXPECT_EQ(Wanted(Goal(), At(501, 4, 2)), 4);
  EXPECT_EQ(Wanted(Goal(), At(160, 4, 2)), 4);
}

TEST(LatencyGoal, TakesOneAwayWhereTheRestKeepsTheGoal) {
  EXPECT_EQ(Wanted(Goal(), At(Response(150, 0.3, 5), 4, 4)), 3);
  EXPECT_EQ(Wanted(Goal(), At(Response(150, 0.8, 5), 4, 4)), 4) << "3 would stand at 1.07";
  EXPECT_EQ(Wanted(Goal(), At(150, 1, 1)), 1);
}

// With one worker the model is that of M/M/1: R = S / (1 - rho), so rho(R) = 1 - S / R and all is worked out by hand.
policy::LatencyGoal OneWorker() {
  return {.goal_milliseconds = 400, .service_milliseconds = 100, .workers_per_instance = 1};
}

TEST(LatencyGoal, KeepsATenthOfTheLoadBetweenOutAndIn) {
  // rho(400) = 0.75, of which 0.675 may be used. One of 4 may go while rho <= 0.675 x 3/4 = 0.50625: R <= 202.53.
  EXPECT_EQ(Wanted(OneWorker(), At(202.5, 4, 4)), 3);
  EXPECT_EQ(Wanted(OneWorker(), At(202.6, 4, 4)), 4);
  // One of 2 while rho <= 0.3375: R <= 150.94.
  EXPECT_EQ(Wanted(OneWorker(), At(150.9, 2, 2)), 1);
  EXPECT_EQ(Wanted(OneWorker(), At(151.0, 2, 2)), 2);
  // And 3 that would stand at 0.75 of the load that made it 4 are wanted at once: 4 x 0.7501 / 0.75.
  EXPECT_EQ(Wanted(OneWorker(), At(400.1, 4, 4)), 5);
}

// After 3 have missed the goal and 4 keep it at 180 ms: rho(180) = 4/9, so the 3 had 16/27 = 0.5926 of the model.
MetricHistory Relieved(async::BootTime at) {
  MetricHistory history;
  LearnFrom(OneWorker(), 410, false, 3, at, history);
  LearnFrom(OneWorker(), 180, false, 4, at, history);
  return history;
}

TEST(LatencyGoal, DoesNotGoBackToWhatHasJustMissedTheGoal) {
  const async::BootTime start{absl::Hours(100)};
  const MetricHistory history = Relieved(start);
  ASSERT_EQ(history.relief,
            (Relief{.before = {.ready = 3, .response = 410}, .ready = 4, .response = 180, .at = start}));
  ASSERT_EQ(history.overload, std::nullopt);
  StrategyInput input = At(166.6, 4, 4);
  input.history = &history;
  input.now = start + absl::Minutes(5);
  // 0.9 x 16/27 x 3/4 = 0.4: R <= 166.67.
  EXPECT_EQ(Wanted(OneWorker(), input), 3);
  input.value = 166.7;
  EXPECT_EQ(Wanted(OneWorker(), input), 4);
  // After 20 of 24 hours at least 0.625 is allowed again: 0.9 x 0.625 x 3/4 = 0.421875, R <= 172.97.
  input.now = start + absl::Hours(20);
  input.value = 172.9;
  EXPECT_EQ(Wanted(OneWorker(), input), 3);
  input.value = 173.0;
  EXPECT_EQ(Wanted(OneWorker(), input), 4);
  input.now = start + absl::Hours(30);
  input.value = 202.5;
  EXPECT_EQ(Wanted(OneWorker(), input), 3) << "forgotten";
}

TEST(LatencyGoal, LearnsNothingFromALoadThatFallsByItself) {
  MetricHistory history;
  LearnFrom(OneWorker(), 410, false, 3, {}, history);
  EXPECT_EQ(history.overload, (Overload{.ready = 3, .response = 410}));
  LearnFrom(OneWorker(), 180, false, 3, {}, history);
  EXPECT_EQ(history.overload, std::nullopt);
  LearnFrom(OneWorker(), 170, false, 4, {}, history);
  EXPECT_EQ(history.relief, std::nullopt);
}

TEST(LatencyGoal, TakesACensoredReadingForAMissAndNeverForRelief) {
  MetricHistory history;
  LearnFrom(OneWorker(), 400, true, 3, {}, history);
  EXPECT_EQ(history.overload, (Overload{.ready = 3, .response = 400}));
  LearnFrom(OneWorker(), 100, true, 4, {}, history);
  EXPECT_EQ(history.relief, std::nullopt);
  EXPECT_TRUE(history.overload.has_value());
}

TEST(LatencyGoal, LearnsTheIdleTimeFromAMissAndItsRelief) {
  // S = 100: at rho = 5/6 one takes 600 ms, and two take 100 / (1 - 5/12) = 171.43 ms.
  policy::LatencyGoal goal = OneWorker();
  goal.service_milliseconds.reset();
  MetricHistory history{.lowest = 171.43};
  LearnFrom(goal, 600, false, 1, {}, history);
  LearnFrom(goal, 171.43, false, 2, {}, history);
  StrategyInput input = At(171.43, 2, 2);
  input.history = &history;
  const StrategyAnswer answer = Judge(goal, input);
  EXPECT_NEAR(answer.numbers.other, 100, 0.01);
  EXPECT_EQ(answer.recommended, 2) << "taken for idle, one would do";
}

TEST(LatencyGoal, TakesAZeroForAnIdleAnswer) {
  policy::LatencyGoal goal = OneWorker();
  EXPECT_EQ(Wanted(goal, At(0, 4, 4)), 3);
  goal.service_milliseconds.reset();
  EXPECT_EQ(Wanted(goal, At(0, 4, 4)), 3);
  // An idle request is taken to need 0.4 ms, so one that takes 100 ms finds rho = 0.996, beyond the model's end.
  const MetricHistory history{.lowest = 0};
  StrategyInput input = At(100, 4, 4);
  input.history = &history;
  EXPECT_EQ(Wanted(goal, input), 4);
}

TEST(LatencyGoal, SaysWhereNoCapacityHelps) {
  const policy::LatencyGoal goal{.goal_milliseconds = 100, .service_milliseconds = 150};
  const StrategyAnswer answer = Judge(goal, At(170, 2, 2));
  EXPECT_EQ(answer.recommended, 2);
  EXPECT_EQ(answer.code, Code::kGoalUnreachable);
}

TEST(LatencyGoal, LearnsTheIdleTimeFromTheLowestThatWasSeen) {
  SmallWorld world;
  world.spec.metrics[0].strategy = policy::LatencyGoal{.goal_milliseconds = 500};
  world.Beat(150);
  world.Beat(400);
  EXPECT_EQ(world.history.metrics[0].lowest, 150);
  const Decision decision = world.Beat(900).decision;
  EXPECT_EQ(decision.action, Action::kScaleOut);
  EXPECT_THAT(decision.message, HasSubstr("heartbeat 900 ms is above the goal of 500 ms, which "));
}

TEST(Strategies, ScaleOnlyOutWhereTheMetricMay) {
  StrategyInput input = At(10, 4, 4);
  input.scale_out_only = true;
  EXPECT_EQ(Wanted(TargetTracking{.target = 100}, input), 4);
  EXPECT_EQ(Wanted(Percents(), input), 4);
  EXPECT_EQ(Wanted(Goal(), input), 4);
}

TEST(Strategies, TakeNoEvidenceForMoreOfTheSameWhileSettling) {
  for (const policy::Strategy& strategy :
       {policy::Strategy(TargetTracking{.target = 100}), policy::Strategy(Percents()), policy::Strategy(Goal())}) {
    StrategyInput out = At(900, 4, 4);
    out.settling_out = true;
    EXPECT_EQ(Wanted(strategy, out), 4) << strategy.index();
    StrategyInput in = At(1, 4, 4);
    in.settling_in = true;
    EXPECT_EQ(Wanted(strategy, in), 4) << strategy.index();
    out.settling_out = false;
    out.settling_in = true;
    EXPECT_GT(Wanted(strategy, out), 4) << strategy.index();
  }
}

}  // namespace
}  // namespace ottoscale::decision
