// The TargetTracking strategy: the capacity that is wanted is to the present one as the value is to the target.
#include <algorithm>

#include "pkg/decision/strategy.h"
#include "pkg/policy/quiet_range.h"

// Note [What boots counts]
// The value was measured with what is ready, so value x ready is the whole load. It is shared by what was ordered,
// ready or not: what boots counts as if it served already, with nothing to do yet. So the same load never orders twice,
// a larger one may order more while the last order is on its way, and nothing is taken away because of a value that
// only the ready ones have shown. (The HPA counts pods that are not ready as 0 for the same reason.)

namespace ottoscale::decision {
namespace {

// The value that each instance would have once all that was ordered serves.
double Shared(const StrategyInput& input, int from) {
  return from == 0 ? input.value : input.value * input.ready / from;
}

StrategyAnswer Answer(const policy::TargetTracking& tracking, const StrategyInput& input) {
  const policy::QuietRange range = policy::QuietRangeOf(tracking);
  const bool above = input.value > *range.upper;
  const bool below = input.value < *range.lower;
  using State = MetricVerdict::State;
  return {.state = above   ? State::kAboveUpper
                   : below ? State::kBelowLower
                           : State::kInRange,
          .above = above,
          .recommended = input.from,
          .code = above || below ? Code::kOffTarget : Code::kNearTarget,
          .phrase = above || below ? Phrase::kOffTarget : Phrase::kNearTarget,
          .numbers = {.value = input.value,
                      .bound = tracking.target,
                      .above = input.value > tracking.target,
                      .censored = input.censored}};
}

}  // namespace

StrategyAnswer Judge(const policy::TargetTracking& tracking, const StrategyInput& input) {
  const policy::QuietRange range = policy::QuietRangeOf(tracking);
  // See Note [What boots counts]. Instances that still go away have shown a value that is too low for the rest.
  const int from = input.from.value_or(input.ready);
  const double shared = Shared(input, from);
  StrategyInput judged = input;
  judged.value = std::max(input.value, shared);
  StrategyAnswer answer = Answer(tracking, judged);
  if (input.censored && answer.state != MetricVerdict::State::kAboveUpper) {
    return Undecidable(*range.upper, 0, input);
  }
  if (!input.from || answer.state == MetricVerdict::State::kInRange) return answer;
  const bool enough = shared <= *range.upper;
  if (answer.above ? enough : input.ready < from) {
    answer.code = Code::kInFlight;
    answer.phrase = Phrase::kInFlightCounts;
    answer.numbers.count = from;
    return answer;
  }
  const int wanted = CapacityFor(shared * std::max(1, from) / tracking.target);
  answer.numbers.count = wanted;
  return Wanting(wanted, input, answer);
}

}  // namespace ottoscale::decision
