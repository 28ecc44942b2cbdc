#include "pkg/decision/counterfactual.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "pkg/decision/small_world.h"
#include "pkg/decision/value_scale.h"

namespace ottoscale::decision {
namespace {

using ::testing::ElementsAre;

struct World : SmallWorld {
  Situation At(std::vector<Sample> samples) const {
    return {.history = history, .seen = Seen(std::move(samples)), .now = now};
  }
  Situation At(double milliseconds) const { return At({Valid(milliseconds, now)}); }
  Counterfactual Find(double milliseconds) const { return FindCounterfactual(spec, At(milliseconds)); }
  WhyNot Why(int capacity, double milliseconds) const { return FindWhyNot(spec, At(milliseconds), capacity); }
};

TEST(Counterfactual, NamesTheValueThatWouldHaveScaledOutAtOnce) {
  World world;
  world.threshold().breaches_to_scale_out = 1;
  const MetricCounterfactual found = world.Find(640).metrics[0];
  EXPECT_EQ(found.measured, 640);
  EXPECT_EQ(found.step, 0.1) << "four digits of 200";
  EXPECT_EQ(found.above.at_once, (NearestValue{.value = 1000.1, .to = 3, .code = Code::kThresholdBreached}));
  EXPECT_EQ(found.above.kept, std::nullopt);
  EXPECT_EQ(found.below.at_once, std::nullopt) << "five in a row are needed";
}

TEST(Counterfactual, NamesTheValueThatChangesItWhenItIsKept) {
  World world;
  const MetricCounterfactual found = world.Find(640).metrics[0];
  EXPECT_EQ(found.above.at_once, std::nullopt);
  EXPECT_EQ(found.above.kept,
            (NearestValue{.value = 1000.1, .after = absl::Seconds(60), .to = 3, .code = Code::kThresholdBreached}))
      << "this reading and two polls";
  EXPECT_EQ(found.below.kept,
            (NearestValue{.value = 199.9, .after = absl::Seconds(120), .to = 1, .code = Code::kThresholdBreached}));
}

TEST(Counterfactual, SpeaksInTheUnitOfTheSampleAndSaysWhatItIsComparedAs) {
  World world;
  world.spec.metrics[0].basis = policy::Basis::kPerInstance;
  world.spec.metrics[0].strategy = policy::TargetTracking{.target = 400};
  world.target.desired = world.target.ready = 2;
  const MetricCounterfactual found = world.Find(800).metrics[0];
  EXPECT_EQ(found.above.at_once, (NearestValue{.value = 880.1, .compared = 440.05, .to = 3, .code = Code::kOffTarget}));
  EXPECT_EQ(found.below.at_once->to, 1);
  EXPECT_EQ(found.below.at_once->value, 400) << "720 is below the tolerance, and until 400 it takes two all the same";
}

TEST(Counterfactual, FindsANarrowStepThatDoublingWouldJumpOver) {
  World world;
  world.spec.metrics[0].strategy =
      policy::StepTable{.steps = {{.lower = 1000, .upper = 1000.5, .change = 1}}, .breaches_to_scale_out = 1};
  const auto found = world.Find(3).metrics[0].above.at_once;
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->value, 1000);
}

TEST(Counterfactual, NamesTheEndOfTheCooldown) {
  World world;
  world.spec.behavior.scale_out.cooldown = absl::Seconds(300);
  world.threshold().breaches_to_scale_out = 1;
  world.Beat(2000);
  const Counterfactual found = world.Find(2000);
  EXPECT_EQ(found.later, (LaterChange{world.now + absl::Seconds(270), 4, Code::kThresholdBreached}));
  EXPECT_EQ(found.metrics[0].above, NearestValues{}) << "no value ends a cooldown";
}

TEST(Counterfactual, NamesTheTimeAtWhichARunIsLongEnough) {
  World world;
  world.Beat(2000);
  EXPECT_EQ(world.Find(2000).later, (LaterChange{world.now + absl::Seconds(30), 3, Code::kThresholdBreached}));
}

TEST(Counterfactual, NamesTheOpeningOfAWindowToTheSecond) {
  World world;
  policy::Weekly weekly{.start_minute = 12 * 60 + 31, .end_minute = 13 * 60};
  world.spec.schedule.windows = {{.name = "rush", .when = weekly, .min_capacity = 4}};
  EXPECT_EQ(world.Find(640).later, (LaterChange{world.now + absl::Minutes(31), 4, Code::kBelowMin}));
}

TEST(Counterfactual, NamesTheEndOfAManualHold) {
  World world;
  world.spec.manual_change = {.type = policy::ManualChange::Type::kHold, .hold = absl::Seconds(600)};
  world.threshold().breaches_to_scale_out = 1;
  world.Beat(640);
  world.target.desired = world.target.ready = 3;
  world.Beat(640);
  EXPECT_EQ(world.Find(2000).later, (LaterChange{world.now + absl::Seconds(570), 4, Code::kThresholdBreached}));
}

TEST(Counterfactual, KnowsNoLaterAfterAChangeThatIsWritten) {
  World world;
  world.threshold().breaches_to_scale_out = 1;
  EXPECT_EQ(world.Find(2000).later, std::nullopt);
  EXPECT_EQ(world.Find(2000).metrics[0].below.at_once->value, 1000);
}

TEST(Counterfactual, FindsNothingNearAReadingThatDoesNotCount) {
  World world;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Sample& sample : {Missing(MissingReason::kTimeout), Valid(nan, world.now), Valid(-1, world.now),
                               Valid(2e15, world.now), Valid(640, world.now + -absl::Hours(1))}) {
    const Counterfactual found = FindCounterfactual(world.spec, world.At({sample}));
    EXPECT_EQ(found.metrics[0].measured, std::nullopt);
    EXPECT_EQ(found.metrics[0].above, NearestValues{});
  }
}

