// Stages Stabilise, Rate, Cooldown and InFlight: how soon and how far. Corrections of the bounds pass all of them but
// the rate limits, which a scale-in keeps, and the rule that nothing is taken away while a change is under way.
#include <algorithm>
#include <cstdint>

#include "pkg/decision/draft.h"

namespace ottoscale::decision {
namespace {

using policy::Direction;
using policy::DirectionBehavior;

const DirectionBehavior& BehaviorOf(const Draft& draft) {
  return draft.ScalesOut() ? draft.spec.behavior.scale_out : draft.spec.behavior.scale_in;
}

bool IsCorrection(const Draft& draft) { return draft.decision.cause == Cause::kBounds; }

void StabiliseOut(Draft& draft, absl::Duration window) {
  int lowest = draft.value;
  std::optional<async::BootTime> release;
  for (const Recommendation& old : draft.history.recommendations) {
    if (draft.now.boot - old.at >= window) continue;
    lowest = std::min(lowest, old.capacity);
    if (old.capacity < draft.value) release = std::max(release.value_or(old.at), old.at);
  }
  if (lowest >= draft.value) return;
  const int out = std::max(draft.from(), lowest);
  draft.Say(Stage::kStabilise, Code::kStabilizing, out, Phrase::kEnoughBefore, {.count = lowest, .time = window});
  if (release) draft.Until(*release + window);
}

// Nothing goes that the readings of the window would have wanted back. So what counts of each is the fewest with which
// it was content, tolerance and all, and not how many it recommended: that may have been as many as there were.
void StabiliseIn(Draft& draft, absl::Duration window) {
  const auto since = ObservingSince(draft.spec, draft.history, draft.now.boot).value_or(draft.now.boot);
  if (draft.now.boot - since < window) {
    draft.Hold(Stage::kStabilise, Code::kStabilizing, Phrase::kWindowUnobserved, {.time = window});
    return draft.Until(since + window);
  }
  int highest = draft.value;
  std::optional<async::BootTime> release;
  for (const Recommendation& old : draft.history.recommendations) {
    if (draft.now.boot - old.at >= window) continue;
    highest = std::max(highest, old.least);
    if (old.least > draft.value) release = std::max(release.value_or(old.at), old.at);
  }
  if (highest <= draft.value) return;
  draft.Say(Stage::kStabilise, Code::kStabilizing, std::min(draft.from(), highest), Phrase::kNeededBefore,
            {.count = highest, .time = window});
  if (release) draft.Until(*release + window);
}

// How far one rate policy lets the capacity go from here, and when it allows more.
struct Allowance {
  int64_t left = 0;
  std::optional<async::BootTime> more_at;
};

Allowance AllowedBy(const policy::RatePolicy& rate, const Draft& draft) {
  const bool out = draft.ScalesOut();
  int64_t same = 0;  // moved within the period in this direction
  int64_t opposite = 0;
  Allowance allowance;
  for (const Change& change : draft.history.changes) {
    if (draft.now.boot - change.at.boot >= rate.period) continue;
    const int64_t moved = out ? change.to - change.from : change.from - change.to;
    if (moved > 0 && !allowance.more_at) allowance.more_at = change.at.boot + rate.period;
    (moved > 0 ? same : opposite) += std::abs(moved);
  }
  const int64_t start = std::max<int64_t>(0, out ? draft.from() - same + opposite : draft.from() + same - opposite);
  const bool percent = rate.type == policy::RatePolicy::Type::kPercent;
  const int64_t total = percent ? (start * rate.value + 99) / 100 : rate.value;
  allowance.left = std::max<int64_t>(0, std::max<int64_t>(1, total) - same);
  return allowance;
}

Allowance AllowedBy(const DirectionBehavior& behavior, const Draft& draft) {
  std::optional<Allowance> best;
  for (const policy::RatePolicy& rate : behavior.policies) {
    const Allowance allowance = AllowedBy(rate, draft);
    const bool better = best && (behavior.select == DirectionBehavior::Select::kMax ? allowance.left > best->left
                                                                                    : allowance.left < best->left);
    if (!best || better) best = allowance;
  }
  return *best;
}

// When the cooldown of this direction ends; nullopt when it does not hold.
std::optional<async::BootTime> CooldownEnd(const Draft& draft) {
  const Direction direction = draft.ScalesOut() ? Direction::kOut : Direction::kIn;
  const std::optional<async::BootTime> start = CooldownStart(draft.history, direction);
  if (!start || draft.now.boot - *start >= BehaviorOf(draft).cooldown) return std::nullopt;
  return *start + BehaviorOf(draft).cooldown;
}

// The same when we do not know when the last change was: a whole cooldown has to be observed.
std::optional<async::BootTime> UnknownCooldownEnd(const Draft& draft) {
  if (!draft.history.state_lost) return std::nullopt;
  const DirectionBehavior& behavior = BehaviorOf(draft);
  const absl::Duration whole =
      draft.ScalesIn() ? std::max(behavior.cooldown, behavior.stabilization_window) : behavior.cooldown;
  const auto since = ObservingSince(draft.spec, draft.history, draft.now.boot).value_or(draft.now.boot);
  if (draft.now.boot - since >= whole) return std::nullopt;
  return since + whole;
}

// Threshold and StepTable step from what they see, so they wait until that is there. The others count what was ordered.
bool WaitsInFlight(const policy::Strategy& strategy) {
  return std::holds_alternative<policy::Threshold>(strategy) || std::holds_alternative<policy::StepTable>(strategy);
}

}  // namespace

void Stabilise(Draft& draft) {
  if (IsCorrection(draft)) return;
  const absl::Duration window = BehaviorOf(draft).stabilization_window;
  if (window <= absl::ZeroDuration()) return;
  if (draft.ScalesOut()) StabiliseOut(draft, window);
  if (draft.ScalesIn()) StabiliseIn(draft, window);
}

void KeepRate(Draft& draft) {
  const bool out = draft.ScalesOut();
  if (draft.value == draft.from() || (out && IsCorrection(draft))) return;
  const DirectionBehavior& behavior = BehaviorOf(draft);
  if (behavior.select == DirectionBehavior::Select::kDisabled) {
    return draft.Hold(Stage::kRate, Code::kDisabled, Phrase::kDisabled, {.above = out});
  }
  if (behavior.policies.empty()) return;
  const Allowance allowance = AllowedBy(behavior, draft);
  const int64_t wanted = std::abs(draft.value - draft.from());
  if (allowance.left >= wanted) return;
  const int step = static_cast<int>(allowance.left);
  draft.Say(Stage::kRate, Code::kRateLimited, out ? draft.from() + step : draft.from() - step,
            step == 0 ? Phrase::kNoMoreForNow : Phrase::kSomeForNow, {.count = step});
  if (allowance.more_at) draft.Until(*allowance.more_at);
}

void KeepCooldown(Draft& draft) {
  if (draft.value == draft.from() || IsCorrection(draft)) return;
  if (const auto end = UnknownCooldownEnd(draft)) {
    draft.Hold(Stage::kCooldown, Code::kStateLost, Phrase::kChangeUnknown);
    return draft.Until(*end);
  }
  if (const auto end = CooldownEnd(draft)) {
    draft.Hold(Stage::kCooldown, Code::kCooldown, Phrase::kCooldown, {.time = BehaviorOf(draft).cooldown});
    draft.Until(*end);
  }
}

void AwaitFlight(Draft& draft) {
  const TargetState& target = *draft.target();
  if (!target.InFlight()) return;
  const async::BootTime deadline =
      draft.history.in_flight_since.value_or(draft.now.boot) + draft.spec.behavior.progress_deadline;
  if (draft.now.boot >= deadline) {
    return draft.Say(Stage::kInFlight, Code::kNotProgressing, draft.value, Phrase::kNotProgressing,
                     {.time = draft.spec.behavior.progress_deadline});
  }
  const auto& metrics = draft.spec.metrics;
  const bool waits =
      !IsCorrection(draft) && std::any_of(metrics.begin(), metrics.end(),
                                          [](const policy::Metric& metric) { return WaitsInFlight(metric.strategy); });
  if (!draft.ScalesIn() && !(draft.ScalesOut() && waits)) return;
  draft.Hold(Stage::kInFlight, Code::kInFlight, Phrase::kInFlight);
  draft.Until(deadline);
}

}  // namespace ottoscale::decision
