#include "pkg/reconcile/metrics.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/policy/schedule.h"
#include "pkg/reconcile/reconciler.h"

namespace ottoscale::reconcile {
namespace {

using telemetry::Family;
using telemetry::Label;
using telemetry::Labels;
using telemetry::MetricType;
using telemetry::Samples;

Labels PolicyLabels(const kubeapi::ObjectKey& key) { return {{"policy_namespace", key.ns}, {"policy", key.name}}; }

Labels With(Labels labels, std::initializer_list<Label> more) {
  labels.insert(labels.end(), more);
  return labels;
}

const char* ActionName(decision::Action action) {
  switch (action) {
    case decision::Action::kHold: return "hold";
    case decision::Action::kScaleOut: return "scale_out";
    case decision::Action::kScaleIn: return "scale_in";
  }
}

// "": nothing was asked of the cloud.
const char* ResultName(const decision::WriteResult& write) {
  static constexpr const char* kNames[] = {"", "success", "refused", "unknown", "superseded", "violation"};
  return kNames[write.index()];
}

const char* PollResult(const decision::Sample& sample) {
  if (sample.state == decision::SampleState::kValid) return "success";
  const bool timeout =
      sample.state == decision::SampleState::kCensored || sample.missing == decision::MissingReason::kTimeout;
  return timeout ? "timeout" : "error";
}

std::pair<std::string, std::string> Split(const std::string& key) {
  const size_t blank = key.rfind(' ');
  return {key.substr(0, blank), key.substr(blank + 1)};
}

Family Gauge(const char* name, const char* help) { return {name, help, MetricType::kGauge}; }
Family Counter(const char* name, const char* help) { return {name, help, MetricType::kCounter}; }

// From the metric's own unit to base units.
double Base(const decision::MetricVerdict& metric, double value) { return metric.unit == "ms" ? value / 1000 : value; }

}  // namespace

Metrics::Metrics(telemetry::Registry& registry)
    : registry_(registry),
      lateness_(registry.AddHistogram("ottoscale_reconcile_lag_seconds",
                                      "How late passes start, against their due time.", telemetry::LatencyBuckets())),
      pass_duration_(registry.AddHistogram("ottoscale_pass_duration_seconds", "From the start of a pass to its report.",
                                           telemetry::LatencyBuckets())),
      poll_duration_(registry.AddHistogram("ottoscale_metric_poll_duration_seconds", "One reading of one metric.",
                                           telemetry::LatencyBuckets())),
      violations_(registry.AddCounter("ottoscale_invariant_violations_total",
                                      "Changes that the write gate refused as a defect of the program.")) {}

void Metrics::Registered(const kubeapi::ObjectKey& key) {
  const auto [counts, added] = counts_.try_emplace(key);
  if (!added) return;
  for (const char* decision : {"hold Steady", "scale_out ThresholdBreached", "scale_in ThresholdBreached"}) {
    counts->second.decisions[decision] = 0;
  }
  for (const char* direction : {"out", "in"}) {
    for (const char* result : {"success", "refused", "unknown", "superseded", "violation"}) {
      counts->second.operations[absl::StrCat(direction, " ", result)] = 0;
    }
  }
}

void Metrics::Passed(const PolicyEntry& entry, const decision::Outcome& outcome, async::Instant finished,
                     absl::Duration late) {
  Registered(entry.key);
  Counts& counts = counts_[entry.key];
  lateness_.Observe(late);
  pass_duration_.Observe(finished.boot - outcome.now.boot);
  ++counts.decisions[absl::StrCat(ActionName(outcome.decision.action), " ", decision::CodeName(outcome.decision.code))];
  if (const char* result = ResultName(outcome.write); *result != '\0') {
    ++counts.operations[absl::StrCat(outcome.decision.to > outcome.decision.from ? "out" : "in", " ", result)];
  }
  for (size_t i = 0; i < outcome.observation.samples.size(); ++i) {
    const decision::Sample& sample = outcome.observation.samples[i];
    const std::string& name = entry.spec->metrics[i].name;
    ++counts.polls[absl::StrCat(name, " ", PollResult(sample))];
    poll_duration_.Observe(sample.took);
    if (sample.state == decision::SampleState::kValid) counts.last_success[name] = sample.measured_at.wall;
  }
  const auto& external = entry.history.last_external;
  const bool moved_by_others = external && external->at == outcome.now;
  if (moved_by_others) ++counts.external_changes;
}

void Metrics::Forget(const kubeapi::ObjectKey& key) { counts_.erase(key); }

template <class Write>
void Metrics::PerPolicy(const Entries& entries, Family family, Write write) {
  registry_.AddSeries(
      family, [&entries, write](absl::string_view after, Samples& samples) -> std::optional<std::string> {
        const size_t slash = after.find('/');
        auto it =
            after.empty()
                ? entries.begin()
                : entries.upper_bound({std::string(after.substr(0, slash)), std::string(after.substr(slash + 1))});
        std::optional<std::string> last;
        for (; it != entries.end(); ++it) {
          if (it->second.last) write(it->second, PolicyLabels(it->first), samples);
          last = it->first.ToString();
          if (samples.full()) break;
        }
        return last;
      });
}

// A gauge of one number, from the last outcome.
template <class Value>
void Metrics::Number(const Entries& entries, const char* name, const char* help, Value value) {
  PerPolicy(entries, Gauge(name, help), [value](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
    if (const std::optional<double> v = value(entry)) samples.Add(labels, *v);
  });
}

void Metrics::Watch(const Entries& entries) {
  WatchCapacity(entries);
  WatchState(entries);
  WatchCounters(entries);
}

void Metrics::WatchCapacity(const Entries& entries) {
  const auto state_number = [](const PolicyEntry& entry, int decision::TargetState::* member) -> std::optional<double> {
    const decision::TargetState* state = entry.last->observation.state();
    if (state == nullptr) return std::nullopt;
    return state->*member;
  };

  PerPolicy(entries, Gauge("ottoscale_policy_info", "What each policy scales; always 1."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              if (!entry.spec) return;
              samples.Add(
                  With(labels, {{"target_type", entry.spec->target.type},
                                {"target", entry.status.target},
                                {"mode", entry.spec->mode == policy::Mode::kEnforce ? "Enforce" : "Recommend"}}),
                  1);
            });
  Number(entries, "ottoscale_policy_current_capacity", "Instances that serve.",
         [state_number](const PolicyEntry& entry) { return state_number(entry, &decision::TargetState::ready); });
  Number(entries, "ottoscale_policy_target_capacity", "Instances that the cloud has been told.",
         [state_number](const PolicyEntry& entry) { return state_number(entry, &decision::TargetState::desired); });
  Number(entries, "ottoscale_policy_desired_capacity", "Instances that the policy wants now, in Recommend too.",
         [](const PolicyEntry& entry) { return std::optional<double>(entry.last->decision.desired); });
  Number(entries, "ottoscale_policy_recommended_capacity", "Instances that the metrics ask for, before any limit.",
         [](const PolicyEntry& entry) { return std::optional<double>(entry.last->decision.recommended); });
  Number(entries, "ottoscale_policy_min_capacity", "Lower bound in force, schedules included.",
         [](const PolicyEntry& entry) { return std::optional<double>(entry.last->decision.limits.min); });
  Number(entries, "ottoscale_policy_max_capacity", "Upper bound in force, schedules included.",
         [](const PolicyEntry& entry) { return std::optional<double>(entry.last->decision.limits.max); });
  Number(entries, "ottoscale_policy_recommend_only", "1 when the policy only recommends.",
         [](const PolicyEntry& entry) {
           return std::optional<double>(entry.spec && entry.spec->mode == policy::Mode::kRecommend ? 1 : 0);
         });
}

void Metrics::WatchState(const Entries& entries) {
  PerPolicy(entries, Gauge("ottoscale_policy_suspended", "1 when changes in this direction are suspended."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              if (!entry.spec) return;
              const auto held = [&entry](policy::Direction direction) {
                return entry.spec->suspend && entry.spec->suspend->Holds(direction, entry.last->now.wall) ? 1 : 0;
              };
              samples.Add(With(labels, {{"direction", "scale_out"}}), held(policy::Direction::kOut));
              samples.Add(With(labels, {{"direction", "scale_in"}}), held(policy::Direction::kIn));
            });
  PerPolicy(entries, Gauge("ottoscale_policy_condition", "1 for the status that each condition has."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              for (const decision::Condition& condition : entry.status.conditions) {
                for (const char* status : {"True", "False", "Unknown"}) {
                  samples.Add(With(labels, {{"type", condition.type}, {"status", status}}), condition.status == status);
                }
              }
            });
  PerPolicy(entries, Gauge("ottoscale_policy_metric_value", "The sample that counts, in base units."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              for (const decision::MetricVerdict& metric : entry.last->decision.metrics) {
                if (metric.value) samples.Add(With(labels, {{"metric", metric.name}}), Base(metric, *metric.value));
              }
            });
  PerPolicy(entries, Gauge("ottoscale_policy_metric_threshold", "The thresholds, in base units."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              if (!entry.spec) return;
              for (size_t i = 0; i < entry.spec->metrics.size() && i < entry.last->decision.metrics.size(); ++i) {
                const auto& threshold = std::get<policy::Threshold>(entry.spec->metrics[i].strategy);
                const decision::MetricVerdict& metric = entry.last->decision.metrics[i];
                samples.Add(With(labels, {{"metric", metric.name}, {"bound", "lower"}}), Base(metric, threshold.lower));
                samples.Add(With(labels, {{"metric", metric.name}, {"bound", "upper"}}), Base(metric, threshold.upper));
              }
            });
  PerPolicy(entries, Gauge("ottoscale_policy_consecutive_breaches", "Samples in a row outside the thresholds."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              for (const decision::MetricVerdict& metric : entry.last->decision.metrics) {
                samples.Add(With(labels, {{"metric", metric.name}, {"direction", "scale_out"}}),
                            metric.above ? metric.breaches : 0);
                samples.Add(With(labels, {{"metric", metric.name}, {"direction", "scale_in"}}),
                            metric.above ? 0 : metric.breaches);
              }
            });
  PerPolicy(entries, Gauge("ottoscale_schedule_active", "1 when the window is open."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              if (!entry.spec) return;
              for (const policy::Window& window : entry.spec->schedule.windows) {
                samples.Add(With(labels, {{"schedule", window.name}}),
                            policy::OpenAt(window, entry.spec->schedule.zone, entry.last->now.wall));
              }
            });
  PerPolicy(entries, Gauge("ottoscale_last_scale_timestamp_seconds", "When the last change was made; 0 for never."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              const auto at = [](const std::optional<async::Instant>& time) {
                return time ? static_cast<double>(absl::ToUnixMillis(time->wall)) / 1000 : 0;
              };
              samples.Add(With(labels, {{"direction", "scale_out"}}), at(entry.history.last_scale_out));
              samples.Add(With(labels, {{"direction", "scale_in"}}), at(entry.history.last_scale_in));
            });
}

void Metrics::WatchCounters(const Entries& entries) {
  PerPolicy(entries,
            Counter("ottoscale_decisions_total", "Decisions by what was decided and the reason that bound it."),
            [this](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              for (const auto& [key, count] : counts_[entry.key].decisions) {
                const auto [action, reason] = Split(key);
                samples.Add(With(labels, {{"action", action}, {"reason", reason}}), static_cast<double>(count));
              }
            });
  PerPolicy(entries, Counter("ottoscale_scale_operations_total", "Writes to the cloud, and those that were kept back."),
            [this](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              for (const auto& [key, count] : counts_[entry.key].operations) {
                const auto [direction, result] = Split(key);
                samples.Add(With(labels, {{"direction", absl::StrCat("scale_", direction)}, {"result", result}}),
                            static_cast<double>(count));
              }
            });
  PerPolicy(entries, Counter("ottoscale_external_changes_total", "Changes of the target that somebody else made."),
            [this](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              samples.Add(labels, static_cast<double>(counts_[entry.key].external_changes));
            });
  PerPolicy(entries, Counter("ottoscale_metric_polls_total", "Readings of each metric by their result."),
            [this](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              if (!entry.spec) return;
              auto& polls = counts_[entry.key].polls;
              for (const policy::Metric& metric : entry.spec->metrics) {
                for (const char* result : {"success", "timeout", "error"}) {
                  samples.Add(With(labels, {{"metric", metric.name}, {"result", result}}),
                              static_cast<double>(polls[absl::StrCat(metric.name, " ", result)]));
                }
              }
            });
  PerPolicy(entries, Gauge("ottoscale_metric_last_success_timestamp_seconds", "When the metric was last measured."),
            [this](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              for (const auto& [name, time] : counts_[entry.key].last_success) {
                samples.Add(With(labels, {{"metric", name}}), static_cast<double>(absl::ToUnixMillis(time)) / 1000);
              }
            });
}

}  // namespace ottoscale::reconcile
