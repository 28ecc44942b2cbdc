// What a decision costs: time, and allocations, which are counted by the operator new of this binary. Run by
// `make bench`; figures in README.md.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <new>

#include "pkg/decision/small_world.h"

namespace {
int64_t allocations = 0;
}  // namespace

void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace ottoscale::decision {
namespace {

// Two metrics, and every brake on: windows, rates, cooldowns, fallback, manual changes, a schedule on request.
SmallWorld Busy(bool schedule) {
  SmallWorld world;
  world.spec.max_capacity = 50;
  world.spec.metrics = {HeartbeatMetric(),
                        {.name = "connections",
                         .source = {.type = "RackspaceLoadBalancer"},
                         .basis = policy::Basis::kPerInstance,
                         .strategy = policy::TargetTracking{.target = 45}}};
  world.spec.behavior = {.scale_out = {.cooldown = absl::Seconds(60),
                                       .stabilization_window = absl::Seconds(60),
                                       .policies = {{.type = policy::RatePolicy::Type::kInstances, .value = 4}}},
                         .scale_in = {.cooldown = absl::Seconds(300),
                                      .stabilization_window = absl::Seconds(300),
                                      .policies = {policy::RatePolicy{}}}};
  world.spec.fallback = {.type = policy::Fallback::Type::kAtLeast, .capacity = 3};
  world.spec.manual_change = {.type = policy::ManualChange::Type::kHold, .hold = absl::Minutes(10)};
  if (schedule) {
    world.spec.schedule.zone = absl::FixedTimeZone(-8 * 3600);
    world.spec.schedule.windows = {
        {.name = "office", .when = policy::Weekly{.start_minute = 540, .end_minute = 1020}, .min_capacity = 2}};
  }
  return world;
}

// What a policy's history takes: its lists with the room that they have reserved. (Its words are short enough to lie
// within their strings.)
double BytesOf(const History& history) {
  size_t bytes = sizeof(History) + history.metrics.capacity() * sizeof(MetricHistory) +
                 history.recommendations.capacity() * sizeof(Recommendation) +
                 history.changes.capacity() * sizeof(Change);
  for (const MetricHistory& metric : history.metrics) bytes += metric.window.slots.capacity() * sizeof(SampleSlot);
  return static_cast<double>(bytes);
}

void Run(benchmark::State& state, bool schedule) {
  SmallWorld world = Busy(schedule);
  for (int i = 0; i < 200; ++i) {
    const double load = 120 + 80 * ((i / 5) % 3);
    world.Pass({Valid(300 + i % 7, world.now), Valid(load, world.now, "connections")});
  }
  const Observation seen = world.Seen({Valid(150, world.now), Valid(100, world.now, "connections")});
  Decision decision;
  DecideInto(world.spec, world.history, seen, world.now, decision);
  const int64_t before = allocations;
  for (auto _ : state) {
    DecideInto(world.spec, world.history, seen, world.now, decision);
    benchmark::DoNotOptimize(decision.to);
  }
  state.counters["allocations"] =
      benchmark::Counter(static_cast<double>(allocations - before), benchmark::Counter::kAvgIterations);
  state.counters["history bytes"] = BytesOf(world.history);
  state.counters["reasons"] = static_cast<double>(decision.reasons.size());
}

void TwoMetricsAllBrakes(benchmark::State& state) { Run(state, false); }
void AndASchedule(benchmark::State& state) { Run(state, true); }
void WithWords(benchmark::State& state) {
  SmallWorld world = Busy(false);
  const Observation seen = world.Seen({Valid(150, world.now), Valid(100, world.now, "connections")});
  for (auto _ : state) benchmark::DoNotOptimize(Decide(world.spec, world.history, seen, world.now));
}
BENCHMARK(TwoMetricsAllBrakes);
BENCHMARK(AndASchedule);
BENCHMARK(WithWords);

}  // namespace
}  // namespace ottoscale::decision
