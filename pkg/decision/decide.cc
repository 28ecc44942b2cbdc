#include "pkg/decision/decide.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "pkg/decision/draft.h"
#include "pkg/decision/words.h"

namespace ottoscale::decision {
namespace {

struct StageEntry {
  Stage stage;
  void (*run)(Draft& draft);
  bool even_when_held;  // by the target: samples are judged all the same, so that runs and status go on
};

// The whole decision, in this order. Limits beat strategies, and what is under way beats all.
constexpr StageEntry kChain[] = {
    {Stage::kTarget, JudgeTarget, true},        // is there something that may be scaled?
    {Stage::kQuality, JudgeSamples, true},      // which samples may count?
    {Stage::kStrategy, RunStrategies, true},    // what does each metric recommend?
    {Stage::kCombine, CombineMetrics, false},   // the largest; in only if all agree
    {Stage::kLimits, KeepLimits, false},        // the bounds of this time, corrected at once
    {Stage::kTolerance, KeepTolerance, false},  // small changes are none
    {Stage::kStabilise, Stabilise, false},      // wanted for a whole window
    {Stage::kRate, KeepRate, false},            // how far in how long
    {Stage::kCooldown, KeepCooldown, false},    // how soon again
    {Stage::kInFlight, AwaitFlight, false},     // one change at a time
    {Stage::kClamp, Clamp, false},              // bounds again, and the provider's ceiling
    {Stage::kSuspend, KeepSuspension, false},   // a person said stop
    {Stage::kMode, KeepMode, false},            // Recommend and a frozen operator never write
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
  decision.recommended = decision.desired = draft.value = decision.from;
  decision.limits =
      policy::LimitsAt(spec.min_capacity, spec.max_capacity, spec.schedule, draft.now.wall, spec.ceilings.max_capacity);
  decision.suspended = IsSuspended(spec, draft.now.wall);
}

// A word beside the decision: it neither changes nor holds anything.
bool IsAside(const Reason& reason) {
  return reason.code == Code::kWindowConflict || reason.code == Code::kNotProgressing ||
         reason.code == Code::kRecommendOnly || reason.code == Code::kFrozen;
}

// The last reason that changed the value, else the last one that held it.
size_t BoundOf(const Decision& decision) {
  for (size_t i = decision.reasons.size(); i-- > 0;) {
    if (decision.reasons[i].in != decision.reasons[i].out) return i;
  }
  for (size_t i = decision.reasons.size(); i-- > 0;) {
    if (!IsAside(decision.reasons[i])) return i;
  }
  return 0;
}

Action ActionOf(const Draft& draft) {
  if (draft.value == draft.from()) return Action::kHold;
  return draft.ScalesOut() ? Action::kScaleOut : Action::kScaleIn;
}

Decision Finish(Draft& draft) {
  Decision& decision = draft.decision;
  const bool quiet = std::all_of(decision.reasons.begin(), decision.reasons.end(), IsAside);
  if (quiet) draft.Say(Stage::kCombine, Code::kSteady, draft.value, "within the bounds");
  decision.action = ActionOf(draft);
  decision.to = draft.value;
  decision.write = decision.action != Action::kHold && !draft.spec.OnlyRecommends() && !draft.held;

  const size_t bound = BoundOf(decision);
  const TargetState* target = draft.target();
  decision.code = decision.reasons[bound].code;
  decision.message = DecisionWords(decision, bound, target != nullptr ? target->unit : "", target != nullptr);
  if (draft.spec.OnlyRecommends() && decision.action != Action::kHold) {
    decision.message += draft.spec.ceilings.frozen ? ". Nothing was written (the operator is frozen)."
                                                   : ". Nothing was written (Recommend).";
  }
  return std::move(decision);
}

}  // namespace

void Draft::Say(Stage stage, Code code, int out, std::string detail, std::string metric) {
  decision.reasons.push_back({.stage = stage,
                              .code = code,
                              .metric = std::move(metric),
                              .in = value,
                              .out = out,
                              .detail = std::move(detail)});
  value = out;
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
  return metric.max_age.value_or(3 * spec.poll_period);
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

Decision Decide(const policy::ScalingPolicy& spec, const History& history, const Observation& seen,
                async::Instant now) {
  const History settled = Settle(spec, history, seen, now);
  Draft draft{.spec = spec, .history = settled, .seen = seen, .now = now};
  Begin(draft);
  for (const StageEntry& entry : kChain) {
    if (!draft.held || entry.even_when_held) entry.run(draft);
  }
  return Finish(draft);
}

}  // namespace ottoscale::decision
