// The series that are made at the moment of the scrape: of each policy, from its entry, and of each account.
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/policy/quiet_range.h"
#include "pkg/policy/schedule.h"
#include "pkg/reconcile/metrics.h"
#include "pkg/reconcile/reconciler.h"

// Note [Keys of a scrape]
// A scrape comes back with the last key that it has seen, and keys go up. The blank between namespace and name sorts
// below every character of a name, as an ObjectKey does: with a slash, "a-b/x" would come before "a/x".

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

std::pair<std::string, std::string> Split(absl::string_view key) {
  const size_t blank = key.rfind(' ');
  return {std::string(key.substr(0, blank)), std::string(key.substr(blank + 1))};
}

Family Gauge(const char* name, const char* help) { return {name, help, MetricType::kGauge}; }
Family Counter(const char* name, const char* help) { return {name, help, MetricType::kCounter}; }

double Seconds(absl::Time time) { return static_cast<double>(absl::ToUnixMillis(time)) / 1000; }

// From the metric's own unit to base units.
double Base(const std::string& unit, double value) { return unit == "ms" ? value / 1000 : value; }

// What the last pass has seen and decided, as long as it speaks of the spec that we have; null when there is none.
const decision::Outcome* LastOf(const PolicyEntry& entry) { return entry.spec && entry.last ? &*entry.last : nullptr; }

// The same, when the target was read.
const decision::Outcome* SeenOf(const PolicyEntry& entry) {
  const decision::Outcome* last = LastOf(entry);
  return last != nullptr && last->observation.state() != nullptr ? last : nullptr;
}

std::optional<double> Optional(const std::optional<int>& number) {
  return number ? std::optional<double>(*number) : std::nullopt;
}

}  // namespace

template <class Write>
void Metrics::PerPolicy(const Entries& entries, Family family, Write write) {
  registry_.AddSeries(family,
                      [&entries, write](absl::string_view after, Samples& samples) -> std::optional<std::string> {
                        const auto [ns, name] = Split(after);
                        auto it = after.empty() ? entries.begin() : entries.upper_bound({ns, name});
                        std::optional<std::string> last;
                        for (; it != entries.end() && !(last && samples.full()); ++it) {
                          write(it->second, PolicyLabels(it->first), samples);
                          last = absl::StrCat(it->first.ns, " ", it->first.name);
                        }
                        return last;
                      });
}

// One number a policy; nullopt leaves it out.
template <class Value>
void Metrics::Number(const Entries& entries, const char* name, const char* help, Value value) {
  PerPolicy(entries, Gauge(name, help), [value](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
    if (const std::optional<double> v = value(entry)) samples.Add(labels, *v);
  });
}

void Metrics::Watch(const Entries& entries) {
  WatchSpec(entries);
  WatchCapacity(entries);
  WatchState(entries);
  WatchCounters(entries);
  WatchAccounts();
}

// What was asked for.
void Metrics::WatchSpec(const Entries& entries) {
  // Of an invalid policy too, with what is known of it: it must not vanish from a list of policies.
  PerPolicy(entries, Gauge("ottoscale_policy_info", "What each policy scales; always 1."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              const bool recommends = entry.spec && entry.spec->mode == policy::Mode::kRecommend;
              samples.Add(With(labels, {{"target_type", entry.spec ? entry.spec->target.type : ""},
                                        {"target", entry.status.target},
                                        {"mode", !entry.spec  ? ""
                                                 : recommends ? "Recommend"
                                                              : "Enforce"}}),
                          1);
            });
  Number(entries, "ottoscale_policy_poll_period_seconds", "How often the policy's metrics are read.",
         [](const PolicyEntry& entry) -> std::optional<double> {
           if (!entry.spec) return std::nullopt;
           return absl::ToDoubleSeconds(entry.spec->poll_period);
         });
  Number(entries, "ottoscale_policy_recommend_only", "1 when the policy only recommends.",
         [](const PolicyEntry& entry) -> std::optional<double> {
           if (!entry.spec) return std::nullopt;
           return entry.spec->mode == policy::Mode::kRecommend;
         });
  PerPolicy(entries, Gauge("ottoscale_policy_suspended", "1 when the policy is suspended in this direction."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              const decision::Outcome* last = LastOf(entry);
              if (last == nullptr) return;
              const auto held = [&](policy::Direction direction) {
                return entry.spec->suspend && entry.spec->suspend->Holds(direction, last->now.wall) ? 1 : 0;
              };
              samples.Add(With(labels, {{"direction", "scale_out"}}), held(policy::Direction::kOut));
              samples.Add(With(labels, {{"direction", "scale_in"}}), held(policy::Direction::kIn));
            });
  PerPolicy(entries, Gauge("ottoscale_policy_metric_threshold", "The thresholds, in base units."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              const decision::Outcome* last = LastOf(entry);
              if (last == nullptr) return;
              for (size_t i = 0; i < entry.spec->metrics.size() && i < last->decision.metrics.size(); ++i) {
                const policy::QuietRange range = policy::QuietRangeOf(entry.spec->metrics[i].strategy);
                const std::string& name = entry.spec->metrics[i].name;
                const std::string& unit = last->decision.metrics[i].unit;
                const auto add = [&](const char* bound, std::optional<double> value) {
                  if (value) samples.Add(With(labels, {{"metric", name}, {"bound", bound}}), Base(unit, *value));
                };
                add("lower", range.lower);
                add("upper", range.upper);
              }
            });
  PerPolicy(entries, Gauge("ottoscale_schedule_active", "1 when the window is open."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              const decision::Outcome* last = LastOf(entry);
              if (last == nullptr) return;
              for (const policy::Window& window : entry.spec->schedule.windows) {
                samples.Add(With(labels, {{"schedule", window.name}}),
                            policy::OpenAt(window, entry.spec->schedule.zone, last->now.wall));
              }
            });
}