TEST(Counterfactual, LooksBothWaysFromACensoredReading) {
  World world;
  world.threshold().breaches_to_scale_out = 1;
  const Counterfactual found = FindCounterfactual(world.spec, world.At({Censored(1000, world.now)}));
  EXPECT_EQ(found.metrics[0].below.at_once->value, 1000) << "exactly the threshold is in range";
  EXPECT_EQ(found.metrics[0].above.at_once, std::nullopt);
}

TEST(WhyNot, SaysWhichStageLedAway) {
  World world;
  world.threshold().breaches_to_scale_out = 1;
  world.threshold().step_out = 2;
  world.spec.max_capacity = 3;
  const WhyNot why = world.Why(4, 2000);
  EXPECT_FALSE(why.decided);
  ASSERT_TRUE(why.blocked.has_value());
  EXPECT_EQ(why.blocked->stage, Stage::kLimits);
  EXPECT_EQ(why.blocked->code, Code::kLimitedByMax);
  EXPECT_FALSE(why.blocked->detail.empty());
  EXPECT_EQ(why.ways.at(0).value, std::nullopt);
  EXPECT_EQ(why.utmost, 3);
  EXPECT_EQ(why.utmost_blocked->code, Code::kLimitedByMax);
}

TEST(WhyNot, SaysWhichValueWouldHaveLedThere) {
  World world;
  world.spec.metrics[0].strategy = policy::TargetTracking{.target = 400};
  const WhyNot why = world.Why(4, 400);
  EXPECT_EQ(why.blocked, std::nullopt) << "no stage had 4";
  EXPECT_EQ(why.asked, 2);
  ASSERT_EQ(why.ways.size(), 1u);
  EXPECT_TRUE(why.ways[0].above);
  EXPECT_EQ(why.ways[0].value, (NearestValue{.value = 600.1, .to = 4, .code = Code::kOffTarget}))
      << "2 x 600 / 400 = 3";
}

TEST(WhyNot, SaysWhereOneStepLeadsPast) {
  World world;
  world.threshold() = {.lower = 200, .upper = 1000, .breaches_to_scale_out = 1, .step_out = 3};
  const WhyNot why = world.Why(4, 400);
  EXPECT_EQ(why.ways[0].value->value, 1000.1);
  EXPECT_EQ(why.ways[0].value->to, 5);
}

TEST(WhyNot, SaysWhenTheSameReadingsLeadThere) {
  World world;
  world.spec.behavior.scale_out.cooldown = absl::Seconds(300);
  world.threshold().breaches_to_scale_out = 1;
  world.Beat(2000);
  const WhyNot why = world.Why(4, 2000);
  EXPECT_EQ(why.blocked->code, Code::kCooldown);
  EXPECT_EQ(why.later->at, world.now + absl::Seconds(270));
  EXPECT_EQ(world.Why(5, 2000).later, std::nullopt);
}

TEST(WhyNot, KnowsThatItIsSo) { EXPECT_TRUE(World().Why(2, 640).decided); }

TEST(WhyNot, SaysWhyTheCapacityDidNotStay) {
  World world;
  world.threshold().breaches_to_scale_out = 1;
  const WhyNot why = world.Why(2, 2000);
  EXPECT_EQ(why.blocked->code, Code::kThresholdBreached);
  EXPECT_EQ(why.ways[0].value->value, 1000);
}

TEST(ValueScale, HasFourDigitsOfTheSmallestAndAtMostThreeDecimals) {
  struct Row {
    double reading;
    std::vector<double> numbers;
    double step;
  };
  for (const Row& row : std::vector<Row>{{640, {200, 1000}, 0.1},
                                         {5000, {2000}, 1},
                                         {0.7, {0.9}, 0.001},
                                         {0, {}, 0.01},
                                         {0, {30'000'000}, 10'000},
                                         {1e15, {200}, 1000},
                                         {12345, {std::numeric_limits<double>::infinity(), -3, 0}, 10}}) {
    EXPECT_EQ(ValueScale(row.reading, row.numbers).step(), row.step) << row.reading;
  }
}

TEST(NearestOn, NeverAsksTheReadingItselfNorBeyondItsReach) {
  const ValueScale scale(5, {5});
  std::vector<double> asked;
  const Ray down = RayFrom(scale, 0.004, true, false);
  EXPECT_EQ(NearestOn(down, scale, {0, 7}, [&](double value) { return asked.push_back(value), false; }), std::nullopt);
  EXPECT_THAT(asked, ElementsAre(0.003, 0.002, 0.001, 0));
}

}  // namespace
}  // namespace ottoscale::decision
