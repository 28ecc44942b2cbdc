// The Threshold strategy: steps after enough distinct samples in a row strictly outside [lower, upper].
#include "pkg/decision/strategy.h"

namespace ottoscale::decision {

StrategyAnswer Judge(const policy::Threshold& threshold, const StrategyInput& input) {
  // "More than upper" is above it, while exactly `upper` is in range.
  const bool above = input.censored ? input.value >= threshold.upper : input.value > threshold.upper;
  if (above) {
    return JudgeBreach({.above = true,
                        .bound = threshold.upper,
                        .needed = threshold.breaches_to_scale_out,
                        .change = threshold.step_out},
                       input);
  }
  if (input.censored) return Undecidable(threshold.upper, threshold.breaches_to_scale_out, input);
  if (input.value < threshold.lower) {
    return JudgeBreach({.above = false,
                        .bound = threshold.lower,
                        .needed = threshold.breaches_to_scale_in,
                        .change = -threshold.step_in},
                       input);
  }
  return {.state = MetricVerdict::State::kInRange,
          .needed = threshold.breaches_to_scale_out,
          .recommended = input.from,
          .code = Code::kInRange,
          .phrase = Phrase::kWithin,
          .numbers = {.value = input.value, .bound = threshold.lower, .other = threshold.upper}};
}

}  // namespace ottoscale::decision
