#include "pkg/policy/quiet_range.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace ottoscale::policy {
namespace {

std::optional<int> StepOf(const Threshold& threshold, Direction direction, int) {
  return direction == Direction::kOut ? threshold.step_out : threshold.step_in;
}

std::optional<int> StepOf(const StepTable& table, Direction direction, int capacity) {
  int largest = 0;
  for (const Step& step : table.steps) {
    if ((step.change > 0) != (direction == Direction::kOut)) continue;
    const int change = table.change == StepTable::Change::kPercent ? PercentStep(capacity, step.change) : step.change;
    largest = std::max(largest, std::abs(change));
  }
  return largest;
}

std::optional<int> StepOf(const TargetTracking&, Direction, int) { return std::nullopt; }
std::optional<int> StepOf(const LatencyGoal&, Direction, int) { return std::nullopt; }

}  // namespace

QuietRange QuietRangeOf(const Threshold& threshold) { return {threshold.lower, threshold.upper}; }

QuietRange QuietRangeOf(const TargetTracking& tracking) {
  return {tracking.target * (100 - tracking.scale_in_tolerance_percent) / 100,
          tracking.target * (100 + tracking.scale_out_tolerance_percent) / 100};
}

// From the step in that reaches highest to the step out that begins lowest.
QuietRange QuietRangeOf(const StepTable& table) {
  QuietRange range;
  for (const Step& step : table.steps) {
    if (step.change < 0 && step.upper) range.lower = std::max(range.lower.value_or(*step.upper), *step.upper);
    if (step.change > 0 && step.lower) range.upper = std::min(range.upper.value_or(*step.lower), *step.lower);
  }
  return range;
}

QuietRange QuietRangeOf(const LatencyGoal& goal) { return {std::nullopt, goal.goal_milliseconds}; }

QuietRange QuietRangeOf(const Strategy& strategy) {
  return std::visit([](const auto& one) { return QuietRangeOf(one); }, strategy);
}

std::optional<int> LargestStep(const Strategy& strategy, Direction direction, int capacity) {
  return std::visit([&](const auto& one) { return StepOf(one, direction, capacity); }, strategy);
}

int PercentStep(int capacity, int percent) {
  const int64_t step = int64_t{capacity} * percent / 100;  // integer division cuts towards 0
  if (step != 0 || percent == 0) return static_cast<int>(step);
  return percent > 0 ? 1 : -1;
}

}  // namespace ottoscale::policy
