#include "pkg/decision/strategy.h"

#include <algorithm>
#include <cmath>

namespace ottoscale::decision {
namespace {

// Runs longer than any number of breaches that can be asked for are all alike.
constexpr int kLongestRun = 1000;

// The run with this sample in it. A sample that was seen before changes nothing.
int RunWith(const StrategyInput& input, bool above) {
  const MetricHistory* history = input.history;
  const int run = history != nullptr && history->above == above ? history->run : 0;
  return input.is_new ? std::min(run + 1, kLongestRun) : run;
}

// Breached often enough.
void Recommend(const Breach& breach, const StrategyInput& input, StrategyAnswer& answer) {
  answer.code = breach.code;
  if (!input.from) return;
  if (!answer.above && input.scale_out_only) {
    answer.code = Code::kScaleOutOnly;
    answer.phrase = Phrase::kRunOutOnly;
    return;
  }
  answer.recommended = std::max(0, *input.from + breach.change);
}

}  // namespace

StrategyAnswer JudgeBreach(const Breach& breach, const StrategyInput& input) {
  const bool above = breach.above;
  StrategyAnswer answer{
      .state = above ? MetricVerdict::State::kAboveUpper : MetricVerdict::State::kBelowLower,
      .run = 0,
      .above = above,
      .needed = breach.needed,
      .recommended = input.from,
      .code = Code::kBreaching,
      .phrase = Phrase::kRun,
      .numbers = {.value = input.value, .bound = breach.bound, .above = above, .censored = input.censored}};
  if (above ? input.settling_out : input.settling_in) {
    // Its run starts behind the settling time. It still interrupts a run on the other side.
    answer.state = MetricVerdict::State::kIgnored;
    answer.code = Code::kSettling;
    answer.phrase = Phrase::kSettling;
    answer.numbers.time = input.settle;
    return answer;
  }
  answer.run = RunWith(input, above);
  answer.numbers.count = std::min(answer.run, answer.needed);
  answer.numbers.needed = answer.needed;
  if (answer.run >= answer.needed) Recommend(breach, input, answer);
  return answer;
}

StrategyAnswer Undecidable(double bound, int needed, const StrategyInput& input) {
  return {.state = MetricVerdict::State::kIgnored,
          .run = input.history != nullptr ? input.history->run : 0,
          .above = input.history != nullptr && input.history->above,
          .needed = needed,
          .recommended = std::nullopt,
          .code = Code::kSampleMissing,
          .phrase = Phrase::kUndecidable,
          .numbers = {.value = input.value, .bound = bound}};
}

StrategyAnswer Wanting(int wanted, const StrategyInput& input, StrategyAnswer answer) {
  if (!input.from) return answer;
  const bool out = wanted > *input.from;
  answer.recommended = input.from;
  answer.above = out;
  if (wanted == *input.from) return answer;
  if (out ? input.settling_out : input.settling_in) {
    answer.state = MetricVerdict::State::kIgnored;
    answer.least.reset();
    answer.code = Code::kSettling;
    answer.phrase = Phrase::kSettling;
    answer.numbers.above = out;
    answer.numbers.time = input.settle;
    return answer;
  }
  if (!out && input.scale_out_only) {
    answer.code = Code::kScaleOutOnly;
    answer.phrase = Phrase::kOffTargetOutOnly;
    return answer;
  }
  answer.recommended = wanted;
  return answer;
}

int CapacityFor(double exact) {
  constexpr double kMost = 1'000'000;
  if (!(exact > 0)) return 0;
  return static_cast<int>(std::ceil(std::min(exact, kMost) * (1 - 1e-9)));
}

}  // namespace ottoscale::decision
