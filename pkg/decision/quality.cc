// Stages Target and Quality: whether there is something to decide about, and which samples may count.
#include <algorithm>
#include <cmath>

#include "pkg/decision/draft.h"

namespace ottoscale::decision {
namespace {

// Whether the 0 that the cloud has been told is ours: the last thing that happened to it is our own write of 0.
bool ZeroIsOurs(const History& history) {
  if (!history.last_applied || history.last_applied->to != 0) return false;
  return !history.last_external || history.last_external->at.boot <= history.last_applied->at.boot;
}

bool IsOffSwitch(const Draft& draft) {
  return draft.target()->desired == 0 && draft.decision.limits.min >= 1 && !ZeroIsOurs(draft.history);
}

void HoldAtTarget(Draft& draft, Code code, Phrase phrase) {
  draft.held = true;
  draft.Hold(Stage::kTarget, code, phrase);
}

// An app that is off or has nothing running answers for its platform, not for itself.
bool AnswersForItself(const Draft& draft, const policy::Metric& metric) {
  const TargetState* target = draft.target();
  if (metric.source.type != "HTTPHeartbeat" || target == nullptr) return true;
  return !target->off && target->desired > 0;
}

using State = MetricVerdict::State;

struct Quality {
  State state = State::kUnknown;  // kUnknown: usable
  Code code = Code::kSampleMissing;
  Phrase phrase = Phrase::kNone;
  absl::Duration time = absl::ZeroDuration();
};

// No metric has values so large; sums and squares of them stay finite.
constexpr double kLargest = 1e15;
// How far a provider's clock may be ahead.
constexpr absl::Duration kClockSlack = absl::Seconds(60);

Quality QualityOf(const Draft& draft, const policy::Metric& metric, const Sample& sample) {
  if (!AnswersForItself(draft, metric)) return {State::kIgnored, Code::kSampleMissing, Phrase::kOffAnswersNothing};
  if (draft.seen.probes_suspect && metric.source.type == "HTTPHeartbeat") {
    return {State::kMissing, Code::kProbesSuspect, Phrase::kProbesSuspect};
  }
  if (sample.state == SampleState::kMissing) return {State::kMissing, Code::kSampleMissing, Phrase::kMissing};
  if (!std::isfinite(sample.value)) return {State::kMissing, Code::kSampleMissing, Phrase::kNotANumber};
  if (sample.value < 0 || sample.value > kLargest) {
    return {State::kMissing, Code::kSampleInvalid, Phrase::kOutOfRange};
  }
  const absl::Duration age = draft.now.boot - sample.measured_at.boot;
  if (age < -kClockSlack) return {State::kMissing, Code::kSampleInvalid, Phrase::kFromTheFuture};
  const absl::Duration max_age = MaxAge(draft.spec, metric);
  if (age > max_age) return {State::kStale, Code::kSampleStale, Phrase::kStale, max_age};
  return {};
}

// What the value is divided by, into `divisor`.
Quality DivisorOf(const Draft& draft, const policy::Metric& metric, const Sample& sample, double& divisor) {
  switch (metric.basis) {
    case policy::Basis::kValue: return {};
    case policy::Basis::kPerInstance: {
      const TargetState* target = draft.target();
      if (target == nullptr || (target->ready <= 0 && target->desired > 0)) {
        return {State::kMissing, Code::kNothingReady, Phrase::kNothingReady};
      }
      divisor = std::max(1, target->ready);
      return {};
    }
    case policy::Basis::kPerNode:
      // Less than one node is none; "not (>= 1)" also refuses what is not a number.
      if (!sample.nodes || !(*sample.nodes >= 1)) return {State::kMissing, Code::kNothingReady, Phrase::kNoNodes};
      divisor = *sample.nodes;
      return {};
  }
  return {};
}

// The reading that the strategy gets, into `reading`.
Quality ReadInto(const Draft& draft, const policy::Metric& metric, const Sample& sample, const MetricHistory* history,
                 std::optional<Reading>& reading, MetricVerdict& verdict) {
  static const SampleWindow kNone;
  Quality quality = QualityOf(draft, metric, sample);
  if (quality.state != State::kUnknown) return quality;
  verdict.measured = sample.value;
  double divisor = 1;
  quality = DivisorOf(draft, metric, sample, divisor);
  if (quality.state != State::kUnknown) return quality;
  const Aggregate aggregate =
      AggregateWith(history != nullptr ? history->window : kNone, metric.aggregation, sample.value,
                    sample.state == SampleState::kCensored, sample.measured_at.boot, MaxAge(draft.spec, metric));
  if (!aggregate.covered) {
    return {State::kIgnored, Code::kWindowNotCovered, Phrase::kUncovered, metric.aggregation.window};
  }
  const std::optional<Drop> drop = DropWith(metric, history, sample);
  reading = Reading{.value = aggregate.value / divisor,
                    .censored = aggregate.censored,
                    .is_new = IsNew(sample, history),
                    .doubtful = drop && !IsConfirmed(*drop, sample),
                    .measured_at = sample.measured_at.boot};
  return {};
}

// A verdict without a sample; keeps the memory of its strings.
void Begin(MetricVerdict& verdict, const policy::Metric& metric, const Sample& sample, const MetricHistory* history) {
  verdict.name = metric.name;
  verdict.unit = sample.unit;
  verdict.state = State::kUnknown;
  verdict.value.reset();
  verdict.measured.reset();
  verdict.censored = false;
  verdict.recommended.reset();
  verdict.least = 0;
  verdict.breaches = history != nullptr ? history->run : 0;
  verdict.breaches_needed = 0;
  verdict.above = history != nullptr && history->above;
  verdict.sampled_at.reset();
  if (sample.state != SampleState::kMissing) verdict.sampled_at = sample.measured_at.wall;
}

const Sample& NotRead() {
  static const Sample kNotRead{.missing = MissingReason::kNotRead};
  return kNotRead;
}

}  // namespace

std::optional<Drop> DropWith(const policy::Metric& metric, const MetricHistory* history, const Sample& sample) {
  constexpr double kSudden = 0.2;  // a fall by more than 80 %
  if (metric.sudden_drop == policy::Metric::SuddenDrop::kAccept || sample.state != SampleState::kValid) {
    return std::nullopt;
  }
  if (history == nullptr || !history->last) return std::nullopt;
  const double reference = history->drop ? history->drop->reference : history->last->value;
  if (!(sample.value < kSudden * reference)) return std::nullopt;
  Drop drop = history->drop.value_or(Drop{.reference = reference, .samples = 0, .since = sample.measured_at.boot});
  if (IsNew(sample, history)) ++drop.samples;
  return drop;
}

// 0 is what broken meters say: it takes longer.
bool IsConfirmed(const Drop& drop, const Sample& sample) {
  if (sample.value > 0) return drop.samples >= 2;
  return drop.samples >= 5 && sample.measured_at.boot - drop.since >= absl::Minutes(10);
}

void JudgeTarget(Draft& draft) {
  const TargetState* target = draft.target();
  if (target == nullptr) return HoldAtTarget(draft, Code::kTargetUnknown, Phrase::kFailure);
  if (draft.history.write_unknown) return HoldAtTarget(draft, Code::kAwaitingReadBack, Phrase::kUnread);
  if (target->off) return HoldAtTarget(draft, Code::kTargetOff, Phrase::kTargetOff);
  if (IsOffSwitch(draft)) HoldAtTarget(draft, Code::kScaledToZero, Phrase::kSwitchedOff);
}

void JudgeSamples(Draft& draft) {
  for (size_t i = 0; i < draft.spec.metrics.size(); ++i) {
    const policy::Metric& metric = draft.spec.metrics[i];
    const Sample& sample = i < draft.seen.samples.size() ? draft.seen.samples[i] : NotRead();
    const MetricHistory* history = FindMetric(draft.history, metric.name);
    MetricVerdict& verdict = draft.decision.metrics[i];
    Begin(verdict, metric, sample, history);
    std::optional<Reading>& reading = draft.usable.emplace_back();
    const Quality quality = ReadInto(draft, metric, sample, history, reading, verdict);
    verdict.state = quality.state;
    draft.words.push_back(
        {.code = quality.code, .phrase = quality.phrase, .out = draft.from(), .numbers = {.time = quality.time}});
    if (!reading && !draft.held) draft.Speak(Stage::kQuality, i);
  }
}

}  // namespace ottoscale::decision
