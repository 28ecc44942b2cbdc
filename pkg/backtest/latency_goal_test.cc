// LatencyGoal closed over a plant: a smooth day is no reason to go back and forth.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "pkg/backtest/backtest.h"

namespace ottoscale::backtest {
namespace {

// From a tenth of the peak at midnight to the peak at noon and back, a row a minute.
Series SineDay(double peak) {
  Series series{.step = absl::Minutes(1), .gap = absl::Minutes(3), .peak = peak, .mean = 0.55 * peak};
  for (int minute = 0; minute <= 1440; ++minute) {
    const double angle = 2 * std::numbers::pi * minute / 1440;
    series.rows.push_back({absl::UnixEpoch() + absl::Minutes(minute), peak * (0.55 - 0.45 * std::cos(angle))});
  }
  return series;
}

struct Day {
  double goal = 500;
  int workers = 5;  // in truth; the policy takes them for 5
  bool idle_time_given = false;
  int64_t reversals = 0;  // at most
};

simulation::Figures FiguresOf(const Day& day) {
  policy::LatencyGoal goal{.goal_milliseconds = day.goal};
  if (day.idle_time_given) goal.service_milliseconds = 150;
  policy::ScalingPolicy policy{.target = {.type = "HerokuFormation"}, .min_capacity = 1, .max_capacity = 30};
  policy.metrics = {{.name = "heartbeat", .source = {.type = "HTTPHeartbeat"}, .strategy = goal}};
  const std::vector<MetricInput> inputs = {{.reads = Reads::kResponseTime, .unit = "ms", .timeout = absl::Seconds(10)}};
  const simulation::PlantParameters plant{.capacity = 600, .workers = day.workers, .max = 30};
  return Run({policy, inputs, plant, SineDay(6000)}, nullptr).figures;
}

TEST(LatencyGoal, HardlyEverTurnsBackOnASmoothDay) {
  // Before there was a hysteresis the second row had 42 of 62 changes turned back within ten minutes, the last 253 of
  // 272.
  for (const Day& day :
       {Day{.idle_time_given = true, .reversals = 0},  // the model is right
        Day{.reversals = 2},                           // the idle time is a guess
        Day{.goal = 800, .reversals = 2},
        Day{.goal = 800, .workers = 1, .reversals = 2},  // the curve bends more gently than the model's
        Day{.workers = 20, .reversals = 2},              // far more sharply
        Day{.workers = 20, .idle_time_given = true, .reversals = 8}}) {
    const simulation::Figures figures = FiguresOf(day);
    SCOPED_TRACE(testing::Message() << "goal " << day.goal << ", workers " << day.workers << ", idle time "
                                    << (day.idle_time_given ? "given" : "learnt"));
    EXPECT_LE(figures.reversals, day.reversals);
    EXPECT_GE(figures.adaptations, 10) << "it has to follow the day";
    EXPECT_LE(figures.adaptations, 34);
    EXPECT_LT(figures.requests_over_capacity_percent, 0.02);
    EXPECT_LT(figures.server_hours, 210);  // 11 all day: 264
  }
}

}  // namespace
}  // namespace ottoscale::backtest
