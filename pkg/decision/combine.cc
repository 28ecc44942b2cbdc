// Stages Strategy and Combine: a recommendation per metric, and one of them all. The largest wins; in only if every
// metric is valid and agrees. Nothing here depends on the order in which the metrics stand.
#include <algorithm>
#include <string_view>
#include <tuple>

#include "absl/types/variant.h"
#include "pkg/decision/draft.h"
#include "pkg/decision/strategy.h"

namespace ottoscale::decision {
namespace {

using State = MetricVerdict::State;

// Measured less than `settle` after the last change in this direction, whoever made it.
struct LastChange {
  std::optional<async::BootTime> at;
  bool out = false;
};

LastChange LastChangeOf(const History& history) {
  LastChange last;
  const auto consider = [&last](const std::optional<async::Instant>& at, bool out) {
    if (at && (!last.at || at->boot > *last.at)) last = {at->boot, out};
  };
  consider(history.last_scale_in, false);
  consider(history.last_scale_out, true);
  if (history.last_external) {
    consider(history.last_external->at, history.last_external->to > history.last_external->from);
  }
  return last;
}

// Whether a value says the same whatever the capacity was when it was measured: a total, divided by what is ready now.
bool IsTotal(const policy::Metric& metric) {
  return metric.basis == policy::Basis::kPerInstance && std::holds_alternative<policy::TargetTracking>(metric.strategy);
}

// How far ahead this metric looks: from its sample until what is ordered now would serve; 0 where nothing is foreseen.
absl::Duration HorizonOf(const Draft& draft, size_t i) {
  constexpr absl::Duration kUnseen = absl::Minutes(2);
  const policy::Metric& metric = draft.spec.metrics[i];
  const auto* tracking = std::get_if<policy::TargetTracking>(&metric.strategy);
  if (tracking == nullptr || metric.basis == policy::Basis::kValue) return absl::ZeroDuration();
  if (metric.aggregation.type != policy::Aggregation::Type::kLast) return absl::ZeroDuration();
  const absl::Duration ahead = tracking->look_ahead.value_or(draft.history.boot_time.value_or(kUnseen));
  if (ahead <= absl::ZeroDuration()) return absl::ZeroDuration();
  return ahead + std::max(draft.now.boot - draft.usable[i]->measured_at, absl::ZeroDuration());
}

// See Note [Foresight] in growth.cc.
void LookAhead(const Draft& draft, size_t i, StrategyInput& input) {
  if (input.censored || input.history == nullptr || draft.usable[i]->doubtful) return;
  input.horizon = HorizonOf(draft, i);
  if (input.horizon <= absl::ZeroDuration()) return;
  input.growth =
      GrowthOf(input.history->marks, draft.seen.samples[i].value, draft.usable[i]->measured_at, input.horizon);
}

StrategyInput InputFor(const Draft& draft, size_t i) {
  const policy::Metric& metric = draft.spec.metrics[i];
  const Reading& reading = *draft.usable[i];
  const LastChange last = LastChangeOf(draft.history);
  const bool settling = !IsTotal(metric) && last.at && reading.measured_at - *last.at < draft.spec.behavior.settle;
  const TargetState* target = draft.target();
  return {.value = reading.value,
          .censored = reading.censored,
          .is_new = reading.is_new,
          .history = FindMetric(draft.history, metric.name),
          .now = draft.now.boot,
          .from = draft.held ? std::nullopt : std::optional(draft.from()),
          .ready = target != nullptr ? target->ready : 0,
          .settling_out = settling && last.out,
          .settling_in = settling && !last.out,
          .scale_out_only = metric.scale_out_only,
          .settle = draft.spec.behavior.settle};
}

// A sudden fall has to be confirmed before it takes something away; runs go on.
void DoubtDrop(const Draft& draft, size_t i, StrategyAnswer& answer) {
  if (!draft.usable[i]->doubtful || !answer.recommended || *answer.recommended >= draft.from()) return;
  answer.recommended = draft.from();
  answer.least.reset();
  answer.code = Code::kImplausible;
  answer.phrase = Phrase::kSuddenDrop;
}

void RunStrategy(Draft& draft, size_t i) {
  StrategyInput input = InputFor(draft, i);
  LookAhead(draft, i, input);
  StrategyAnswer answer =
      std::visit([&input](const auto& strategy) { return Judge(strategy, input); }, draft.spec.metrics[i].strategy);
  DoubtDrop(draft, i, answer);
  MetricVerdict& verdict = draft.decision.metrics[i];
  verdict.state = answer.state;
  verdict.value = input.value;
  verdict.censored = input.censored;
  verdict.recommended = answer.recommended;
  verdict.least = answer.least.value_or(answer.recommended.value_or(0));
  verdict.breaches = answer.run;
  verdict.above = answer.above;
  verdict.breaches_needed = answer.needed;
  draft.words[i] = {.code = answer.code,
                    .phrase = answer.phrase,
                    .out = answer.recommended.value_or(draft.from()),
                    .numbers = answer.numbers};
  if (!draft.held) draft.Speak(Stage::kStrategy, i);
}

// A metric that may only scale out has no vote on scaling in, unless it says that there is too little.
bool Votes(const Draft& draft, size_t i) {
  const State state = draft.decision.metrics[i].state;
  return !draft.spec.metrics[i].scale_out_only || state == State::kAboveUpper || !draft.decision.metrics[i].recommended;
}

// What is most worth saying of a metric that holds: the nearer to a change, the more.
int Telling(const Draft& draft, size_t i) {
  const bool above = draft.decision.metrics[i].state == State::kAboveUpper;
  switch (draft.words[i].code) {
    case Code::kBreaching: return above ? 5 : 3;
    case Code::kSettling: return 4;
    case Code::kImplausible:
    case Code::kSampleMissing:
    case Code::kSampleInvalid:
    case Code::kProbesSuspect:
    case Code::kNothingReady:
    case Code::kWindowNotCovered:
    case Code::kSampleStale: return 2;
    case Code::kScaleOutOnly: return 1;
    default: return 0;
  }
}

// The index of the metric that comes first by `rank`; ties go to the first name.
template <typename Rank>
size_t First(const Draft& draft, Rank rank) {
  size_t best = 0;
  for (size_t i = 1; i < draft.words.size(); ++i) {
    const auto order = [&](size_t at) { return std::tuple(rank(at), std::string_view(draft.spec.metrics[at].name)); };
    if (order(i) < order(best)) best = i;
  }
  return best;
}

// The capacity for which all metrics together speak; `word`: what one of them says that has a recommendation.
template <typename Word>
int Combined(const Draft& draft, Word word) {
  const std::vector<MetricVerdict>& metrics = draft.decision.metrics;
  int largest = -1;
  bool all_valid = true;
  int largest_vote = -1;
  for (size_t i = 0; i < metrics.size(); ++i) {
    if (!metrics[i].recommended) {
      all_valid = false;
      continue;
    }
    largest = std::max(largest, word(metrics[i]));
    if (Votes(draft, i)) largest_vote = std::max(largest_vote, word(metrics[i]));
  }
  if (largest > draft.from()) return largest;
  if (!all_valid || largest_vote < 0) return draft.from();
  return std::min(largest_vote, draft.from());
}

// The metric that keeps the others from scaling in: one without a word before one with another opinion.
size_t Dissenter(const Draft& draft) {
  return First(draft, [&draft](size_t i) {
    const std::optional<int>& recommended = draft.decision.metrics[i].recommended;
    const int opinion = !recommended ? 0 : *recommended >= draft.from() && Votes(draft, i) ? 1 : 2;
    return std::tuple(opinion, -Telling(draft, i));
  });
}

}  // namespace

void RunStrategies(Draft& draft) {
  for (size_t i = 0; i < draft.usable.size(); ++i) {
    if (draft.usable[i]) RunStrategy(draft, i);
  }
}

void CombineMetrics(Draft& draft) {
  const int combined = Combined(draft, [](const MetricVerdict& verdict) { return *verdict.recommended; });
  draft.decision.least =
      std::min(combined, Combined(draft, [](const MetricVerdict& verdict) { return verdict.least; }));
  draft.value = combined;
  draft.decision.recommended = combined;
  if (draft.words.size() < 2) return;  // a single metric has said it all
  const auto out = [&draft](size_t i) { return draft.words[i].out; };
  const int lowest = out(First(draft, out));
  if (combined == draft.from() && lowest < combined) {
    const size_t dissenter = Dissenter(draft);
    draft.value = lowest;  // what Say is told that it came in with
    draft.Say(Stage::kCombine, Code::kNotAllMetricsAgree, combined, draft.words[dissenter].phrase,
              draft.words[dissenter].numbers, static_cast<int>(dissenter));
    return;
  }
  const size_t speaker = combined == draft.from()
                             ? First(draft, [&draft](size_t i) { return -Telling(draft, i); })
                             : First(draft, [&](size_t i) { return draft.words[i].out == combined ? 0 : 1; });
  const Word& word = draft.words[speaker];
  draft.value = draft.from();
  draft.Say(Stage::kCombine, word.code, combined, word.phrase, word.numbers, static_cast<int>(speaker));
}

}  // namespace ottoscale::decision
