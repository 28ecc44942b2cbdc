// What a backtest costs: a year of one-minute passes over rows of five minutes. Run by `make bench`.
#include <benchmark/benchmark.h>

#include <cmath>
#include <numbers>

#include "pkg/async/random.h"
#include "pkg/backtest/backtest.h"

namespace ottoscale::backtest {
namespace {

// By day and night, with noise.
Series Year() {
  Series series{.step = absl::Minutes(5), .gap = absl::Minutes(15)};
  async::Random random(1);
  for (int minute = 0; minute <= 365 * 1440; minute += 5) {
    const double day = 600 + 400 * std::sin(2 * std::numbers::pi * minute / 1440);
    series.rows.push_back({absl::UnixEpoch() + absl::Minutes(minute), day + 100 * random.Unit()});
  }
  return series;
}

policy::ScalingPolicy Tracking(bool schedule) {
  policy::ScalingPolicy policy{.poll_period = absl::Minutes(1), .max_capacity = 50};
  policy.metrics.push_back({.name = "load",
                            .source = {.type = "Load"},
                            .basis = policy::Basis::kPerInstance,
                            .strategy = policy::TargetTracking{.target = 70}});
  if (schedule) {
    policy.schedule.zone = absl::FixedTimeZone(-8 * 3600);
    policy.schedule.windows = {
        {.name = "office", .when = policy::Weekly{.start_minute = 540, .end_minute = 1020}, .min_capacity = 8}};
  }
  return policy;
}

void Backtest(benchmark::State& state, bool schedule) {
  const Series series = Year();
  const policy::ScalingPolicy policy = Tracking(schedule);
  const std::vector<MetricInput> inputs{{.reads = Reads::kLoad, .unit = "requests"}};
  const simulation::PlantParameters plant{.capacity = 100, .max = 50, .step = absl::Minutes(1)};
  int64_t passes = 0;
  for (auto _ : state) {
    passes = Run({.policy = policy, .inputs = inputs, .plant = plant, .series = series}, nullptr).passes;
  }
  state.counters["passes"] = static_cast<double>(passes);
}

void YearOfMinutes(benchmark::State& state) { Backtest(state, false); }
void AndASchedule(benchmark::State& state) { Backtest(state, true); }
BENCHMARK(YearOfMinutes)->Unit(benchmark::kMillisecond);
BENCHMARK(AndASchedule)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ottoscale::backtest
