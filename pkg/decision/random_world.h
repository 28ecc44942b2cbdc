// For the property tests of this folder: seeded policies of every strategy with every brake, and weather for them.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "pkg/async/random.h"
#include "pkg/decision/small_world.h"

namespace ottoscale::decision {

inline int Between(async::Random& random, int low, int high) {
  return low + static_cast<int>(random.Below(static_cast<uint64_t>(high - low) + 1));
}
inline absl::Duration SomeSeconds(async::Random& random, int high) { return absl::Seconds(Between(random, 0, high)); }

inline policy::DirectionBehavior RandomDirection(async::Random& random) {
  using Select = policy::DirectionBehavior::Select;
  policy::DirectionBehavior direction;
  if (random.Chance(0.5)) direction.cooldown = SomeSeconds(random, 300);
  if (random.Chance(0.5)) direction.stabilization_window = SomeSeconds(random, 300);
  direction.select = random.Chance(0.1) ? Select::kDisabled : random.Chance(0.5) ? Select::kMax : Select::kMin;
  for (int i = Between(random, 0, 2); i > 0; --i) {
    using Type = policy::RatePolicy::Type;
    direction.policies.push_back({.type = random.Chance(0.5) ? Type::kPercent : Type::kInstances,
                                  .value = Between(random, 1, 100),
                                  .period = absl::Seconds(Between(random, 1, 300))});
  }
  return direction;
}

inline policy::StepTable RandomTable(async::Random& random) {
  policy::StepTable table{.breaches_to_scale_out = Between(random, 1, 4),
                          .breaches_to_scale_in = Between(random, 1, 4)};
  table.steps = {{.upper = 100, .change = -Between(random, 2, 3)},
                 {.lower = 100, .upper = 200, .change = -1},
                 {.lower = 1000, .upper = 2000, .change = 1},
                 {.lower = 2000, .change = Between(random, 2, 4)}};
  if (random.Chance(0.5)) return table;
  table.change = policy::StepTable::Change::kPercent;
  for (policy::Step& step : table.steps) step.change *= 25;
  return table;
}

// Each is quiet at some value between 200 and 1000; `kind` is the index into the variant.
inline policy::Strategy RandomStrategy(async::Random& random, int kind) {
  switch (kind) {
    case 0:
      return policy::Threshold{.lower = 200,
                               .upper = 1000,
                               .breaches_to_scale_out = Between(random, 1, 4),
                               .breaches_to_scale_in = Between(random, 1, 4),
                               .step_out = Between(random, 1, 4),
                               .step_in = Between(random, 1, 4)};
    case 1:
      return policy::TargetTracking{.target = static_cast<double>(Between(random, 300, 700)),
                                    .scale_out_tolerance_percent = Between(random, 0, 30),
                                    .scale_in_tolerance_percent = Between(random, 0, 30)};
    case 2: return RandomTable(random);
    default: break;
  }
  policy::LatencyGoal goal{.goal_milliseconds = 800, .workers_per_instance = Between(random, 1, 8)};
  if (random.Chance(0.5)) goal.service_milliseconds = Between(random, 40, 200);
  return goal;
}

inline policy::Aggregation RandomAggregation(async::Random& random) {
  using Type = policy::Aggregation::Type;
  if (random.Chance(0.6)) return {};
  return {.type = random.Chance(0.4)   ? Type::kMean
                  : random.Chance(0.5) ? Type::kExponentialMean
                                       : Type::kPercentile,
          .window = absl::Seconds(Between(random, 1, 120)),
          .percent = static_cast<double>(Between(random, 1, 100))};
}

inline policy::Metric RandomMetric(async::Random& random, int number) {
  policy::Metric metric = HeartbeatMetric("m" + std::to_string(number));
  if (random.Chance(0.3)) metric.source.type = "RackspaceLoadBalancer";
  metric.scale_out_only = random.Chance(0.2);
  if (random.Chance(0.3)) metric.max_age = absl::Seconds(Between(random, 1, 120));
  if (random.Chance(0.7)) metric.sudden_drop = policy::Metric::SuddenDrop::kAccept;
  metric.aggregation = RandomAggregation(random);
  const int kind = Between(random, 0, 3);
  metric.strategy = RandomStrategy(random, kind);
  if (kind == 3 || random.Chance(0.5)) return metric;
  metric.basis = random.Chance(0.5) ? policy::Basis::kPerInstance : policy::Basis::kPerNode;
  return metric;
}

inline policy::Window RandomWindow(async::Random& random, int number) {
  policy::Window window{.name = "w" + std::to_string(number)};
  policy::Weekly weekly;
  weekly.start_minute = 720 + Between(random, 0, 30);
  weekly.end_minute = 720 + Between(random, 0, 60);
  window.when = weekly;
  if (random.Chance(0.6)) window.min_capacity = Between(random, 0, 10);
  if (random.Chance(0.6)) window.max_capacity = Between(random, 1, 12);
  return window;
}

inline policy::Suspend RandomSuspension(async::Random& random) {
  using Scope = policy::Suspend::Scope;
  const Scope scope = random.Chance(0.4) ? Scope::kAll : random.Chance(0.5) ? Scope::kScaleIn : Scope::kScaleOut;
  return {.scope = scope, .until = Noon() + SomeSeconds(random, 1800)};
}

inline policy::ScalingPolicy RandomPolicy(async::Random& random) {
  policy::ScalingPolicy spec{.target = {.type = "HerokuFormation"}};
  if (random.Chance(0.2)) spec.mode = policy::Mode::kRecommend;
  if (random.Chance(0.3)) spec.suspend = RandomSuspension(random);
  spec.min_capacity = Between(random, 0, 4);
  spec.max_capacity = std::max(1, spec.min_capacity + Between(random, 0, 8));
  for (int i = Between(random, 0, 2); i > 0; --i) spec.schedule.windows.push_back(RandomWindow(random, i));
  for (int i = Between(random, 1, 3); i > 0; --i) spec.metrics.push_back(RandomMetric(random, i));
  spec.behavior = {.scale_out = RandomDirection(random),
                   .scale_in = RandomDirection(random),
                   .project_scale_in = random.Chance(0.7),
                   .settle = SomeSeconds(random, 60),
                   .progress_deadline = absl::Seconds(Between(random, 10, 300))};
  if (random.Chance(0.3)) {
    spec.fallback = {.type = policy::Fallback::Type::kAtLeast,
                     .after = absl::Seconds(Between(random, 30, 200)),
                     .capacity = Between(random, 1, 10)};
  }
  using Manual = policy::ManualChange::Type;
  if (random.Chance(0.4)) {
    spec.manual_change = {.type = random.Chance(0.5) ? Manual::kHold : Manual::kRevert,
                          .hold = absl::Seconds(Between(random, 60, 400))};
  }
  if (random.Chance(0.1)) spec.ceilings = {.max_capacity = Between(random, 1, 10), .max_step = Between(random, 1, 3)};
  return spec;
}

inline Sample RandomSample(async::Random& random, async::Instant now) {
  const async::Instant at = random.Chance(0.2) ? now + -SomeSeconds(random, 200) : now;
  if (random.Chance(0.1)) return Missing(MissingReason::kProbeFailed);
  if (random.Chance(0.1)) return Censored(random.Chance(0.5) ? 10000 : 500, at);
  const double values[] = {0, 50, 99.9, 199.9, 200, 437.5, 600, 800, 1000, 1000.1, 2000, 5000};
  return Valid(values[random.Below(12)], at);
}

// A world whose weather lasts a while, so that runs and windows are reached.
struct RandomWorld : SmallWorld {
  explicit RandomWorld(uint64_t seed) : random(seed) {
    spec = RandomPolicy(random);
    target.desired = target.ready = Between(random, 0, 12);
    history.state_lost = random.Chance(0.1);
  }

