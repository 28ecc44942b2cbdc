// Stages Suspend and Mode: whether what was decided may be done.
#include "absl/strings/str_cat.h"
#include "pkg/decision/draft.h"

namespace ottoscale::decision {
namespace {

const char* ScopeWords(policy::Suspend::Scope scope) {
  switch (scope) {
    case policy::Suspend::Scope::kAll: return "scaling is suspended";
    case policy::Suspend::Scope::kScaleIn: return "scaling in is suspended";
    case policy::Suspend::Scope::kScaleOut: return "scaling out is suspended";
  }
  return "";
}

}  // namespace

void KeepSuspension(Draft& draft) {
  draft.decision.desired = draft.value;
  if (draft.value == draft.from() || !draft.spec.suspend) return;
  const policy::Suspend& suspend = *draft.spec.suspend;
  const auto direction = draft.ScalesOut() ? policy::Direction::kOut : policy::Direction::kIn;
  if (!suspend.Holds(direction, draft.now.wall)) return;
  draft.Hold(Stage::kSuspend, Code::kSuspended,
             absl::StrCat(ScopeWords(suspend.scope), suspend.reason.empty() ? "" : " (", suspend.reason,
                          suspend.reason.empty() ? "" : ")"));
  if (suspend.until != absl::InfiniteFuture()) draft.Until(draft.now.boot + (suspend.until - draft.now.wall));
}

void KeepMode(Draft& draft) {
  if (!draft.spec.OnlyRecommends() || draft.value == draft.from()) return;
  if (draft.spec.ceilings.frozen) {
    draft.Say(Stage::kMode, Code::kFrozen, draft.value, "nothing is written (the operator is frozen)");
    return;
  }
  draft.Say(Stage::kMode, Code::kRecommendOnly, draft.value, "nothing is written (Recommend)");
}

}  // namespace ottoscale::decision
