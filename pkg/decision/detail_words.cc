// The sentence of each phrase. A reason's `detail` stands behind the metric's name, where it speaks of one: "heartbeat"
// "1240 ms is above 1000 ms for 3 of 3 samples".
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "pkg/base/check.h"
#include "pkg/decision/decide.h"
#include "pkg/decision/draft.h"
#include "pkg/decision/words.h"

namespace ottoscale::decision {
namespace {

// What a sentence may speak of beside the numbers.
struct Scene {
  const policy::ScalingPolicy& spec;
  const Observation& seen;
  const Decision& decision;

  const policy::Metric* MetricOf(const Reason& reason) const {
    const auto index = static_cast<size_t>(reason.metric_index);
    return reason.metric_index >= 0 && index < spec.metrics.size() ? &spec.metrics[index] : nullptr;
  }
  const Sample* SampleOf(const Reason& reason) const {
    const auto index = static_cast<size_t>(reason.metric_index);
    return reason.metric_index >= 0 && index < seen.samples.size() ? &seen.samples[index] : nullptr;
  }
  absl::string_view target_unit() const {
    const TargetState* target = seen.state();
    return target != nullptr ? absl::string_view(target->unit) : "";
  }
};

std::string InBrackets(absl::string_view text) { return text.empty() ? "" : absl::StrCat(" (", text, ")"); }

// "ms", "connections per instance".
std::string UnitOf(const Scene& scene, const Reason& reason) {
  const Sample* sample = scene.SampleOf(reason);
  const std::string unit = sample != nullptr ? sample->unit : "";
  const policy::Metric* metric = scene.MetricOf(reason);
  const policy::Basis basis = metric != nullptr ? metric->basis : policy::Basis::kValue;
  switch (basis) {
    case policy::Basis::kValue: return unit;
    case policy::Basis::kPerInstance: return absl::StrCat(unit, unit.empty() ? "" : " ", "per instance");
    case policy::Basis::kPerNode: return absl::StrCat(unit, unit.empty() ? "" : " ", "per node");
  }
  CheckFailed(__FILE__, __LINE__, "basis", "not a basis");
}

// " (mean of 5 min)", "" for the last sample alone.
std::string WindowWords(const policy::Metric* metric) {
  if (metric == nullptr) return "";
  const policy::Aggregation& aggregation = metric->aggregation;
  const std::string window = DurationWords(aggregation.window);
  switch (aggregation.type) {
    case policy::Aggregation::Type::kLast: return "";
    case policy::Aggregation::Type::kMean: return absl::StrCat(" (mean of ", window, ")");
    case policy::Aggregation::Type::kExponentialMean: return absl::StrCat(" (exponential mean of ", window, ")");
    case policy::Aggregation::Type::kPercentile:
      return absl::StrCat(" (p", NumberWords(aggregation.percent), " of ", window, ")");
  }
  CheckFailed(__FILE__, __LINE__, "type", "not an aggregation");
}

// "1240 ms", "over 10000 ms", "53 per instance (mean of 5 min)".
std::string Value(const Scene& scene, const Reason& reason) {
  const Numbers& numbers = reason.numbers;
  return absl::StrCat(numbers.censored ? "over " : "", ValueWords(numbers.value, numbers.bound, UnitOf(scene, reason)),
                      WindowWords(scene.MetricOf(reason)));
}

std::string Bound(const Scene& scene, const Reason& reason) {
  return ValueWords(reason.numbers.bound, reason.numbers.bound, UnitOf(scene, reason));
}

// "1240 ms is above 1000 ms".
std::string Compared(const Scene& scene, const Reason& reason) {
  return absl::StrCat(Value(scene, reason), reason.numbers.above ? " is above " : " is below ", Bound(scene, reason));
}

std::string Run(const Scene& scene, const Reason& reason) {
  return absl::StrCat(Compared(scene, reason), " for ", reason.numbers.count, " of ", reason.numbers.needed,
                      " samples");
}

std::string Within(const Scene& scene, const Reason& reason) {
  const Numbers& numbers = reason.numbers;
  return absl::StrCat(ValueWords(numbers.value, numbers.value, UnitOf(scene, reason)),
                      WindowWords(scene.MetricOf(reason)), " is within ", NumberWords(numbers.bound), " and ",
                      ValueWords(numbers.other, numbers.other, UnitOf(scene, reason)));
}

std::string OffTarget(const Scene& scene, const Reason& reason) {
  return absl::StrCat(Compared(scene, reason), ", the target, which ",
                      CapacityWords(reason.numbers.count, scene.target_unit()), " would keep");
}

std::string Rising(const Scene& scene, const Reason& reason) {
  const Numbers& numbers = reason.numbers;
  const std::string unit = UnitOf(scene, reason);
  return absl::StrCat(Value(scene, reason), " is rising: ", ValueWords(numbers.other, numbers.bound, unit), " in ",
                      DurationWords(absl::Ceil(numbers.time, absl::Seconds(1))), " would be above ",
                      ValueWords(numbers.bound, numbers.bound, unit), ", for which ",
                      CapacityWords(numbers.count, scene.target_unit()), numbers.count == 1 ? " is" : " are",
                      " enough");
}

std::string Goal(const Scene& scene, const Reason& reason) {
  const std::string few = CapacityWords(reason.numbers.count, scene.target_unit());
  const std::string value = Value(scene, reason);
  const std::string goal = absl::StrCat("the goal of ", Bound(scene, reason));
  switch (reason.phrase) {
    case Phrase::kGoalMissed: return absl::StrCat(value, " is above ", goal, ", which ", few, " are expected to keep");
    case Phrase::kGoalEasy: return absl::StrCat(value, " is within ", goal, ", which ", few, " would keep, too");
    case Phrase::kGoalUnreachable:
      return absl::StrCat(value, " is above ", goal, ", which is not above the ",
                          ValueWords(reason.numbers.other, reason.numbers.other, UnitOf(scene, reason)),
                          " of an idle request: no capacity keeps it");
    default: return absl::StrCat(value, " is within ", goal);
  }
}

std::string Failure(const Scene& scene) {
  const TargetFailure* failure = scene.seen.failure();
  if (failure == nullptr) return "";
  if (!failure->message.empty()) return std::string(absl::StripSuffix(failure->message, "."));
  return failure->reason.empty() ? FaultName(failure->fault) : failure->reason;
}

std::string Missing(const Sample* sample) {
  if (sample == nullptr) return absl::StrCat("has no sample (", MissingReasonName(MissingReason::kNotRead), ")");
  return absl::StrCat("has no sample (", MissingReasonName(sample->missing), sample->message.empty() ? "" : ": ",
                      absl::StripSuffix(sample->message, "."), ")");
}

std::string Ready(const Scene& scene) {
  const TargetState* target = scene.seen.state();
  if (target == nullptr) return "";
  return absl::StrCat(target->ready, " of ", CapacityWords(target->desired, target->unit));
}

std::string Suspended(const policy::ScalingPolicy& spec) {
  if (!spec.suspend) return "";
  const auto scope = [&spec] {
    switch (spec.suspend->scope) {
      case policy::Suspend::Scope::kAll: return "scaling is suspended";
      case policy::Suspend::Scope::kScaleIn: return "scaling in is suspended";
      case policy::Suspend::Scope::kScaleOut: return "scaling out is suspended";
    }
    return "";
  };
  return absl::StrCat(scope(), InBrackets(spec.suspend->reason));
}

std::string TargetWords(const Scene& scene, const Reason& reason) {
  switch (reason.phrase) {
    case Phrase::kFailure: return Failure(scene);
    case Phrase::kUnread: return "the last write may have happened, and the target was not read since";
    case Phrase::kTargetOff:
      return absl::StrCat("the target is switched off",
                          InBrackets(scene.seen.state() != nullptr ? scene.seen.state()->off_reason : ""));
    default:
      return absl::StrCat("somebody has set the target to ", CapacityWords(0, scene.target_unit()),
                          ", which switches it off until it is set above 0 again");
  }
}

std::string QualityWords(const Scene& scene, const Reason& reason) {
  switch (reason.phrase) {
    case Phrase::kOffAnswersNothing: return "has no sample: the target is off and answers nothing";
    case Phrase::kMissing: return Missing(scene.SampleOf(reason));
    case Phrase::kNotANumber: return "has no sample (not a number)";
    case Phrase::kOutOfRange: return "has no sample (negative, or too large to be true)";
    case Phrase::kFromTheFuture: return "has no sample (the source's clock is more than 60 s ahead)";
    case Phrase::kStale:
      return absl::StrCat("has no fresh sample (the last is older than ", DurationWords(reason.numbers.time), ")");
    case Phrase::kNothingReady: return "cannot be divided: no instance is ready";
    case Phrase::kNoNodes: return "cannot be divided: the source counts no node";
    case Phrase::kUncovered:
      return absl::StrCat("has not been sampled for a whole window of ", DurationWords(reason.numbers.time), " yet");
    default: return "does not count: most heartbeats of the operator could not be sent, so it suspects its own network";
  }
}

std::string StrategyWords(const Scene& scene, const Reason& reason) {
  const Numbers& numbers = reason.numbers;
  switch (reason.phrase) {
    case Phrase::kWithin: return Within(scene, reason);
    case Phrase::kRun: return Run(scene, reason);
    case Phrase::kRunOutOnly: return absl::StrCat(Run(scene, reason), ", but may only scale out");
    case Phrase::kUndecidable:
      return absl::StrCat("over ", Value(scene, reason), " says nothing about ", Bound(scene, reason));
    case Phrase::kSettling:
      return absl::StrCat(Compared(scene, reason), ", but measured less than ", DurationWords(numbers.time), " after ",
                          numbers.above ? "a scale-out" : "a scale-in");
    case Phrase::kSuddenDrop:
      return absl::StrCat("fell to ", ValueWords(numbers.value, numbers.value, UnitOf(scene, reason)),
                          " at once, which later samples have to confirm");
    case Phrase::kNearTarget:
      return absl::StrCat(Value(scene, reason), " is near the target of ", Bound(scene, reason));
    case Phrase::kOffTarget: return OffTarget(scene, reason);
    case Phrase::kRising: return Rising(scene, reason);
    case Phrase::kOffTargetOutOnly: return absl::StrCat(Compared(scene, reason), ", but may only scale out");
    case Phrase::kInFlightCounts:
      return absl::StrCat(Compared(scene, reason), ", the target, but ", Ready(scene), " ready");
    default: return Goal(scene, reason);
  }
}

std::string PaceWords(const Scene& scene, const Reason& reason) {
  const Numbers& numbers = reason.numbers;
  const std::string time = DurationWords(numbers.time);
  const std::string count = CapacityWords(numbers.count, scene.target_unit());
  switch (reason.phrase) {
    case Phrase::kFallback: return absl::StrCat("no metric has been valid for ", time, ", so at least ", count);
    case Phrase::kManualHold:
      return absl::StrCat("somebody has set the target from ", numbers.count, " to ", numbers.needed,
                          ", which is left so for ", time);
    case Phrase::kManualRevert:
      return absl::StrCat("somebody has set the target from ", numbers.count, " to ", numbers.needed,
                          ", which is set back");
    case Phrase::kEnoughBefore: return absl::StrCat(numbers.count, " was enough within the last ", time);
    case Phrase::kNeededBefore: return absl::StrCat(count, " was needed within the last ", time);
    case Phrase::kWindowUnobserved: return absl::StrCat("a whole window of ", time, " has not been observed yet");
    case Phrase::kDisabled:
      return absl::StrCat("scaling ", numbers.above ? "out" : "in", " is disabled (selectPolicy)");
    case Phrase::kNoMoreForNow: return "the rate limit allows no more for now";
    case Phrase::kSomeForNow: return absl::StrCat("the rate limit allows ", numbers.count, " for now");
    case Phrase::kChangeUnknown: return "when the last change was is not known, so the cooldown is waited out";
    case Phrase::kCooldown: return absl::StrCat("the cooldown of ", time, " is running");
    case Phrase::kNotProgressing: return absl::StrCat(Ready(scene), " ready for more than ", time);
    case Phrase::kInFlight: return absl::StrCat("the last change is under way (", Ready(scene), " ready)");
    default:
      return absl::StrCat(
          "would have ", Value(scene, reason), " with ", count, ", above ", Bound(scene, reason),
          reason.phrase == Phrase::kProjectedFewer ? absl::StrCat(", so ", numbers.needed, " are kept") : "");
  }
}

std::string BoundsWords(const Scene& scene, const Reason& reason) {
  const policy::Limits& limits = scene.decision.limits;
  const absl::string_view unit = scene.target_unit();
  const std::string from = CapacityWords(scene.decision.from, unit);
  switch (reason.phrase) {
    case Phrase::kWindowConflict:
      return absl::StrCat("the windows give a minimum above the maximum of ", limits.max, ": the maximum holds");
    case Phrase::kBelowMin:
      return absl::StrCat(from, " is below the minimum of ", limits.min, FromWords(limits.min_from));
    case Phrase::kAboveMax:
      return absl::StrCat(from, " is above the maximum of ", limits.max, FromWords(limits.max_from));
    case Phrase::kMaximum:
      return absl::StrCat(CapacityWords(limits.max, unit), " is the maximum", FromWords(limits.max_from));
    case Phrase::kMinimum:
      return absl::StrCat(CapacityWords(limits.min, unit), " is the minimum", FromWords(limits.min_from));
    case Phrase::kClampedMax: return "the maximum";
    case Phrase::kClampedMin: return "the minimum";
    case Phrase::kStepCeiling: return absl::StrCat("the administrator allows steps of ", reason.numbers.count);
    default: return absl::StrCat("the target takes at most ", CapacityWords(reason.numbers.count, unit));
  }
}

std::string DetailOf(const Scene& scene, const Reason& reason) {
  switch (reason.phrase) {
    case Phrase::kNone: return "";
    case Phrase::kSteady: return "within the bounds";
    case Phrase::kClockJumped:
      return absl::StrCat("the clock was set ", reason.numbers.above ? "forward" : "back", " by ",
                          DurationWords(reason.numbers.time), ", so nothing is done before the next poll");
    case Phrase::kSuspended: return Suspended(scene.spec);
    case Phrase::kFrozen: return "nothing is written (the operator is frozen)";
    case Phrase::kRecommendOnly: return "nothing is written (Recommend)";
    case Phrase::kFailure:
    case Phrase::kUnread:
    case Phrase::kTargetOff:
    case Phrase::kSwitchedOff: return TargetWords(scene, reason);
    case Phrase::kOffAnswersNothing:
    case Phrase::kMissing:
    case Phrase::kNotANumber:
    case Phrase::kOutOfRange:
    case Phrase::kFromTheFuture:
    case Phrase::kStale:
    case Phrase::kNothingReady:
    case Phrase::kNoNodes:
    case Phrase::kUncovered:
    case Phrase::kProbesSuspect: return QualityWords(scene, reason);
    case Phrase::kWithin:
    case Phrase::kRun:
    case Phrase::kRunOutOnly:
    case Phrase::kUndecidable:
    case Phrase::kSettling:
    case Phrase::kSuddenDrop:
    case Phrase::kNearTarget:
    case Phrase::kOffTarget:
    case Phrase::kOffTargetOutOnly:
    case Phrase::kRising:
    case Phrase::kInFlightCounts:
    case Phrase::kGoalKept:
    case Phrase::kGoalMissed:
    case Phrase::kGoalEasy:
    case Phrase::kGoalUnreachable: return StrategyWords(scene, reason);
    case Phrase::kWindowConflict:
    case Phrase::kBelowMin:
    case Phrase::kAboveMax:
    case Phrase::kMaximum:
    case Phrase::kMinimum:
    case Phrase::kClampedMax:
    case Phrase::kClampedMin:
    case Phrase::kStepCeiling:
    case Phrase::kTargetCeiling: return BoundsWords(scene, reason);
    case Phrase::kFallback:
    case Phrase::kManualHold:
    case Phrase::kManualRevert:
    case Phrase::kEnoughBefore:
    case Phrase::kNeededBefore:
    case Phrase::kWindowUnobserved:
    case Phrase::kDisabled:
    case Phrase::kNoMoreForNow:
    case Phrase::kSomeForNow:
    case Phrase::kProjectedNone:
    case Phrase::kProjectedFewer:
    case Phrase::kChangeUnknown:
    case Phrase::kCooldown:
    case Phrase::kNotProgressing:
    case Phrase::kInFlight: return PaceWords(scene, reason);
  }
  CheckFailed(__FILE__, __LINE__, "phrase", "not a phrase");
}

}  // namespace

void PutIntoWords(const policy::ScalingPolicy& spec, const Observation& seen, Decision& decision) {
  const Scene scene{spec, seen, decision};
  for (Reason& reason : decision.reasons) {
    const policy::Metric* metric = scene.MetricOf(reason);
    reason.metric = metric != nullptr ? metric->name : "";
    reason.detail = DetailOf(scene, reason);
  }
  const TargetState* target = seen.state();
  decision.message =
      DecisionWords(decision, BoundOf(decision), target != nullptr ? target->unit : "", target != nullptr);
  if (!spec.OnlyRecommends() || decision.action == Action::kHold) return;
  absl::StrAppend(&decision.message, spec.ceilings.frozen ? ". Nothing was written (the operator is frozen)."
                                                          : ". Nothing was written (Recommend).");
}

}  // namespace ottoscale::decision
