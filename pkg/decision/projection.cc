// Stage Projection: what is left after a scale-in carries what was taken away. Where that would lie above a threshold
// at once, fewer are taken, or none; as Azure's autoscale does.
#include <algorithm>

#include "pkg/decision/draft.h"
#include "pkg/policy/quiet_range.h"

namespace ottoscale::decision {
namespace {

// Only what is divided by the capacity grows as it shrinks. The strategies with a target have done it themselves.
bool IsShared(const policy::Metric& metric) {
  if (metric.basis == policy::Basis::kValue) return false;
  return std::holds_alternative<policy::Threshold>(metric.strategy) ||
         std::holds_alternative<policy::StepTable>(metric.strategy);
}

// The smallest capacity at which this metric stays within its bounds; 0: any.
int SmallestFor(const Draft& draft, size_t i) {
  const policy::Metric& metric = draft.spec.metrics[i];
  const std::optional<Reading>& reading = draft.usable[i];
  if (!IsShared(metric) || !reading) return 0;
  const std::optional<double> upper = policy::QuietRangeOf(metric.strategy).upper;
  if (!upper || !(*upper > 0)) return 0;
  const double load = reading->value * draft.target()->ready;
  // A threshold itself is still in range, while a step out begins at its lower end.
  const bool inclusive = std::holds_alternative<policy::Threshold>(metric.strategy);
  for (int left = std::max(1, draft.value); left < draft.from(); ++left) {
    const double each = load / left;
    if (inclusive ? each <= *upper : each < *upper) return left;
  }
  return draft.from();
}

}  // namespace

void ProjectScaleIn(Draft& draft) {
  if (!draft.ScalesIn() || draft.decision.cause == Cause::kBounds || !draft.spec.behavior.project_scale_in) return;
  int smallest = 0;
  int speaker = -1;
  for (size_t i = 0; i < draft.usable.size(); ++i) {
    const int needed = SmallestFor(draft, i);
    const bool first_by_name = speaker >= 0 && needed == smallest &&
                               draft.spec.metrics[i].name < draft.spec.metrics[static_cast<size_t>(speaker)].name;
    if (needed > smallest || (needed > 0 && first_by_name)) {
      smallest = needed;
      speaker = static_cast<int>(i);
    }
  }
  if (smallest <= draft.value) return;
  const size_t at = static_cast<size_t>(speaker);
  const double load = draft.usable[at]->value * draft.target()->ready;
  const double upper = *policy::QuietRangeOf(draft.spec.metrics[at].strategy).upper;
  const Numbers numbers{
      .value = draft.value > 0 ? load / draft.value : load, .bound = upper, .count = draft.value, .needed = smallest};
  draft.Say(Stage::kProjection, Code::kWouldFlap, smallest,
            smallest == draft.from() ? Phrase::kProjectedNone : Phrase::kProjectedFewer, numbers, speaker);
}

}  // namespace ottoscale::decision
