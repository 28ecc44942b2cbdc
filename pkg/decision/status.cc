#include "pkg/decision/status.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pkg/decision/conditions.h"
#include "pkg/decision/words.h"
#include "pkg/policy/quiet_range.h"

namespace ottoscale::decision {
namespace {

std::string ActionName(const Decision& decision, const policy::ScalingPolicy& spec) {
  if (decision.action == Action::kHold) return "Hold";
  const char* action = decision.action == Action::kScaleOut ? "ScaleOut" : "ScaleIn";
  return absl::StrCat(spec.OnlyRecommends() ? "Would" : "", action);
}

DecisionStatus DecisionStatusFor(const policy::ScalingPolicy& spec, const Outcome& outcome,
                                 const PolicyStatus* previous) {
  const Decision& decision = outcome.decision;
  DecisionStatus status{.action = ActionName(decision, spec),
                        .from = decision.from,
                        .to = decision.to,
                        .time = outcome.now.wall,
                        .reason = CodeName(decision.code),
                        .message = decision.message};
  for (const Reason& reason : decision.reasons) {
    status.stages.push_back({.stage = StageName(reason.stage),
                             .metric = reason.metric,
                             .in = reason.in,
                             .out = reason.out,
                             .code = CodeName(reason.code)});
  }
  // Since when it has been decided so.
  if (previous == nullptr || !previous->decision) return status;
  const DecisionStatus& old = *previous->decision;
  const bool same =
      old.action == status.action && old.from == status.from && old.to == status.to && old.reason == status.reason;
  if (same) status.time = old.time;
  return status;
}

MetricStatus MetricStatusFor(const MetricVerdict& verdict, const Sample* sample) {
  return {.name = verdict.name,
          .state = MetricStateName(verdict.state),
          .value = verdict.value,
          .measured = verdict.measured == verdict.value ? std::nullopt : verdict.measured,
          .unit = verdict.unit,
          .censored = verdict.censored,
          .sampled_at = verdict.sampled_at,
          .breaches = verdict.breaches,
          .breaches_needed = verdict.breaches_needed,
          .message = sample != nullptr && sample->state == SampleState::kMissing ? sample->message : ""};
}

// "heartbeat 1240/1000ms", "heartbeat >10000/1000ms", "heartbeat ?/1000ms".
std::string SummaryOf(const MetricVerdict& verdict, const policy::Metric& metric) {
  const std::optional<double> upper = policy::QuietRangeOf(metric.strategy).upper;
  const std::string value =
      verdict.value ? absl::StrCat(verdict.censored ? ">" : "", NumberWords(*verdict.value)) : std::string("?");
  return absl::StrCat(metric.name, " ", value, upper ? absl::StrCat("/", NumberWords(*upper)) : "", verdict.unit);
}

void FillMetrics(PolicyStatus& status, const policy::ScalingPolicy& spec, const Outcome& outcome) {
  const std::vector<Sample>& samples = outcome.observation.samples;
  std::vector<std::string> summaries;
  for (size_t i = 0; i < outcome.decision.metrics.size() && i < spec.metrics.size(); ++i) {
    const MetricVerdict& verdict = outcome.decision.metrics[i];
    status.metrics.push_back(MetricStatusFor(verdict, i < samples.size() ? &samples[i] : nullptr));
    summaries.push_back(SummaryOf(verdict, spec.metrics[i]));
  }
  status.metric_summary = absl::StrJoin(summaries, ", ");
}

// What is known of the target; what it said before where it could not be read.
void FillTarget(PolicyStatus& status, const Outcome& outcome, const PolicyStatus* previous) {
  const TargetState* target = outcome.observation.state();
  if (target == nullptr) {
    if (previous == nullptr) return;
    status.target = previous->target;
    status.current_capacity = previous->current_capacity;
    status.target_capacity = previous->target_capacity;
    status.pending_capacity = previous->pending_capacity;
    status.desired_capacity = previous->desired_capacity;
    return;
  }
  const auto* applied = std::get_if<Applied>(&outcome.write);
  const int told = applied != nullptr ? applied->capacity : target->desired;
  status.target = target->display;
  status.current_capacity = target->ready;
  status.target_capacity = told;
  status.pending_capacity = std::max(0, told - target->ready);
  status.desired_capacity = outcome.decision.desired;
}

void FillPast(PolicyStatus& status, const History& history) {
  status.target_uid = history.target_uid;
  status.pending_change = history.pending;
  if (history.last_applied) {
    status.last_applied = AppliedStatus{.capacity = history.last_applied->to, .time = history.last_applied->at.wall};
  }
  if (history.last_scale_out) status.last_scale_out_time = history.last_scale_out->wall;
  if (history.last_scale_in) status.last_scale_in_time = history.last_scale_in->wall;
}

std::optional<HistoryEntry> EntryFor(const Outcome& outcome) {
  const Decision& decision = outcome.decision;
  HistoryEntry entry{.time = outcome.now.wall,
                     .from = decision.from,
                     .to = decision.to,
                     .reason = CodeName(decision.code),
                     .message = decision.message};
  if (const auto* applied = std::get_if<Applied>(&outcome.write)) {
    entry.result = "Applied";
    entry.to = applied->capacity;
  } else if (const auto* refused = std::get_if<Refused>(&outcome.write)) {
    entry.result = "Refused";
    entry.message = refused->message;
  } else if (const auto* unknown = std::get_if<Unknown>(&outcome.write)) {
    entry.result = "Unknown";
    entry.message = unknown->message;
  } else if (const auto* violation = std::get_if<Violation>(&outcome.write)) {
    entry.result = "Violation";
    entry.message = absl::StrCat(violation->check, ": ", violation->message);
  } else {
    return std::nullopt;
  }
  return entry;
}

// A refusal that is repeated each poll is told once.
bool IsRepeated(const std::vector<HistoryEntry>& history, const HistoryEntry& entry) {
  if (history.empty() || entry.result == "Applied") return false;
  const HistoryEntry& last = history.back();
  return last.result == entry.result && last.from == entry.from && last.to == entry.to;
}

// A write of unknown end that a later reading has shown to be made. Status keeps its time to the second.
void SettleHistory(std::vector<HistoryEntry>& entries, const History& history) {
  if (entries.empty() || entries.back().result != "Unknown" || !history.read_back) return;
  const bool same = absl::ToUnixSeconds(entries.back().time) == absl::ToUnixSeconds(history.read_back->change.at.wall);
  if (same) entries.back().result = "Applied";
}

void FillHistory(PolicyStatus& status, const History& history, const Outcome& outcome, const PolicyStatus* previous) {
  if (previous != nullptr) status.history = previous->history;
  SettleHistory(status.history, history);
  std::optional<HistoryEntry> entry = EntryFor(outcome);
  if (!entry || IsRepeated(status.history, *entry)) return;
  status.history.push_back(*std::move(entry));
  const size_t size = status.history.size();
  if (size > PolicyStatus::kMaxHistory) {
    status.history.erase(status.history.begin(),
                         status.history.begin() + static_cast<int64_t>(size - PolicyStatus::kMaxHistory));
  }
}

std::optional<absl::Time> NextScaleTime(const Outcome& outcome) {
  if (outcome.decision.action != Action::kHold || !outcome.decision.next) return std::nullopt;
  return outcome.now.wall + (*outcome.decision.next - outcome.now.boot);
}

}  // namespace

const Condition* FindCondition(const PolicyStatus& status, absl::string_view type) {
  const auto found = std::find_if(status.conditions.begin(), status.conditions.end(),
                                  [type](const Condition& condition) { return condition.type == type; });
  return found == status.conditions.end() ? nullptr : &*found;
}

PolicyStatus StatusFor(const policy::ScalingPolicy& spec, int64_t generation, const History& history_after,
                       const Outcome& outcome, const PolicyStatus* previous) {
  PolicyStatus status{.observed_generation = generation};
  FillTarget(status, outcome, previous);
  FillPast(status, history_after);
  FillMetrics(status, spec, outcome);
  FillHistory(status, history_after, outcome, previous);
  status.effective_bounds = outcome.decision.limits;
  status.decision = DecisionStatusFor(spec, outcome, previous);
  status.next_scale_time = NextScaleTime(outcome);
  status.conditions = ConditionsFor(spec, generation, history_after, outcome, previous);
  return status;
}

PolicyStatus StatusForProblem(int64_t generation, const StatusProblem& problem, async::Instant now,
                              const PolicyStatus& previous) {
  PolicyStatus status = previous;
  status.observed_generation = generation;
  // What the old spec wanted is nobody's wish any more.
  status.desired_capacity.reset();
  status.effective_bounds.reset();
  status.metrics.clear();
  status.metric_summary.clear();
  status.decision.reset();
  status.memory.reset();
  status.next_scale_time.reset();
  status.conditions = ConditionsForProblem(generation, problem, now.wall, previous);
  return status;
}

}  // namespace ottoscale::decision
