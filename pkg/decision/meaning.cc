// When a status is worth a write: each one wakes every watcher.
#include <utility>

#include "pkg/decision/status.h"

namespace ottoscale::decision {
namespace {

constexpr absl::Duration kRefresh = absl::Seconds(60);

// The message of these says something that a person must do, and holds no reading.
bool MessageMatters(const Condition& condition) {
  return condition.type == "Ready" || condition.type == "Stalled" || condition.type == "Suspended";
}

// What is left when readings, and the times and words that come from them, are taken away.
PolicyStatus MeaningOf(PolicyStatus status) {
  for (MetricStatus& metric : status.metrics) metric = MetricStatus{.name = std::move(metric.name)};
  status.metric_summary.clear();
  status.next_scale_time.reset();
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

}  // namespace

bool SameMeaning(const PolicyStatus& a, const PolicyStatus& b) { return MeaningOf(a) == MeaningOf(b); }

bool WorthWriting(const PolicyStatus& previous, const PolicyStatus& next, absl::Duration since) {
  if (!SameMeaning(previous, next)) return true;
  return since >= kRefresh && previous.metric_summary != next.metric_summary;
}

}  // namespace ottoscale::decision
