// Stages Suspend and Mode: whether what was decided may be done.
#include "pkg/decision/draft.h"

namespace ottoscale::decision {
void KeepSuspension(Draft& draft) {
  draft.decision.desired = draft.value;
  if (draft.value == draft.from() || !draft.spec.suspend) return;
  const policy::Suspend& suspend = *draft.spec.suspend;
  const auto direction = draft.ScalesOut() ? policy::Direction::kOut : policy::Direction::kIn;
  if (!suspend.Holds(direction, draft.now.wall)) return;
  draft.Hold(Stage::kSuspend, Code::kSuspended, Phrase::kSuspended);
  if (suspend.until != absl::InfiniteFuture()) draft.Until(draft.now.boot + (suspend.until - draft.now.wall));
}

void KeepMode(Draft& draft) {
  if (!draft.spec.OnlyRecommends() || draft.value == draft.from()) return;
  const bool frozen = draft.spec.ceilings.frozen;
  draft.Say(Stage::kMode, frozen ? Code::kFrozen : Code::kRecommendOnly, draft.value,
            frozen ? Phrase::kFrozen : Phrase::kRecommendOnly);
}

}  // namespace ottoscale::decision
