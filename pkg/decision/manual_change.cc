// Stages Fallback and ManualChange: what is done when nothing can be measured, and when somebody else has acted.
#include <algorithm>

#include "pkg/decision/draft.h"

namespace ottoscale::decision {
namespace {

// Somebody else's change that nothing of ours has followed. Neither a 0 nor what led away from one is set back: that is
// the off switch.
const Change* OpenManualChange(const Draft& draft) {
  const History& history = draft.history;
  if (!history.last_external || history.last_external->to != draft.from()) return nullptr;
  const Change& change = *history.last_external;
  if (history.last_applied && history.last_applied->at.boot >= change.at.boot) return nullptr;
  return change.from == 0 || change.to == 0 || change.from == change.to ? nullptr : &change;
}

bool AnyWord(const Draft& draft) {
  return std::any_of(draft.decision.metrics.begin(), draft.decision.metrics.end(),
                     [](const MetricVerdict& verdict) { return verdict.recommended.has_value(); });
}

}  // namespace

void FallBack(Draft& draft) {
  const policy::Fallback& fallback = draft.spec.fallback;
  if (fallback.type == policy::Fallback::Type::kHold || AnyWord(draft) || draft.seen.probes_suspect) return;
  // Never valid: since we look. The first pass knows of no time before it.
  const async::BootTime since = draft.history.valid_at.value_or(draft.history.watching_since.value_or(draft.now.boot));
  const async::BootTime start = since + fallback.after;
  if (draft.now.boot < start) return draft.Until(start);
  if (fallback.capacity <= draft.from()) return;
  draft.decision.cause = Cause::kBounds;
  draft.Say(Stage::kFallback, Code::kFallback, fallback.capacity, Phrase::kFallback,
            {.count = fallback.capacity, .time = fallback.after});
}

void AnswerManualChange(Draft& draft) {
  const policy::ManualChange& manual = draft.spec.manual_change;
  if (manual.type == policy::ManualChange::Type::kAdopt) return;
  const Change* change = OpenManualChange(draft);
  if (change == nullptr) return;
  const Numbers numbers{.count = change->from, .needed = change->to, .time = manual.hold};
  if (manual.type == policy::ManualChange::Type::kRevert) {
    draft.decision.cause = Cause::kBounds;
    draft.value = draft.from();
    return draft.Say(Stage::kManual, Code::kManualRevert, change->from, Phrase::kManualRevert, numbers);
  }
  const async::BootTime end = change->at.boot + manual.hold;
  if (draft.value == draft.from() || draft.now.boot >= end) return;
  draft.decision.cause = Cause::kMetrics;
  draft.Hold(Stage::kManual, Code::kManualHold, Phrase::kManualHold, numbers);
  draft.Until(end);
}

}  // namespace ottoscale::decision
