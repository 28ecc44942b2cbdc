// The stable names. They appear in status, events and metrics and are never changed.
#include "pkg/base/check.h"
#include "pkg/decision/decision.h"
#include "pkg/decision/observation.h"

namespace ottoscale::decision {

const char* StageName(Stage stage) {
  switch (stage) {
    case Stage::kTarget: return "Target";
    case Stage::kQuality: return "Quality";
    case Stage::kStrategy: return "Strategy";
    case Stage::kCombine: return "Combine";
    case Stage::kLimits: return "Limits";
    case Stage::kFallback: return "Fallback";
    case Stage::kManual: return "ManualChange";
    case Stage::kProjection: return "Projection";
    case Stage::kStabilise: return "Stabilise";
    case Stage::kRate: return "Rate";
    case Stage::kCooldown: return "Cooldown";
    case Stage::kInFlight: return "InFlight";
    case Stage::kClamp: return "Clamp";
    case Stage::kClock: return "Clock";
    case Stage::kSuspend: return "Suspend";
    case Stage::kMode: return "Mode";
  }
  CheckFailed(__FILE__, __LINE__, "stage", "not a stage");
}

const char* CodeName(Code code) {
  switch (code) {
    case Code::kTargetUnknown: return "TargetUnknown";
    case Code::kScaledToZero: return "ScaledToZero";
    case Code::kTargetOff: return "TargetOff";
    case Code::kSampleMissing: return "SampleMissing";
    case Code::kSampleStale: return "SampleStale";
    case Code::kSettling: return "Settling";
    case Code::kInRange: return "WithinThresholds";
    case Code::kBreaching: return "Breaching";
    case Code::kThresholdBreached: return "ThresholdBreached";
    case Code::kScaleOutOnly: return "ScaleOutOnly";
    case Code::kNotAllMetricsAgree: return "NotAllMetricsAgree";
    case Code::kLimitedByMax: return "LimitedByMaxCapacity";
    case Code::kLimitedByMin: return "LimitedByMinCapacity";
    case Code::kWindowConflict: return "WindowConflict";
    case Code::kAboveMax: return "AboveMaxCapacity";
    case Code::kBelowMin: return "BelowMinCapacity";
    case Code::kStabilizing: return "Stabilizing";
    case Code::kRateLimited: return "RateLimited";
    case Code::kDisabled: return "DirectionDisabled";
    case Code::kCooldown: return "Cooldown";
    case Code::kInFlight: return "InFlight";
    case Code::kNotProgressing: return "TargetNotProgressing";
    case Code::kTargetBounds: return "TargetBounds";
    case Code::kSuspended: return "Suspended";
    case Code::kRecommendOnly: return "RecommendOnly";
    case Code::kFrozen: return "Frozen";
    case Code::kStateLost: return "StateLost";
    case Code::kAwaitingReadBack: return "AwaitingReadBack";
    case Code::kSteady: return "Steady";
    case Code::kSampleInvalid: return "SampleInvalid";
    case Code::kWindowNotCovered: return "WindowNotCovered";
    case Code::kNothingReady: return "NothingReady";
    case Code::kProbesSuspect: return "ProbesSuspect";
    case Code::kImplausible: return "ImplausibleMetric";
    case Code::kOffTarget: return "OffTarget";
    case Code::kRising: return "LoadRising";
    case Code::kNearTarget: return "WithinTolerance";
    case Code::kStepReached: return "StepReached";
    case Code::kGoalMissed: return "LatencyAboveGoal";
    case Code::kGoalKept: return "LatencyWithinGoal";
    case Code::kGoalUnreachable: return "LatencyGoalUnreachable";
    case Code::kFallback: return "Fallback";
    case Code::kManualHold: return "ManualChangeHeld";
    case Code::kManualRevert: return "ManualChangeReverted";
    case Code::kClockJumped: return "ClockJumped";
    case Code::kWouldFlap: return "WouldFlap";
  }
  CheckFailed(__FILE__, __LINE__, "code", "not a code");
}

const char* MetricStateName(MetricVerdict::State state) {
  switch (state) {
    case MetricVerdict::State::kUnknown: return "Unknown";
    case MetricVerdict::State::kMissing: return "Missing";
    case MetricVerdict::State::kStale: return "Stale";
    case MetricVerdict::State::kIgnored: return "Ignored";
    case MetricVerdict::State::kBelowLower: return "BelowLower";
    case MetricVerdict::State::kInRange: return "InRange";
    case MetricVerdict::State::kAboveUpper: return "AboveUpper";
  }
  CheckFailed(__FILE__, __LINE__, "state", "not a state");
}

const char* MissingReasonName(MissingReason reason) {
  switch (reason) {
    case MissingReason::kNone: return "None";
    case MissingReason::kTimeout: return "TimedOut";
    case MissingReason::kServerError: return "ServerError";
    case MissingReason::kUnexpectedAnswer: return "UnexpectedAnswer";
    case MissingReason::kProbeFailed: return "ProbeFailed";
    case MissingReason::kNotRead: return "NotRead";
  }
  CheckFailed(__FILE__, __LINE__, "reason", "not a reason");
}

const char* FaultName(TargetFault fault) {
  switch (fault) {
    case TargetFault::kCredentialsInvalid: return "CredentialsInvalid";
    case TargetFault::kForbidden: return "Forbidden";
    case TargetFault::kTargetNotFound: return "TargetNotFound";
    case TargetFault::kConfigInvalid: return "TargetConfigInvalid";
    case TargetFault::kRateLimited: return "ProviderRateLimited";
    case TargetFault::kUnavailable: return "ProviderUnavailable";
    case TargetFault::kInvalidAnswer: return "InvalidAnswer";
    case TargetFault::kAccountNotReady: return "AccountNotReady";
  }
  CheckFailed(__FILE__, __LINE__, "fault", "not a fault");
}

bool NeedsPerson(TargetFault fault) {
  switch (fault) {
    case TargetFault::kCredentialsInvalid:
    case TargetFault::kForbidden:
    case TargetFault::kTargetNotFound:
    case TargetFault::kConfigInvalid:
    case TargetFault::kAccountNotReady: return true;
    case TargetFault::kRateLimited:
    case TargetFault::kUnavailable:
    case TargetFault::kInvalidAnswer: return false;
  }
  CheckFailed(__FILE__, __LINE__, "fault", "not a fault");
}

}  // namespace ottoscale::decision
