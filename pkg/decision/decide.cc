#include "pkg/decision/decide.h"

#include <algorithm>
#include <cstdlib>

#include "pkg/decision/draft.h"

namespace ottoscale::decision {
namespace {

struct StageEntry {
  Stage stage;
  void (*run)(Draft& draft);
  bool even_when_held;  // by the target: samples are judged all the same, so that runs and status go on
};

// The whole decision, in this order. Limits beat strategies, and what is under way beats all.
constexpr StageEntry kChain[] = {
    {Stage::kTarget, JudgeTarget, true},          // is there something that may be scaled?
    {Stage::kQuality, JudgeSamples, true},        // which samples may count?
    {Stage::kStrategy, RunStrategies, true},      // what does each metric recommend?
    {Stage::kCombine, CombineMetrics, false},     // the largest; in only if all agree
    {Stage::kFallback, FallBack, false},          // no valid data for long
    {Stage::kManual, AnswerManualChange, false},  // somebody else has changed the target
    {Stage::kLimits, KeepLimits, false},          // the bounds of this time, corrected at once
    {Stage::kStabilise, Stabilise, false},        // wanted for a whole window
    {Stage::kRate, KeepRate, false},              // how far in how long
    {Stage::kProjection, ProjectScaleIn, false},  // what is left must not ask for more at once
    {Stage::kCooldown, KeepCooldown, false},      // how soon again
    {Stage::kInFlight, AwaitFlight, false},       // one change at a time
    {Stage::kClamp, Clamp, false},                // bounds again, and the provider's ceiling
    {Stage::kClock, DoubtClock, false},           // the schedule may be that of another day
    {Stage::kSuspend, KeepSuspension, false},     // a person said stop
    {Stage::kMode, KeepMode, false},              // Recommend and a frozen operator never write
};

bool IsSuspended(const policy::ScalingPolicy& spec, absl::Time now) {
  return spec.suspend &&
         (spec.suspend->Holds(policy::Direction::kOut, now) || spec.suspend->Holds(policy::Direction::kIn, now));
}

void Begin(Draft& draft) {
  const policy::ScalingPolicy& spec = draft.spec;
  Decision& decision = draft.decision;
  const TargetState* target = draft.target();
  decision.from = target != nullptr ? target->desired : draft.history.known_desired.value_or(0);
  decision.recommended = decision.least = decision.desired = draft.value = decision.from;
  decision.limits =
      policy::LimitsAt(spec.min_capacity, spec.max_capacity, spec.schedule, draft.now.wall, spec.ceilings.max_capacity);
  decision.suspended = IsSuspended(spec, draft.now.wall);
}

Action ActionOf(const Draft& draft) {
  if (draft.value == draft.from()) return Action::kHold;
  return draft.ScalesOut() ? Action::kScaleOut : Action::kScaleIn;
}

void Finish(Draft& draft) {
  Decision& decision = draft.decision;
  const bool quiet = std::all_of(decision.reasons.begin(), decision.reasons.end(), IsAside);
  if (quiet) draft.Say(Stage::kCombine, Code::kSteady, draft.value, Phrase::kSteady);
  decision.action = ActionOf(draft);
  decision.to = draft.value;
  decision.write = decision.action != Action::kHold && !draft.spec.OnlyRecommends() && !draft.held;
  decision.code = decision.reasons[BoundOf(decision)].code;
}

// Keeps the memory that the last decision has used.
void Clear(Decision& decision, size_t metrics) {
  decision.cause = Cause::kMetrics;
  decision.metrics.resize(metrics);
  decision.reasons.clear();
  decision.message.clear();
  decision.next.reset();
}

void RunChain(const policy::ScalingPolicy& spec, const History& settled, const Observation& seen, async::Instant now,
              Decision& decision) {
  Clear(decision, spec.metrics.size());
  Draft draft{.spec = spec, .history = settled, .seen = seen, .now = now, .decision = decision};
  Begin(draft);
  for (const StageEntry& entry : kChain) {
    if (!draft.held || entry.even_when_held) entry.run(draft);
  }
  Finish(draft);
}

}  // namespace

bool IsAside(const Reason& reason) {
  return reason.code == Code::kWindowConflict || reason.code == Code::kNotProgressing ||
         reason.code == Code::kRecommendOnly || reason.code == Code::kFrozen;
}

size_t BoundOf(const Decision& decision) {
  for (size_t i = decision.reasons.size(); i-- > 0;) {
    if (decision.reasons[i].in != decision.reasons[i].out) return i;
  }
  for (size_t i = decision.reasons.size(); i-- > 0;) {
    if (!IsAside(decision.reasons[i])) return i;
  }
  return 0;
}

void Draft::Say(Stage stage, Code code, int out, Phrase phrase, const Numbers& numbers, int metric_index) {
  Reason& reason = decision.reasons.emplace_back();
  reason.stage = stage;
  reason.code = code;
  reason.phrase = phrase;
  reason.metric_index = metric_index;
  reason.in = value;
  reason.out = out;
  reason.numbers = numbers;
  value = out;
}

void Draft::Speak(Stage stage, size_t metric) {
  const Word& word = words[metric];
  Reason& reason = decision.reasons.emplace_back();
  reason.stage = stage;
  reason.code = word.code;
  reason.phrase = word.phrase;
  reason.metric_index = static_cast<int>(metric);
  reason.in = from();
  reason.out = word.out;
  reason.numbers = word.numbers;
}

void Draft::Until(async::BootTime at) {
  if (at > now.boot && (!decision.next || at < *decision.next)) decision.next = at;
}

const MetricHistory* FindMetric(const History& history, const std::string& name) {
  for (const MetricHistory& metric : history.metrics) {
    if (metric.name == name) return &metric;
  }
  return nullptr;
}

bool IsNew(const Sample& sample, const MetricHistory* history) {
  return history == nullptr || !history->last || sample.measured_at.boot > history->last->measured_at.boot;
}

absl::Duration MaxAge(const policy::ScalingPolicy& spec, const policy::Metric& metric) {
  return metric.max_age ? *metric.max_age : 3 * spec.poll_period;
}

absl::Duration ObservationGap(const policy::ScalingPolicy& spec) {
  return std::max({spec.behavior.scale_in.stabilization_window, spec.behavior.scale_out.stabilization_window,
                   3 * spec.poll_period});
}

std::optional<async::BootTime> ObservingSince(const policy::ScalingPolicy& spec, const History& history,
                                              async::BootTime now) {
  if (history.recommendations.empty()) return std::nullopt;
  if (now - history.recommendations.back().at > ObservationGap(spec)) return std::nullopt;
  return history.observing_since;
}

std::optional<int> TrustedCeiling(const History& history, async::BootTime now) {
  if (history.ceiling_since && now - *history.ceiling_since >= History::kCeilingTrust) return std::nullopt;
  return history.ceiling;
}

std::optional<async::BootTime> CooldownStart(const History& history, policy::Direction direction) {
  std::optional<async::BootTime> start;
  const auto consider = [&start](async::BootTime at) { start = start ? std::max(*start, at) : at; };
  if (history.last_scale_out) consider(history.last_scale_out->boot);
  if (direction == policy::Direction::kOut) return start;
  if (history.last_scale_in) consider(history.last_scale_in->boot);
  if (history.last_external) consider(history.last_external->at.boot);
  return start;
}

void DecideInto(const policy::ScalingPolicy& spec, const History& history, const Observation& seen, async::Instant now,
                Decision& decision) {
  if (IsSettled(history, seen, now)) return RunChain(spec, history, seen, now, decision);
  RunChain(spec, Settle(spec, history, seen, now), seen, now, decision);
}

Decision Decide(const policy::ScalingPolicy& spec, const History& history, const Observation& seen,
                async::Instant now) {
  Decision decision;
  DecideInto(spec, history, seen, now, decision);
  PutIntoWords(spec, seen, decision);
  return decision;
}

}  // namespace ottoscale::decision
