// The TargetTracking strategy: the capacity that is wanted is to the present one as the value is to the target.
#include <algorithm>

#include "pkg/decision/strategy.h"
#include "pkg/policy/quiet_range.h"

// Note [What boots counts]
// The value was measured with what is ready, so value x ready is the whole load. It is shared by what was ordered,
// ready or not: what boots counts as if it served already, with nothing to do yet. So the same load never orders twice,
// a larger one may order more while the last order is on its way, and nothing is taken away because of a value that
// only the ready ones have shown. (The HPA counts pods that are not ready as 0 for the same reason.)
//
// Note [Which size fits]
// One rule for both directions: a size fits while it would not have to be raised, neither for what is seen nor for what
// is foreseen (Note [Foresight] in growth.cc). With L the load, F the foreseen one and t the tolerance for scaling out:
//     out   where L > (1 + t) target n: to the smallest n' with L <= target n';
//           where F > (1 + 2 t) target n: to the smallest n' with F <= (1 + t) target n'. (2 t, since a line through
//           noise often points a little too high, and hours that buy nothing are lost)
//     in    to the smallest n' with L <= target n' and F <= (1 + t) target n', and (Stabilise) not below what any
//           reading of the window needs to stay within the tolerance: no L of it > (1 + t) target n'
// So the dead band lies above the target as a whole. The HPA's lies on both sides of it: it keeps an instance that the
// target does not need (of ten or more), and never one that the tolerance needs. And where the HPA's window keeps
// whatever size was recommended within it, which is the present one whenever the value was near the target, ours keeps
// what a reading needed: a load that is steady but for noise is not held up.

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

// What each would have when what is ordered now serves, and the fewest for which that is within the tolerance.
struct Foreseen {
  double value = 0;
  int enough = 0;
};

Foreseen Foresee(double shared, int from, double upper, const StrategyInput& input) {
  if (!(input.growth > 0)) return {shared, 0};
  const double value = shared * (1 + input.growth);
  return {value, CapacityFor(value * std::max(1, from) / upper)};
}

// Twice the tolerance: what is foreseen has to be that far above the target before it orders.
double LimitOfForesight(const policy::TargetTracking& tracking) {
  return tracking.target * (100 + 2 * tracking.scale_out_tolerance_percent) / 100;
}

StrategyAnswer Rising(const Foreseen& foreseen, double limit, const StrategyInput& input, StrategyAnswer answer) {
  answer.code = Code::kRising;
  answer.phrase = Phrase::kRising;
  answer.numbers.bound = limit;
  answer.numbers.other = foreseen.value;
  answer.numbers.count = foreseen.enough;
  answer.numbers.time = input.horizon;
  return Wanting(foreseen.enough, input, answer);
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
  if (!input.from) return answer;
  answer.least = CapacityFor(shared * std::max(1, from) / *range.upper);
  // See Note [Which size fits].
  const bool enough = shared <= *range.upper;
  const int now = CapacityFor(shared * std::max(1, from) / tracking.target);
  const Foreseen foreseen = Foresee(shared, from, *range.upper, input);
  const double limit = LimitOfForesight(tracking);
  if (foreseen.value > limit && foreseen.enough > (enough ? from : now)) return Rising(foreseen, limit, input, answer);
  if (answer.state == MetricVerdict::State::kInRange) return answer;
  if (answer.above ? enough : input.ready < from) {
    answer.code = Code::kInFlight;
    answer.phrase = Phrase::kInFlightCounts;
    answer.numbers.count = from;
    return answer;
  }
  const int wanted = !enough ? now : std::min(from, std::max(now, foreseen.enough));
  answer.numbers.count = wanted;
  if (wanted == from) answer.code = Code::kNearTarget;  // nearer is not possible with whole instances
  return Wanting(wanted, input, answer);
}

}  // namespace ottoscale::decision