void Metrics::WatchCapacity(const Entries& entries) {
  Number(entries, "ottoscale_policy_current_capacity", "Instances that serve.",
         [](const PolicyEntry& entry) -> std::optional<double> {
           return SeenOf(entry) ? Optional(entry.status.current_capacity) : std::nullopt;
         });
  Number(entries, "ottoscale_policy_target_capacity", "Instances that the cloud has been told.",
         [](const PolicyEntry& entry) -> std::optional<double> {
           return SeenOf(entry) ? Optional(entry.status.target_capacity) : std::nullopt;
         });
  Number(entries, "ottoscale_policy_desired_capacity", "Instances that the policy wants now, in Recommend too.",
         [](const PolicyEntry& entry) -> std::optional<double> {
           if (const auto* seen = SeenOf(entry)) return seen->decision.desired;
           return std::nullopt;
         });
  Number(entries, "ottoscale_policy_recommended_capacity", "Instances that the metrics ask for, before any limit.",
         [](const PolicyEntry& entry) -> std::optional<double> {
           if (const auto* seen = SeenOf(entry)) return seen->decision.recommended;
           return std::nullopt;
         });
  Number(entries, "ottoscale_policy_min_capacity", "Lower bound in force, schedules included.",
         [](const PolicyEntry& entry) -> std::optional<double> {
           if (const auto* last = LastOf(entry)) return last->decision.limits.min;
           return std::nullopt;
         });
  Number(entries, "ottoscale_policy_max_capacity", "Upper bound in force, schedules included.",
         [](const PolicyEntry& entry) -> std::optional<double> {
           if (const auto* last = LastOf(entry)) return last->decision.limits.max;
           return std::nullopt;
         });
}

void Metrics::WatchState(const Entries& entries) {
  PerPolicy(entries, Gauge("ottoscale_policy_condition", "1 for the status that each condition has."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              const auto add = [&](const std::string& type, absl::string_view is) {
                for (const char* status : {"True", "False", "Unknown"}) {
                  samples.Add(With(labels, {{"type", type}, {"status", status}}), is == status);
                }
              };
              for (const decision::Condition& condition : entry.status.conditions)
                add(condition.type, condition.status);
              // Before the first report nothing is known of the four that every policy has.
              for (const char* type : {"Ready", "ScalingActive", "AbleToScale", "ScalingLimited"}) {
                if (decision::FindCondition(entry.status, type) == nullptr) add(type, "Unknown");
              }
            });
  Number(entries, "ottoscale_policy_target_ambiguous",
         "1 while another policy may write to the same target: both hold.",
         [](const PolicyEntry& entry) -> std::optional<double> {
           const decision::Outcome* last = LastOf(entry);
           const decision::TargetFailure* failure = last == nullptr ? nullptr : last->observation.failure();
           return failure != nullptr && failure->reason == "AmbiguousTarget";
         });
  PerPolicy(entries, Gauge("ottoscale_policy_metric_value", "The sample that counts, in base units."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              const decision::Outcome* last = LastOf(entry);
              if (last == nullptr) return;
              for (const decision::MetricVerdict& metric : last->decision.metrics) {
                if (metric.value)
                  samples.Add(With(labels, {{"metric", metric.name}}), Base(metric.unit, *metric.value));
              }
            });
  PerPolicy(entries, Gauge("ottoscale_policy_consecutive_breaches", "Samples in a row outside the thresholds."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              if (!entry.spec) return;
              for (size_t i = 0; i < entry.spec->metrics.size(); ++i) {
                decision::MetricVerdict verdict;
                if (entry.last && i < entry.last->decision.metrics.size()) verdict = entry.last->decision.metrics[i];
                const Label metric{"metric", entry.spec->metrics[i].name};
                samples.Add(With(labels, {metric, {"direction", "scale_out"}}), verdict.above ? verdict.breaches : 0);
                samples.Add(With(labels, {metric, {"direction", "scale_in"}}), verdict.above ? 0 : verdict.breaches);
              }
            });
  PerPolicy(entries, Gauge("ottoscale_last_scale_timestamp_seconds", "When the last change was made; 0 for never."),
            [](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              const auto at = [](const std::optional<async::Instant>& time) { return time ? Seconds(time->wall) : 0; };
              samples.Add(With(labels, {{"direction", "scale_out"}}), at(entry.history.last_scale_out));
              samples.Add(With(labels, {{"direction", "scale_in"}}), at(entry.history.last_scale_in));
            });
}

