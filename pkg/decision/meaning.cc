// When a status is worth a write: each one wakes every watcher.
#include <algorithm>
#include <cmath>
#include <utility>

#include "pkg/decision/status.h"

namespace ottoscale::decision {
namespace {

constexpr absl::Duration kRefresh = absl::Minutes(10);       // of readings that say much the same
constexpr absl::Duration kRefreshMoved = absl::Seconds(60);  // of readings that do not
constexpr double kMuch = 1.5;                                // times the value written, or less than the value by it

// The message of these says something that a person must do, and holds no reading.
bool MessageMatters(const Condition& condition) {
  return condition.type == "Ready" || condition.type == "Stalled" || condition.type == "Suspended";
}

// What is left when readings, and the times and words that come from them, are taken away.
PolicyStatus MeaningOf(PolicyStatus status) {
  for (MetricStatus& metric : status.metrics) metric = MetricStatus{.name = std::move(metric.name)};
  status.metric_summary.clear();
  status.next_scale_time.reset();
  status.memory.reset();
  if (status.decision) {
    status.decision->time = absl::Time();
    status.decision->message.clear();
    status.decision->stages.clear();
  }
  for (Condition& condition : status.conditions) {
    condition.last_transition = absl::Time();
    if (!MessageMatters(condition)) condition.message.clear();
  }
  return status;
}

bool Moved(const MetricStatus& written, const MetricStatus& now) {
  if (written.state != now.state || written.value.has_value() != now.value.has_value()) return true;
  if (!written.value) return false;
  const double small = std::min(std::abs(*written.value), std::abs(*now.value));
  const double large = std::max(std::abs(*written.value), std::abs(*now.value));
  return large > kMuch * small || std::signbit(*written.value) != std::signbit(*now.value);
}

// The readings of both are of the same metrics: otherwise the meaning has changed.
bool AnyMoved(const PolicyStatus& written, const PolicyStatus& now) {
  return !std::equal(written.metrics.begin(), written.metrics.end(), now.metrics.begin(), now.metrics.end(),
                     [](const MetricStatus& a, const MetricStatus& b) { return !Moved(a, b); });
}

}  // namespace

bool SameMeaning(const PolicyStatus& a, const PolicyStatus& b) { return MeaningOf(a) == MeaningOf(b); }

bool WorthWriting(const PolicyStatus& previous, const PolicyStatus& next, absl::Duration since) {
  if (!SameMeaning(previous, next)) return true;
  if (since < kRefreshMoved || previous.metric_summary == next.metric_summary) return false;
  return since >= kRefresh || AnyMoved(previous, next);
}

}  // namespace ottoscale::decision
