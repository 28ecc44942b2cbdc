// The defaults against the field: on series made from a seed, no other autoscaler is better than a policy that states
// only a target, in one of instance hours and requests over capacity, and no worse in the other. The figures of
// recorded series are in pkg/decision/README.md; test/bench/front.py makes them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/async/random.h"
#include "pkg/backtest/backtest.h"
#include "pkg/simulation/baselines/catalogue.h"
#include "pkg/simulation/load_steps.h"

namespace ottoscale::backtest {
namespace {

constexpr double kDay = 1440;  // minutes

// Approximately normal, of mean 0 and deviation 1.
double Noise(async::Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.Unit();
  return sum;
}

struct Shape {
  const char* name;
  int step;        // minutes
  double maximum;  // instances
  // The rate at so many minutes, in order.
  std::function<double(double, async::Random&)> rate;
};

// An office: it opens within twenty minutes at eight, closes within two hours at five, and there is a little noise each
// minute.
double Office(double minute, async::Random& random) {
  const double hour = std::fmod(minute, kDay) / 60;
  const double open = std::clamp((hour - 8) * 3, 0.0, 1.0) * std::clamp((19 - hour) / 2, 0.0, 1.0);
  const double day = 15 + open * (70 + 10 * std::sin(hour));
  return std::max(0.0, day * (1 + 0.02 * Noise(random)));
}

// A small service whose rows have little to do with each other.
double Bursty(double, async::Random& random) { return std::exp(2.2 + 0.8 * Noise(random)); }

// Little at night, steep hills in the day, and a batch at two o'clock.
double Hilly(double minute, async::Random& random) {
  const double hour = std::fmod(minute, kDay) / 60;
  const double hills = hour > 7 && hour < 19 ? 50 * std::pow(std::sin(std::numbers::pi * (hour - 7) / 3), 2) : 0;
  const double batch = hour >= 2 && hour < 3 ? 80 : 0;
  return (10 + hills + batch) * (1 + 0.1 * random.Unit());
}

Series SeriesOf(const Shape& shape) {
  async::Random random(7);
  std::string text;
  for (int minute = 0; minute <= 3 * static_cast<int>(kDay); minute += shape.step) {
    absl::StrAppend(&text, minute * 60, ",", shape.rate(minute, random), "\n");
  }
  return ParseSeries(text).value();
}

// All but the target and the maximum as a manifest that does not state it.
policy::ScalingPolicy OnlyATarget(const simulation::PlantParameters& plant) {
  policy::ScalingPolicy policy{.max_capacity = plant.max};
  policy.metrics.push_back({.name = "load",
                            .source = {.type = "Load"},
                            .basis = policy::Basis::kPerInstance,
                            .strategy = policy::TargetTracking{.target = plant.TargetPerInstance()}});
  return policy;
}

bool Dominates(const simulation::Figures& one, const simulation::Figures& other) {
  const bool no_worse = one.server_hours <= other.server_hours &&
                        one.requests_over_capacity_percent <= other.requests_over_capacity_percent;
  return no_worse && (one.server_hours < other.server_hours ||
                      one.requests_over_capacity_percent < other.requests_over_capacity_percent);
}

std::string Words(const simulation::Figures& figures) {
  return absl::StrCat(figures.server_hours, " h, ", figures.requests_over_capacity_percent, " % over");
}

class Front : public testing::TestWithParam<Shape> {};

TEST_P(Front, HasNoBaselineThatIsBetterThanTheDefaults) {
  const Series series = SeriesOf(GetParam());
  const simulation::PlantParameters plant{.capacity = 10, .max = static_cast<int>(GetParam().maximum)};
  const policy::ScalingPolicy policy = OnlyATarget(plant);
  const std::vector<MetricInput> inputs{{.reads = Reads::kLoad, .unit = "requests"}};
  const Result ours = backtest::Run({.policy = policy, .inputs = inputs, .plant = plant, .series = series}, nullptr);
  const std::vector<double> loads = simulation::LoadPerStep(PointsOf(series), plant.step);
  for (const simulation::Baseline& baseline : simulation::Baselines()) {
    if (baseline.name == "oracle" || absl::StartsWith(baseline.name, "static")) continue;  // they know the series
    const simulation::Figures figures = simulation::Simulate(plant, loads, *baseline.make(plant, loads));
    EXPECT_FALSE(Dominates(figures, ours.figures))
        << baseline.name << " has " << Words(figures) << "; the defaults have " << Words(ours.figures);
    RecordProperty(std::string(baseline.name), Words(figures));
  }
  RecordProperty("ottoscale", Words(ours.figures));
}

INSTANTIATE_TEST_SUITE_P(Synthetic, Front,
                         testing::Values(Shape{"Office", 1, 40, Office}, Shape{"Bursty", 5, 40, Bursty},
                                         Shape{"Hilly", 15, 40, Hilly}),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace ottoscale::backtest
