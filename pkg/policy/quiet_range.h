// Between which values of its metric a strategy leaves the capacity alone: for status, telemetry and the projection of
// what a scale-in would do. Pure.
#pragma once

#include <optional>

#include "pkg/policy/policy.h"

namespace ottoscale::policy {

struct QuietRange {
  std::optional<double> lower;  // nullopt: nothing low enough scales in
  std::optional<double> upper;  // nullopt: nothing high enough scales out
  bool operator==(const QuietRange&) const = default;
};

// Of the value that is compared: after basis and aggregation.
QuietRange QuietRangeOf(const Strategy& strategy);
QuietRange QuietRangeOf(const Threshold& threshold);
QuietRange QuietRangeOf(const TargetTracking& tracking);
QuietRange QuietRangeOf(const StepTable& table);
QuietRange QuietRangeOf(const LatencyGoal& goal);

// The largest change of this direction that a strategy may ask for from `capacity`; nullopt: any.
std::optional<int> LargestStep(const Strategy& strategy, Direction direction, int capacity);

// `percent` of `capacity`, rounded as AWS rounds the steps of a percentage: towards 0, but never to 0.
int PercentStep(int capacity, int percent);

}  // namespace ottoscale::policy
