// Stages Clock, Suspend and Mode: whether what was decided may be done.
#include "pkg/decision/draft.h"

// Note [A wall clock that jumps]
// Intervals are measured on a clock that nobody sets, so a jump of the wall clock only changes which windows of the
// schedule and which suspension are in force. Who has set it may set it right at once, and what a wrong day's minimum
// buys or a wrong night's maximum takes away is not undone so soon: so nothing is done in the first pass behind a jump.
// In the next one the clock is taken at its word. A machine that slept has no jump: both clocks have gone on.

namespace ottoscale::decision {
namespace {

constexpr absl::Duration kJump = absl::Seconds(60);  // a clock that is slewed or steered moves by less between passes

// How far the wall clock was set since the last pass; forward is above 0.
absl::Duration JumpOf(const Draft& draft) {
  if (!draft.history.last_pass) return absl::ZeroDuration();
  const async::Instant& last = *draft.history.last_pass;
  return (draft.now.wall - last.wall) - (draft.now.boot - last.boot);
}

}  // namespace

void DoubtClock(Draft& draft) {
  if (draft.value == draft.from()) return;
  const absl::Duration jump = JumpOf(draft);
  if (absl::AbsDuration(jump) <= kJump) return;
  draft.Hold(Stage::kClock, Code::kClockJumped, Phrase::kClockJumped,
             {.time = absl::AbsDuration(jump), .above = jump > absl::ZeroDuration()});
}

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
