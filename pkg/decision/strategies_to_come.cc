// Strategies that hold until they are written.
#include "pkg/decision/strategy_threshold.h"

namespace ottoscale::decision {
namespace {
StrategyAnswer HoldAt(const StrategyInput& input) {
  return {.state = MetricVerdict::State::kInRange, .recommended = input.from};
}
}  // namespace

StrategyAnswer Judge(const policy::TargetTracking&, const StrategyInput& input) { return HoldAt(input); }
StrategyAnswer Judge(const policy::StepTable&, const StrategyInput& input) { return HoldAt(input); }
StrategyAnswer Judge(const policy::LatencyGoal&, const StrategyInput& input) { return HoldAt(input); }

}  // namespace ottoscale::decision
