// Stages Limits and Clamp: the bounds in force at this time, and the last word that limits have.
#include <algorithm>
#include <cstdlib>

#include "pkg/decision/draft.h"

namespace ottoscale::decision {
namespace {

// What the provider takes at most, as it says itself or as a refusal has taught.
std::optional<int> Ceiling(const Draft& draft) {
  const std::optional<int> learned = TrustedCeiling(draft.history, draft.now.boot);
  const std::optional<int>& said = draft.target()->ceiling;
  if (!learned || !said) return learned ? learned : said;
  return std::min(*learned, *said);
}

void CorrectTo(Draft& draft, Code code, int bound, Phrase phrase) {
  draft.decision.cause = Cause::kBounds;
  draft.value = draft.from();
  draft.Say(Stage::kLimits, code, bound, phrase, {.count = bound});
}

void UntilBoundsChange(Draft& draft) {
  const auto change = policy::NextChangeAfter(draft.spec.schedule, draft.now.wall);
  if (change) draft.Until(draft.now.boot + (*change - draft.now.wall));
}

// The bound that stops the strategies.
void LimitTo(Draft& draft, Code code, int bound, Phrase phrase) {
  draft.Say(Stage::kLimits, code, bound, phrase, {.count = bound});
  UntilBoundsChange(draft);
}

}  // namespace

void KeepLimits(Draft& draft) {
  const policy::Limits& limits = draft.decision.limits;
  const int from = draft.from();
  if (limits.conflict) draft.Say(Stage::kLimits, Code::kWindowConflict, draft.value, Phrase::kWindowConflict);
  if (from < limits.min) return CorrectTo(draft, Code::kBelowMin, limits.min, Phrase::kBelowMin);
  if (from > limits.max) return CorrectTo(draft, Code::kAboveMax, limits.max, Phrase::kAboveMax);
  if (draft.value > limits.max) return LimitTo(draft, Code::kLimitedByMax, limits.max, Phrase::kMaximum);
  if (draft.value < limits.min) LimitTo(draft, Code::kLimitedByMin, limits.min, Phrase::kMinimum);
}

// Nothing above can leave the bounds; this is here so that nothing added later can.
void Clamp(Draft& draft) {
  const policy::Limits& limits = draft.decision.limits;
  if (draft.ScalesOut() && draft.value > limits.max) {
    draft.Say(Stage::kClamp, Code::kLimitedByMax, std::max(limits.max, draft.from()), Phrase::kClampedMax);
  }
  if (draft.ScalesIn() && draft.value < limits.min) {
    draft.Say(Stage::kClamp, Code::kLimitedByMin, std::min(limits.min, draft.from()), Phrase::kClampedMin);
  }
  const int max_step = draft.spec.ceilings.max_step;
  if (std::abs(draft.value - draft.from()) > max_step) {
    draft.Say(Stage::kClamp, Code::kRateLimited, draft.from() + (draft.ScalesOut() ? max_step : -max_step),
              Phrase::kStepCeiling, {.count = max_step});
  }
  const std::optional<int> ceiling = Ceiling(draft);
  if (!draft.ScalesOut() || !ceiling || draft.value <= *ceiling) return;
  draft.Say(Stage::kClamp, Code::kTargetBounds, std::max(draft.from(), *ceiling), Phrase::kTargetCeiling,
            {.count = *ceiling});
  if (draft.history.ceiling_since) draft.Until(*draft.history.ceiling_since + History::kCeilingTrust);
}

}  // namespace ottoscale::decision
