// Note [Conditions]
// Every triple that there is. The first four are always there, the others only while they are true.
//
// clang-format off
// | Type           | Status  | Reason                                                        | When                           |
// |----------------|---------|---------------------------------------------------------------|--------------------------------|
// | Ready          | True    | Reconciled                                                    | spec valid, target read        |
// | Ready          | False   | a TargetFault that needs a person, or its finer reason        | see FaultName                  |
// | Ready          | False   | InvalidSpec and other problems; GateViolation                 | no pass is possible            |
// | Ready          | Unknown | a TargetFault that passes                                     | the target was never read yet  |
// | ScalingActive  | True    | MetricsAvailable, SomeMetricsMissing                          | there is something to go by    |
// | ScalingActive  | False   | a MissingReason, SampleStale, TargetOff                       | there is nothing to go by      |
// | AbleToScale    | True    | ReadyForNewScale                                              |                                |
// | AbleToScale    | True    | Stabilizing, RateLimited, DirectionDisabled,                  | a part is held back            |
// |                |         | TargetNotProgressing                                          |                                |
// | AbleToScale    | False   | a TargetFault or its finer reason; Frozen, ScaledToZero,      | nothing is written             |
// |                |         | TargetOff, AwaitingReadBack, Cooldown, StateLost, InFlight,   |                                |
// |                |         | ClockJumped, Suspended; TargetBounds, TargetBusy,             |                                |
// |                |         | ProviderRateLimited, CredentialsInvalid, TargetNotFound,      |                                |
// |                |         | WriteRefused, GateViolation                                   |                                |
// | ScalingLimited | True    | LimitedByMaxCapacity, LimitedByMinCapacity, TargetBounds,     | more or less was wanted        |
// |                |         | WindowConflict                                                |                                |
// | ScalingLimited | False   | DesiredWithinRange                                            |                                |
// | ScalingLimited | Unknown | as AbleToScale                                                | the target was never read yet  |
// | Stalled        | True    | InvalidSpec and other problems; GateViolation                 | cannot heal without an edit    |
// | Reconciling    | True    | ScalingInProgress, AwaitingReadBack, Retrying                 | never together with Stalled    |
// | Suspended      | True    | Suspended                                                     | spec.suspend holds             |
// clang-format on
#include "pkg/decision/conditions.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pkg/decision/words.h"

