// The StepTable strategy: how far the value is off decides how far the step goes, as in AWS's step scaling.
#include <cstdlib>

#include "pkg/decision/strategy.h"
#include "pkg/policy/quiet_range.h"

namespace ottoscale::decision {
namespace {

// A step out holds its lower end, a step in its upper one. A value that is more than `value` lies in a step out from
// its lower end on, and perhaps in a higher one.
bool Holds(const policy::Step& step, double value) {
  if (step.change > 0) return (!step.lower || value >= *step.lower) && (!step.upper || value < *step.upper);
  return (!step.lower || value > *step.lower) && (!step.upper || value <= *step.upper);
}

// The step that holds the value; where a table has two, the one that leaves more.
const policy::Step* StepAt(const policy::StepTable& table, double value) {
  const policy::Step* found = nullptr;
  for (const policy::Step& step : table.steps) {
    if (Holds(step, value) && (found == nullptr || step.change > found->change)) found = &step;
  }
  return found;
}

int ChangeOf(const policy::StepTable& table, const policy::Step& step, int from) {
  return table.change == policy::StepTable::Change::kPercent ? policy::PercentStep(from, step.change) : step.change;
}

StrategyAnswer BetweenTheSteps(const policy::StepTable& table, const policy::QuietRange& range,
                               const StrategyInput& input) {
  return {.state = MetricVerdict::State::kInRange,
          .needed = table.breaches_to_scale_out,
          .recommended = input.from,
          .code = Code::kInRange,
          .phrase = Phrase::kWithin,
          .numbers = {.value = input.value,
                      .bound = range.lower.value_or(0),
                      .other = range.upper.value_or(range.lower.value_or(0))}};
}

}  // namespace

StrategyAnswer Judge(const policy::StepTable& table, const StrategyInput& input) {
  const policy::Step* step = StepAt(table, input.value);
  const policy::QuietRange range = policy::QuietRangeOf(table);
  const bool above = step != nullptr && step->change > 0;
  if (input.censored && !above) {
    return Undecidable(range.upper.value_or(input.value), table.breaches_to_scale_out, input);
  }
  if (step == nullptr) return BetweenTheSteps(table, range, input);
  return JudgeBreach({.above = above,
                      .bound = above ? step->lower.value_or(0) : step->upper.value_or(0),
                      .needed = above ? table.breaches_to_scale_out : table.breaches_to_scale_in,
                      .change = ChangeOf(table, *step, input.from.value_or(0)),
                      .code = Code::kStepReached},
                     input);
}

}  // namespace ottoscale::decision