  std::vector<Sample> Samples() {
    if (random.Chance(0.15)) weather = Between(random, 0, 3);
    std::vector<Sample> samples;
    for (size_t i = 0; i < spec.metrics.size(); ++i) {
      Sample sample = weather == 0   ? RandomSample(random, now)
                      : weather == 3 ? Missing(MissingReason::kTimeout)
                                     : Valid(weather == 1 ? 50 : 5000, now);
      if (!random.Chance(0.05)) sample.nodes = Between(random, 1, 12);
      samples.push_back(std::move(sample));
    }
    return samples;
  }

  void Weather() {
    failure.reset();
    answer.reset();
    if (random.Chance(0.05)) failure = TargetFailure{.fault = TargetFault::kUnavailable};
    if (random.Chance(0.05)) target.desired = target.ready = Between(random, 0, 12);
    target.ready = random.Chance(0.2) ? Between(random, 0, 12) : target.desired;
    target.off = random.Chance(0.03);
    target.ceiling = random.Chance(0.1) ? std::optional(Between(random, 0, 12)) : std::nullopt;
    if (random.Chance(0.05)) answer = Unknown{};
    if (random.Chance(0.05)) answer = Refused{.kind = Refused::Kind::kLimit};
  }

  async::Random random;
  int weather = 0;
};

}  // namespace ottoscale::decision
