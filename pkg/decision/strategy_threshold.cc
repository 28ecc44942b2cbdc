#include "pkg/decision/strategy_threshold.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "pkg/decision/draft.h"
#include "pkg/decision/words.h"

namespace ottoscale::decision {
namespace {

// Runs longer than any number of breaches that can be asked for are all alike.
constexpr int kLongestRun = 1000;

// "1240 ms is above 1000 ms", "over 10000 ms is above 1000 ms".
std::string Compared(const Sample& sample, bool above, double threshold) {
  return absl::StrCat(sample.state == SampleState::kCensored ? "over " : "",
                      ValueWords(sample.value, threshold, sample.unit), above ? " is above " : " is below ",
                      ValueWords(threshold, threshold, sample.unit));
}

StrategyAnswer InRange(const policy::Threshold& threshold, const StrategyInput& input) {
  const Sample& sample = input.sample;
  return {.state = MetricVerdict::State::kInRange,
          .needed = threshold.breaches_to_scale_out,
          .recommended = input.from,
          .code = Code::kInRange,
          .detail = absl::StrCat(ValueWords(sample.value, sample.value, sample.unit), " is within ",
                                 NumberWords(threshold.lower), " and ",
                                 ValueWords(threshold.upper, threshold.upper, sample.unit))};
}

// What does not count neither adds to a run nor clears it.
void KeepRun(const StrategyInput& input, StrategyAnswer& answer) {
  answer.run = input.history != nullptr ? input.history->run : 0;
  answer.above = input.history != nullptr && input.history->above;
}

// A censored value below `upper` may lie anywhere above it: that says nothing.
StrategyAnswer Undecidable(const policy::Threshold& threshold, const StrategyInput& input) {
  const Sample& sample = input.sample;
  StrategyAnswer answer{
      .state = MetricVerdict::State::kIgnored,
      .needed = threshold.breaches_to_scale_out,
      .code = Code::kSampleMissing,
      .detail = absl::StrCat("over ", ValueWords(sample.value, threshold.upper, sample.unit), " says nothing about ",
                             ValueWords(threshold.upper, threshold.upper, sample.unit))};
  KeepRun(input, answer);
  return answer;
}

// No evidence for more of the same: its run starts behind the settling time. It still interrupts a run on the other
// side.
StrategyAnswer Settling(const StrategyInput& input, StrategyAnswer answer, const std::string& compared) {
  answer.state = MetricVerdict::State::kIgnored;
  answer.recommended = input.from;
  answer.code = Code::kSettling;
  answer.detail = absl::StrCat(compared, ", but measured less than ", DurationWords(input.settle), " after ",
                               answer.above ? "a scale-out" : "a scale-in");
  answer.run = 0;
  return answer;
}

// The run with this sample in it. A sample that was seen before changes nothing.
int RunWith(const StrategyInput& input, bool above) {
  const MetricHistory* history = input.history;
  const int run = history != nullptr && history->above == above ? history->run : 0;
  return IsNew(input.sample, history) ? std::min(run + 1, kLongestRun) : run;
}

// Breached often enough.
void Recommend(const policy::Threshold& threshold, const StrategyInput& input, StrategyAnswer& answer) {
  answer.code = Code::kThresholdBreached;
  if (!input.from) return;
  if (answer.above) {
    answer.recommended = *input.from + threshold.step_out;
  } else if (input.scale_out_only) {
    answer.code = Code::kScaleOutOnly;
    answer.detail += ", but may only scale out";
  } else {
    answer.recommended = std::max(0, *input.from - threshold.step_in);
  }
}

}  // namespace

StrategyAnswer Judge(const policy::Threshold& threshold, const StrategyInput& input) {
  const Sample& sample = input.sample;
  const bool censored = sample.state == SampleState::kCensored;
  // "More than upper" is above it, while exactly `upper` is in range.
  const bool above = censored ? sample.value >= threshold.upper : sample.value > threshold.upper;
  const bool below = !censored && sample.value < threshold.lower;
  if (censored && !above) return Undecidable(threshold, input);
  if (!above && !below) return InRange(threshold, input);

  const std::string compared = Compared(sample, above, above ? threshold.upper : threshold.lower);
  StrategyAnswer answer{.state = above ? MetricVerdict::State::kAboveUpper : MetricVerdict::State::kBelowLower,
                        .run = 0,
                        .above = above,
                        .needed = above ? threshold.breaches_to_scale_out : threshold.breaches_to_scale_in,
                        .recommended = input.from,
                        .code = Code::kBreaching};
  if (above ? input.settling_out : input.settling_in) return Settling(input, std::move(answer), compared);

  answer.run = RunWith(input, above);
  answer.detail =
      absl::StrCat(compared, " for ", std::min(answer.run, answer.needed), " of ", answer.needed, " samples");
  if (answer.run >= answer.needed) Recommend(threshold, input, answer);
  return answer;
}

}  // namespace ottoscale::decision