namespace ottoscale::decision {
namespace {

constexpr char kGateViolation[] = "GateViolation";

struct Saying {
  std::string status;
  std::string reason;
  std::string message;
};

Saying True(std::string reason, std::string message = "") { return {"True", std::move(reason), std::move(message)}; }
Saying False(std::string reason, std::string message = "") { return {"False", std::move(reason), std::move(message)}; }

std::string FaultReason(const TargetFailure& failure) {
  return failure.reason.empty() ? FaultName(failure.fault) : failure.reason;
}

// The defect that the gate has found: before in this generation, or in this pass. The first words are kept: later
// passes only say that the policy is held.
std::optional<std::string> ViolationOf(const Outcome& outcome, int64_t generation, const PolicyStatus* previous) {
  const Condition* stalled = previous != nullptr ? FindCondition(*previous, "Stalled") : nullptr;
  if (stalled != nullptr && stalled->reason == kGateViolation && stalled->observed_generation == generation) {
    return stalled->message;
  }
  const auto* violation = std::get_if<Violation>(&outcome.write);
  if (violation == nullptr) return std::nullopt;
  return absl::StrCat("the write gate refused a change (", violation->check, "): ", violation->message);
}

// The condition as it was, when it was told of this generation and knew something.
std::optional<Saying> AsBefore(const PolicyStatus* previous, absl::string_view type, int64_t generation) {
  const Condition* old = previous != nullptr ? FindCondition(*previous, type) : nullptr;
  if (old == nullptr || old->observed_generation != generation || old->status == "Unknown") return std::nullopt;
  return Saying{old->status, old->reason, old->message};
}

// A cloud that hiccups makes nobody's deployment fail: Ready stays what it was.
Saying Ready(const Outcome& outcome, int64_t generation, const PolicyStatus* previous) {
  const TargetFailure* failure = outcome.observation.failure();
  if (failure == nullptr) return True("Reconciled", absl::StrCat(outcome.observation.state()->display, " is read"));
  if (NeedsPerson(failure->fault)) return False(FaultReason(*failure), failure->message);
  return AsBefore(previous, "Ready", generation).value_or(Saying{"Unknown", FaultReason(*failure), failure->message});
}

bool IsBad(const MetricVerdict& verdict) {
  return verdict.state == MetricVerdict::State::kMissing || verdict.state == MetricVerdict::State::kStale;
}

std::string BadReason(const MetricVerdict& verdict, const Sample& sample) {
  if (verdict.state == MetricVerdict::State::kStale) return CodeName(Code::kSampleStale);
  // A number that is none has no reason of its own.
  return MissingReasonName(sample.missing == MissingReason::kNone ? MissingReason::kUnexpectedAnswer : sample.missing);
}

Saying ScalingActive(const Outcome& outcome) {
  const std::vector<MetricVerdict>& metrics = outcome.decision.metrics;
  std::vector<std::string> bad;
  std::string reason;
  size_t good = 0;
  for (size_t i = 0; i < metrics.size(); ++i) {
    if (metrics[i].value) ++good;
    if (!IsBad(metrics[i])) continue;
    const Sample sample = i < outcome.observation.samples.size() ? outcome.observation.samples[i]
                                                                 : Sample{.missing = MissingReason::kNotRead};
    const std::string why = BadReason(metrics[i], sample);
    if (reason.empty()) reason = why;
    bad.push_back(absl::StrCat(metrics[i].name, " has no sample: ", sample.message.empty() ? why : sample.message));
  }
  const std::string message = absl::StrJoin(bad, "; ");
  if (good > 0 && bad.empty()) return True("MetricsAvailable");
  if (good > 0) return True("SomeMetricsMissing", message);
  if (bad.empty()) return False(CodeName(Code::kTargetOff), "the target is off and gives no samples");
  return False(reason, message);
}

std::string RefusedReason(Refused::Kind kind) {
  switch (kind) {
    case Refused::Kind::kLimit: return CodeName(Code::kTargetBounds);
    case Refused::Kind::kBusy: return "TargetBusy";
    case Refused::Kind::kRateLimited: return FaultName(TargetFault::kRateLimited);
    case Refused::Kind::kCredentials: return FaultName(TargetFault::kCredentialsInvalid);
    case Refused::Kind::kNotFound: return FaultName(TargetFault::kTargetNotFound);
    case Refused::Kind::kInvalid: return "WriteRefused";
  }
  return "WriteRefused";
}

const Reason* FindReason(const Decision& decision, Code code) {
  const auto found = std::find_if(decision.reasons.rbegin(), decision.reasons.rend(),
                                  [code](const Reason& reason) { return reason.code == code; });
  return found == decision.reasons.rend() ? nullptr : &*found;
}

// By the code that bound the decision.
std::optional<Saying> Held(const Decision& decision) {
  const Reason* reason = FindReason(decision, decision.code);
  const std::string detail = reason == nullptr ? "" : reason->detail;
  switch (decision.code) {
    case Code::kScaledToZero:
    case Code::kTargetOff:
    case Code::kAwaitingReadBack:
    case Code::kCooldown:
    case Code::kStateLost:
    case Code::kInFlight:
    case Code::kClockJumped:
    case Code::kSuspended: return False(CodeName(decision.code), detail);
    case Code::kStabilizing:
    case Code::kRateLimited:
    case Code::kDisabled: return True(CodeName(decision.code), detail);
    default: return std::nullopt;
  }
}

Saying AbleToScale(const policy::ScalingPolicy& spec, const Outcome& outcome) {
  if (const TargetFailure* failure = outcome.observation.failure())
    return False(FaultReason(*failure), failure->message);
  if (spec.ceilings.frozen) {
    return False(CodeName(Code::kFrozen),
                 "the administrator has frozen the operator (--freeze): it decides and reports, "
                 "and writes nothing");
  }
  if (const auto* refused = std::get_if<Refused>(&outcome.write)) {
    return False(RefusedReason(refused->kind), refused->message);
  }
  if (const auto* unknown = std::get_if<Unknown>(&outcome.write)) {
    return False(CodeName(Code::kAwaitingReadBack), unknown->message);
  }
  if (const auto held = Held(outcome.decision)) return *held;
  if (const Reason* slow = FindReason(outcome.decision, Code::kNotProgressing)) {
    return True(CodeName(slow->code), slow->detail);
  }
  return True("ReadyForNewScale");
}

Saying ScalingLimited(const Outcome& outcome, int64_t generation, const PolicyStatus* previous) {
  if (const TargetFailure* failure = outcome.observation.failure()) {
    return AsBefore(previous, "ScalingLimited", generation).value_or(Saying{"Unknown", FaultReason(*failure), ""});
  }
  for (const Code code : {Code::kTargetBounds, Code::kLimitedByMax, Code::kLimitedByMin, Code::kWindowConflict}) {
    if (const Reason* reason = FindReason(outcome.decision, code)) return True(CodeName(code), reason->detail);
  }
  return False("DesiredWithinRange");
}

// What is under way or will be tried again by itself.
std::optional<Saying> Reconciling(const History& history, const Outcome& outcome) {
  if (history.write_unknown)
    return True(CodeName(Code::kAwaitingReadBack), "the end of the last write is not known yet");
  if (const TargetFailure* failure = outcome.observation.failure()) {
    if (NeedsPerson(failure->fault)) return std::nullopt;
    return True("Retrying", failure->message);
  }
  if (FindReason(outcome.decision, Code::kNotProgressing) != nullptr || !history.in_flight_since) return std::nullopt;
  return True("ScalingInProgress", "the last change is under way");
}

std::string SuspendedWords(const policy::ScalingPolicy& spec) {
  if (!spec.suspend) return "";
  const policy::Suspend& suspend = *spec.suspend;
  using Scope = policy::Suspend::Scope;
  const char* what = suspend.scope == Scope::kAll       ? "scaling is suspended"
                     : suspend.scope == Scope::kScaleIn ? "scaling in is suspended"
                                                        : "scaling out is suspended";
  const std::string until =
      suspend.until == absl::InfiniteFuture()
          ? ""
          : absl::StrCat(" until ", absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", suspend.until, absl::UTCTimeZone()));
  return absl::StrCat(what, until, suspend.reason.empty() ? "" : ": ", suspend.reason);
}

// Collects conditions; keeps the time of the last transition where the status is as it was.
struct Collector {
  int64_t generation;
  absl::Time now;
  const PolicyStatus* previous;
  std::vector<Condition> conditions;

  void Add(const char* type, Saying saying) {
    const Condition* old = previous != nullptr ? FindCondition(*previous, type) : nullptr;
    const bool same = old != nullptr && old->status == saying.status;
    conditions.push_back({.type = type,
                          .status = std::move(saying.status),
                          .reason = std::move(saying.reason),
                          .message = std::move(saying.message),
                          .observed_generation = generation,
                          .last_transition = same ? old->last_transition : now});
  }
};

}  // namespace

std::vector<Condition> ConditionsFor(const policy::ScalingPolicy& spec, int64_t generation, const History& history,
                                     const Outcome& outcome, const PolicyStatus* previous) {
  Collector collector{.generation = generation, .now = outcome.now.wall, .previous = previous};
  const std::optional<std::string> violation = ViolationOf(outcome, generation, previous);
  collector.Add("Ready", violation ? False(kGateViolation, *violation) : Ready(outcome, generation, previous));
  collector.Add("ScalingActive", ScalingActive(outcome));
  collector.Add("AbleToScale", violation ? False(kGateViolation, *violation) : AbleToScale(spec, outcome));
  collector.Add("ScalingLimited", ScalingLimited(outcome, generation, previous));
  if (violation) collector.Add("Stalled", True(kGateViolation, *violation));
  const std::optional<Saying> reconciling = Reconciling(history, outcome);
  if (!violation && reconciling) collector.Add("Reconciling", *reconciling);
  if (outcome.decision.suspended) collector.Add("Suspended", True(CodeName(Code::kSuspended), SuspendedWords(spec)));
  return std::move(collector.conditions);
}

std::vector<Condition> ConditionsForProblem(int64_t generation, const StatusProblem& problem, absl::Time now,
                                            const PolicyStatus& previous) {
  Collector collector{.generation = generation, .now = now, .previous = &previous};
  collector.Add("Ready", False(problem.reason, problem.message));
  collector.Add("ScalingActive", False(problem.reason));
  collector.Add("AbleToScale", False(problem.reason));
  collector.Add("ScalingLimited", {"Unknown", problem.reason, ""});
  if (problem.stalled) collector.Add("Stalled", True(problem.reason, problem.message));
  return std::move(collector.conditions);
}

}  // namespace ottoscale::decision