void Metrics::WatchCounters(const Entries& entries) {
  PerPolicy(entries,
            Counter("ottoscale_decisions_total", "Decisions by what was decided and the reason that bound it."),
            [this](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              for (const auto& [key, count] : CountsOf(entry).decisions) {
                const auto [action, reason] = Split(key);
                samples.Add(With(labels, {{"action", action}, {"reason", reason}}), static_cast<double>(count));
              }
            });
  PerPolicy(entries, Counter("ottoscale_scale_operations_total", "Writes to the cloud, and those that were kept back."),
            [this](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              for (const auto& [key, count] : CountsOf(entry).operations) {
                const auto [direction, result] = Split(key);
                samples.Add(With(labels, {{"direction", direction}, {"result", result}}), static_cast<double>(count));
              }
            });
  PerPolicy(entries, Counter("ottoscale_external_changes_total", "Changes of the target that somebody else made."),
            [this](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              samples.Add(labels, static_cast<double>(CountsOf(entry).external_changes));
            });
  PerPolicy(entries, Counter("ottoscale_direction_changes_total", "Changes that went the other way than the last one."),
            [this](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              samples.Add(labels, static_cast<double>(CountsOf(entry).direction_changes));
            });
  PerPolicy(entries, Counter("ottoscale_metric_polls_total", "Readings of each metric by their result."),
            [this](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              if (!entry.spec) return;
              const auto& polls = CountsOf(entry).polls;
              for (const policy::Metric& metric : entry.spec->metrics) {
                for (const char* result : {"success", "timeout", "error", "stale"}) {
                  const auto count = polls.find(absl::StrCat(metric.name, " ", result));
                  samples.Add(With(labels, {{"metric", metric.name}, {"result", result}}),
                              count == polls.end() ? 0 : static_cast<double>(count->second));
                }
              }
            });
  PerPolicy(entries,
            Gauge("ottoscale_metric_last_success_timestamp_seconds",
                  "When the metric was last measured; 0 for never since the start."),
            [this](const PolicyEntry& entry, const Labels& labels, Samples& samples) {
              if (!entry.spec) return;
              const auto& times = CountsOf(entry).last_success;
              for (const policy::Metric& metric : entry.spec->metrics) {
                const auto time = times.find(metric.name);
                samples.Add(With(labels, {{"metric", metric.name}}), time == times.end() ? 0 : Seconds(time->second));
              }
            });
}

template <class Value>
void Metrics::PerAccount(const char* name, const char* help, Value value) {
  registry_.AddSeries(Gauge(name, help),
                      [this, value](absl::string_view after, Samples& samples) -> std::optional<std::string> {
                        std::optional<std::string> last;
                        for (auto it = accounts_.upper_bound(std::string(after));
                             it != accounts_.end() && !(last && samples.full()); ++it) {
                          last = it->first;
                          if (!it->second.quota) continue;
                          samples.Add({{"provider", it->second.provider}, {"account", it->first}},
                                      static_cast<double>(value(*it->second.quota)));
                        }
                        return last;
                      });
}

// Once an account, and not once a policy that uses it; absent until its cloud has said something.
void Metrics::WatchAccounts() {
  PerAccount("ottoscale_provider_rate_limit_remaining", "Requests that the cloud still allows this account.",
             [](const ports::RequestQuota& quota) { return quota.remaining; });
  PerAccount("ottoscale_provider_rate_limit", "The most requests that the cloud has ever said were left.",
             [](const ports::RequestQuota& quota) { return quota.limit; });
}

}  // namespace ottoscale::reconcile
