#include "pkg/reconcile/metrics.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "pkg/reconcile/reconciler.h"

namespace ottoscale::reconcile {
namespace {

const char* ActionName(decision::Action action) {
  switch (action) {
    case decision::Action::kHold: return "hold";
    case decision::Action::kScaleOut: return "scale_out";
    case decision::Action::kScaleIn: return "scale_in";
  }
}

const char* DirectionName(bool out) { return out ? "scale_out" : "scale_in"; }

// "": nothing was asked of the cloud.
const char* ResultName(const decision::WriteResult& write) {
  static constexpr const char* kNames[] = {"", "success", "refused", "unknown", "superseded", "violation"};
  return kNames[write.index()];
}

const char* PollResult(const decision::Sample& sample, const decision::MetricVerdict* verdict) {
  if (verdict != nullptr && verdict->state == decision::MetricVerdict::State::kStale) return "stale";
  if (sample.state == decision::SampleState::kValid) return "success";
  const bool timeout =
      sample.state == decision::SampleState::kCensored || sample.missing == decision::MissingReason::kTimeout;
  return timeout ? "timeout" : "error";
}

// New instances take from seconds to many minutes.
std::vector<double> ScaleBuckets() { return {1, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800}; }

void ObserveIn(std::map<std::string, telemetry::Histogram>& histograms, const std::string& type, absl::Duration took) {
  if (const auto found = histograms.find(type); found != histograms.end()) found->second.Observe(took);
}

// The direction of the last change that we know of, before a restart too: true for out.
std::optional<bool> LastWentOut(const decision::History& history) {
  if (!history.last_scale_out && !history.last_scale_in) return std::nullopt;
  if (!history.last_scale_in) return true;
  return history.last_scale_out && history.last_scale_out->boot > history.last_scale_in->boot;
}

// Finer at the low end than other latencies: an idle loop is late by less than a millisecond.
std::vector<double> LatenessBuckets() {
  return {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
}

}  // namespace

Metrics::Metrics(telemetry::Registry& registry, const ports::Providers& providers)
    : registry_(registry),
      lateness_(registry.AddHistogram("ottoscale_reconcile_lag_seconds",
                                      "How late passes start, against their due time.", LatenessBuckets())),
      pass_duration_(registry.AddHistogram("ottoscale_pass_duration_seconds", "From the start of a pass to its report.",
                                           telemetry::LatencyBuckets())),
      violations_(registry.AddCounter("ottoscale_invariant_violations_total",
                                      "Changes that the write gate refused as a defect of the program.")),
      frozen_(registry.AddGauge("ottoscale_frozen", "1 while nothing is written to any cloud (--freeze).")) {
  for (const ports::SourceProvider& provider : providers.sources) {
    poll_durations_.emplace(
        provider.type, registry.AddHistogram("ottoscale_metric_poll_duration_seconds", "One reading of one metric.",
                                             telemetry::LatencyBuckets(), {{"source_type", provider.type}}));
  }
  for (const ports::TargetProvider& provider : providers.targets) {
    provider_names_[provider.type] = absl::AsciiStrToLower(provider.account_type);
    const telemetry::Labels labels = {{"target_type", provider.type}};
    write_durations_.emplace(provider.type, registry.AddHistogram("ottoscale_scale_write_duration_seconds",
                                                                  "From sending a change to the cloud's answer.",
                                                                  telemetry::LatencyBuckets(), labels));
    scale_durations_.emplace(provider.type,
                             registry.AddHistogram("ottoscale_scale_operation_duration_seconds",
                                                   "From sending a change to the poll that found the capacity reached.",
                                                   ScaleBuckets(), labels));
  }
}

void Metrics::Registered(const kubeapi::ObjectKey& key) {
  const auto [counts, added] = counts_.try_emplace(key);
  if (!added) return;
  for (const char* decision : {"hold Steady", "scale_out ThresholdBreached", "scale_in ThresholdBreached",
                               "scale_out BelowMinCapacity", "scale_in AboveMaxCapacity"}) {
    counts->second.decisions[decision] = 0;
  }
  for (const bool out : {true, false}) {
    for (const char* result : {"success", "refused", "unknown", "superseded", "violation"}) {
      counts->second.operations[absl::StrCat(DirectionName(out), " ", result)] = 0;
    }
  }
}

void Metrics::Wrote(const PolicyEntry& entry, const Written& written) {
  ObserveIn(write_durations_, entry.spec->target.type, written.took);
  const auto* applied = std::get_if<decision::Applied>(&written.result);
  if (applied == nullptr) return;
  Registered(entry.key);
  Counts& counts = counts_.at(entry.key);
  counts.ordered = Ordered{written.sent, applied->capacity};
  if (const std::optional<bool> out = LastWentOut(entry.history)) counts.direction_changes += *out != written.out;
}

// Somebody else's change ends the wait for ours.
void Metrics::Arrive(const PolicyEntry& entry, const decision::TargetState& state, Counts& counts) {
  if (!counts.ordered || state.read_at.boot < counts.ordered->sent) return;
  if (state.desired == counts.ordered->to) {
    if (state.InFlight()) return;
    ObserveIn(scale_durations_, entry.spec->target.type, state.read_at.boot - counts.ordered->sent);
  }
  counts.ordered.reset();
}

void Metrics::CountPolls(const PolicyEntry& entry, const decision::Outcome& outcome, Counts& counts) {
  const std::vector<decision::MetricVerdict>& verdicts = outcome.decision.metrics;
  for (size_t i = 0; i < outcome.observation.samples.size(); ++i) {
    const decision::Sample& sample = outcome.observation.samples[i];
    const policy::Metric& metric = entry.spec->metrics[i];
    ++counts.polls[absl::StrCat(metric.name, " ", PollResult(sample, i < verdicts.size() ? &verdicts[i] : nullptr))];
    ObserveIn(poll_durations_, metric.source.type, sample.took);
    if (sample.state == decision::SampleState::kValid) counts.last_success[metric.name] = sample.measured_at.wall;
  }
}

void Metrics::Passed(const PolicyEntry& entry, const decision::Outcome& outcome, async::Instant finished,
                     absl::Duration late) {
  Registered(entry.key);
  Counts& counts = counts_.at(entry.key);
  lateness_.Observe(late);
  pass_duration_.Observe(finished.boot - outcome.now.boot);
  ++counts.decisions[absl::StrCat(ActionName(outcome.decision.action), " ", decision::CodeName(outcome.decision.code))];
  if (const char* result = ResultName(outcome.write); *result != '\0') {
    ++counts.operations[absl::StrCat(DirectionName(outcome.decision.to > outcome.decision.from), " ", result)];
  }
  CountPolls(entry, outcome, counts);
  if (const decision::TargetState* state = outcome.observation.state()) Arrive(entry, *state, counts);
  UseAccount(entry, outcome, counts);
  const auto& external = entry.history.last_external;
  const bool moved_by_others = external && external->at == outcome.now;
  if (moved_by_others) ++counts.external_changes;
}

void Metrics::UseAccount(const PolicyEntry& entry, const decision::Outcome& outcome, Counts& counts) {
  const decision::TargetFailure* failure = outcome.observation.failure();
  const bool usable = entry.account && entry.target != nullptr &&
                      (failure == nullptr || failure->fault != decision::TargetFault::kAccountNotReady);
  if (!usable || counts.account != entry.account->name) LeaveAccount(entry.key, counts);
  if (!usable) return;
  counts.account = entry.account->name;
  Account& account = accounts_[counts.account];
  account.provider = provider_names_[entry.spec->target.type];
  if (const auto quota = entry.target->Quota()) account.quota = quota;
  account.users.insert(entry.key);
}

void Metrics::LeaveAccount(const kubeapi::ObjectKey& key, Counts& counts) {
  const auto account = accounts_.find(std::exchange(counts.account, ""));
  if (account == accounts_.end()) return;
  account->second.users.erase(key);
  if (account->second.users.empty()) accounts_.erase(account);
}

void Metrics::Forget(const kubeapi::ObjectKey& key) {
  const auto counts = counts_.find(key);
  if (counts == counts_.end()) return;
  LeaveAccount(key, counts->second);
  counts_.erase(counts);
}

const Metrics::Counts& Metrics::CountsOf(const PolicyEntry& entry) const {
  static const Counts kNone;
  const auto found = counts_.find(entry.key);
  return found == counts_.end() ? kNone : found->second;
}

}  // namespace ottoscale::reconcile
