// What a sample may count for: quality, windows, sudden falls, and the operator's doubt in itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "pkg/decision/sample_window.h"
#include "pkg/decision/small_world.h"

namespace ottoscale::decision {
namespace {

using policy::Aggregation;
using ::testing::HasSubstr;

async::BootTime After(int seconds) { return {absl::Hours(1) + absl::Seconds(seconds)}; }

constexpr absl::Duration kGap = absl::Seconds(90);

// Adds samples 10 s apart from 0 on; answers what the window says with the last of them.
Aggregate Of(const Aggregation& aggregation, const std::vector<double>& values) {
  SampleWindow window;
  for (size_t i = 0; i + 1 < values.size(); ++i) {
    AddSample(window, aggregation, values[i], false, After(static_cast<int>(i) * 10), kGap);
  }
  const async::BootTime at = After(static_cast<int>(values.size() - 1) * 10);
  const Aggregate before = AggregateWith(window, aggregation, values.back(), false, at, kGap);
  AddSample(window, aggregation, values.back(), false, at, kGap);
  // A sample that is read twice counts once.
  EXPECT_NEAR(AggregateWith(window, aggregation, values.back(), false, at, kGap).value, before.value, 1e-9);
  return before;
}

TEST(SampleWindow, WorkedVectors) {
  const Aggregation mean{.type = Aggregation::Type::kMean, .window = absl::Seconds(30)};
  EXPECT_DOUBLE_EQ(Of(mean, {1000, 10, 20, 30}).value, 20) << "what is as old as the window is out of it";
  EXPECT_DOUBLE_EQ(Of(mean, {10, 20}).value, 15);
  const Aggregation p95{.type = Aggregation::Type::kPercentile, .window = absl::Seconds(300), .percent = 95};
  std::vector<double> twenty;
  for (int i = 1; i <= 20; ++i) twenty.push_back(i * 10);
  EXPECT_DOUBLE_EQ(Of(p95, twenty).value, 190) << "the nearest rank: the 19th of 20";
  EXPECT_DOUBLE_EQ(
      Of({.type = Aggregation::Type::kPercentile, .window = absl::Seconds(300), .percent = 50}, twenty).value, 100);
  EXPECT_DOUBLE_EQ(
      Of({.type = Aggregation::Type::kPercentile, .window = absl::Seconds(300), .percent = 100}, {3, 9, 4}).value, 9);
  const Aggregation smooth{.type = Aggregation::Type::kExponentialMean, .window = absl::Seconds(10)};
  EXPECT_NEAR(Of(smooth, {0, 100}).value, 100 * (1 - std::exp(-1)), 1e-9) << "one time constant";
  EXPECT_DOUBLE_EQ(Of({}, {5, 7}).value, 7);
}

TEST(SampleWindow, CountsOnlyWhenItIsCoveredWithoutAGap) {
  const Aggregation mean{.type = Aggregation::Type::kMean, .window = absl::Seconds(60)};
  SampleWindow window;
  for (const int at : {0, 30}) {
    EXPECT_FALSE(AggregateWith(window, mean, 1, false, After(at), kGap).covered) << at;
    AddSample(window, mean, 1, false, After(at), kGap);
  }
  EXPECT_TRUE(AggregateWith(window, mean, 1, false, After(60), kGap).covered);
  EXPECT_FALSE(AggregateWith(window, mean, 1, false, After(121), kGap).covered) << "91 s without a sample";
}

TEST(SampleWindow, IsCensoredAsLongAsSomethingInItIs) {
  const Aggregation mean{.type = Aggregation::Type::kMean, .window = absl::Seconds(60)};
  SampleWindow window;
  AddSample(window, mean, 100, true, After(0), kGap);
  EXPECT_TRUE(AggregateWith(window, mean, 1, false, After(59), kGap).censored);
  EXPECT_FALSE(AggregateWith(window, mean, 1, false, After(60), kGap).censored);
}

TEST(SampleWindow, StaysSmallAndItsMeanExact) {
  const Aggregation mean{.type = Aggregation::Type::kMean, .window = absl::Hours(1)};
  SampleWindow window;
  double sum = 0;
  for (int i = 0; i < 720; ++i) {
    AddSample(window, mean, i, false, After(i * 5), kGap);
    sum += i;
  }
  EXPECT_LE(window.slots.size(), size_t{SampleWindow::kSlots} + 1);
  EXPECT_NEAR(AggregateWith(window, mean, 0, false, After(3599), kGap).value, sum / 721, 1e-6);
}

TEST(Signal, WaitsForTheWindowAndSaysSo) {
  SmallWorld world;
  world.threshold().breaches_to_scale_out = 1;
  world.spec.metrics[0].aggregation = {.type = Aggregation::Type::kMean, .window = absl::Seconds(60)};
  const Decision first = world.Beat(5000).decision;
  EXPECT_EQ(first.code, Code::kWindowNotCovered);
  EXPECT_EQ(first.message, "heartbeat has not been sampled for a whole window of 60 s yet: holding at 2 dynos");
  world.Beat(900);
  const Decision third = world.Beat(950).decision;
  EXPECT_EQ(third.metrics[0].value, 925) << "the first is out of it by now";
  EXPECT_EQ(third.code, Code::kInRange);
  EXPECT_EQ(world.Beat(1250).decision.message,
            "heartbeat 1100 ms (mean of 60 s) is above 1000 ms for 1 of 1 samples: 2 \u2192 3 dynos");
}

TEST(Signal, DividesByTheNodesThatTheSourceCounts) {
  SmallWorld world;
  world.spec.metrics[0].basis = policy::Basis::kPerNode;
  world.threshold() = {.lower = 40, .upper = 50, .breaches_to_scale_out = 1, .breaches_to_scale_in = 1};
  Sample sample = Valid(153, world.now, "connections");
  sample.nodes = 3;
  EXPECT_EQ(world.Pass({sample}).decision.message,
            "heartbeat 51 connections per node is above 50 connections per node for 1 of 1 samples: 2 \u2192 3 dynos");
  for (const std::optional<double> none : {std::optional<double>(), std::optional<double>(0.0)}) {
    sample = Valid(500, world.now);
    sample.nodes = none;
    EXPECT_EQ(world.Pass({sample}).decision.code, Code::kNothingReady);
  }
}

TEST(Signal, NeverCountsWhatCannotBeTrue) {
  using Limit = std::numeric_limits<double>;
  for (const double value :
       {Limit::quiet_NaN(), Limit::infinity(), -Limit::infinity(), Limit::max(), 1.1e15, -1e-300, -1.0}) {
    SmallWorld world;
    world.threshold().breaches_to_scale_out = world.threshold().breaches_to_scale_in = 1;
    const Decision decision = world.Beat(value).decision;
    EXPECT_EQ(decision.action, Action::kHold) << value;
    EXPECT_FALSE(decision.metrics[0].value) << value;
    EXPECT_FALSE(world.history.metrics[0].last) << value;
  }
  for (const double value : {-0.0, Limit::denorm_min()}) {
    SmallWorld world;
    world.threshold().breaches_to_scale_in = 1;
    EXPECT_EQ(world.Beat(value).decision.to, 1) << value;
  }
}

// Every way in which a value can get into arithmetic: whatever it is, nothing is done and nothing of it is kept.
TEST(Signal, NoStrategyAndNoWindowIsFooledByWhatIsNoReading) {
  using Limit = std::numeric_limits<double>;
  const policy::Strategy strategies[] = {
      policy::Threshold{.lower = 200, .upper = 1000, .breaches_to_scale_out = 1, .breaches_to_scale_in = 1},
      policy::TargetTracking{.target = 600},
      policy::StepTable{.steps = {{.upper = 200, .change = -1}, {.lower = 1000, .change = 1}},
                        .breaches_to_scale_out = 1,
                        .breaches_to_scale_in = 1},
      policy::LatencyGoal{.goal_milliseconds = 800}};
  const Aggregation windows[] = {{},
                                 {.type = Aggregation::Type::kMean, .window = absl::Seconds(60)},
                                 {.type = Aggregation::Type::kExponentialMean, .window = absl::Seconds(60)},
                                 {.type = Aggregation::Type::kPercentile, .window = absl::Seconds(60)}};
  for (const policy::Strategy& strategy : strategies) {
    for (const Aggregation& window : windows) {
      SmallWorld world;
      world.spec.max_capacity = 20;
      world.spec.metrics[0].strategy = strategy;
      world.spec.metrics[0].aggregation = window;
      world.Beats(4, 600);
      const int before = world.target.desired;
      const std::vector<MetricHistory> kept = world.history.metrics;
      for (const double value : {Limit::quiet_NaN(), Limit::signaling_NaN(), Limit::infinity(), -Limit::infinity(),
                                 Limit::max(), Limit::lowest(), 1e308, 1.1e15, -Limit::denorm_min(), -1.0}) {
        SmallWorld fooled = world;
        const Decision decision = fooled.Beat(value).decision;
        EXPECT_EQ(decision.to, before) << value;
        EXPECT_FALSE(decision.metrics[0].value) << value;
        EXPECT_EQ(fooled.history.metrics, kept) << value;
      }
    }
  }
}

TEST(Signal, SumsOfTheLargestReadingsStayFinite) {
  for (const Aggregation::Type type :
       {Aggregation::Type::kMean, Aggregation::Type::kExponentialMean, Aggregation::Type::kPercentile}) {
    SmallWorld world;
    world.spec.metrics[0].aggregation = {.type = type, .window = absl::Seconds(300)};
    Outcome last = world.Beats(40, 1e15);
    ASSERT_TRUE(last.decision.metrics[0].value);
    EXPECT_NEAR(*last.decision.metrics[0].value / 1e15, 1, 1e-9);
  }
}

TEST(Signal, RefusesASampleFromTheFutureAndDoesNotTakeItForTheLatest) {
  SmallWorld world;
  world.threshold().breaches_to_scale_out = 1;
  const Decision decision = world.Pass({Valid(5000, world.now + absl::Seconds(61))}).decision;
  EXPECT_EQ(decision.code, Code::kSampleInvalid);
  EXPECT_EQ(world.Beat(5000).decision.to, 3) << "the next honest one counts";
  EXPECT_EQ(world.Pass({Valid(5000, world.now + absl::Seconds(60))}).decision.to, 4) << "clocks differ a little";
}

SmallWorld Careful() {
  SmallWorld world;
  world.spec.metrics[0].sudden_drop = policy::Metric::SuddenDrop::kConfirm;
  world.threshold().breaches_to_scale_in = 1;
  world.target.desired = world.target.ready = 5;
  return world;
}

TEST(SuddenDrop, NeedsASecondSample) {
  SmallWorld world = Careful();
  world.Beat(900);
  const Decision held = world.Beat(100).decision;
  EXPECT_EQ(held.code, Code::kImplausible);
  EXPECT_EQ(held.message, "heartbeat fell to 100 ms at once, which later samples have to confirm: holding at 5 dynos");
  EXPECT_EQ(world.Beat(100).decision.to, 4);
  EXPECT_EQ(world.Beat(100).decision.to, 3) << "and is the ordinary case from then on";
}

TEST(SuddenDrop, IsNotConfirmedByTheSameSampleReadTwice) {
  SmallWorld world = Careful();
  world.Beat(900);
  const Sample low = Valid(100, world.now);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(world.Pass({low}).decision.action, Action::kHold);
}

TEST(SuddenDrop, ToNothingNeedsFiveSamplesAndTenMinutes) {
  SmallWorld world = Careful();
  world.Beat(900);
  for (int seconds = 0; seconds < 600; seconds += 30) {
    EXPECT_EQ(world.Beat(0).decision.code, Code::kImplausible) << seconds;
  }
  EXPECT_EQ(world.Beat(0).decision.to, 4);
}

TEST(SuddenDrop, IsForgottenWhenTheValueComesBack) {
  SmallWorld world = Careful();
  world.Beat(900);
  world.Beat(0);
  world.Beat(850);
  EXPECT_FALSE(world.history.metrics[0].drop);
  EXPECT_EQ(world.Beat(100).decision.action, Action::kHold);
}

TEST(SuddenDrop, HoldsNothingBackThatIsWantedOut) {
  SmallWorld world = Careful();
  world.spec.max_capacity = 9;
  world.threshold() = {.lower = 1, .upper = 5, .breaches_to_scale_out = 1, .breaches_to_scale_in = 1};
  world.Beat(900);
  EXPECT_EQ(world.Beat(100).decision.action, Action::kScaleOut);
}

TEST(ProbesSuspect, NoHeartbeatCountsAndOtherMetricsDo) {
  SmallWorld world;
  world.threshold().breaches_to_scale_out = 1;
  Observation seen = world.Seen({Valid(5000, world.now)});
  seen.probes_suspect = true;
  const Decision decision = Decide(world.spec, world.history, seen, world.now);
  EXPECT_EQ(decision.action, Action::kHold);
  EXPECT_EQ(decision.code, Code::kProbesSuspect);
  EXPECT_THAT(decision.message, HasSubstr("suspects its own network"));
  world.spec.metrics[0].source.type = "Requests";
  EXPECT_EQ(Decide(world.spec, world.history, seen, world.now).to, 3);
}

}  // namespace
}  // namespace ottoscale::decision
