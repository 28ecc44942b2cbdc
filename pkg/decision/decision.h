// What Decide says: a capacity, and every stage's word on it. Pure values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pkg/async/instant.h"
#include "pkg/policy/policy.h"

namespace ottoscale::decision {

enum class Action { kHold, kScaleOut, kScaleIn };

// Why a change is made: the gate asks less of a correction of the bounds than of a decision that rests on samples.
// kBounds also stands for what else rests on no sample: the fallback, and setting back what somebody else has changed.
enum class Cause { kMetrics, kBounds };

// The stages, in the order in which they run. Each adds a Reason or none.
enum class Stage {
  kTarget,      // without a target state there is nothing to decide
  kQuality,     // which samples may count
  kStrategy,    // a recommendation per metric
  kCombine,     // the largest wins; in only if all agree
  kFallback,    // no valid data for long: at least so many
  kManual,      // somebody else has changed the target
  kLimits,      // bounds in force at this time
  kStabilise,   // the window
  kRate,        // how much in how long
  kProjection,  // nothing is taken away that would be wanted back at once
  kCooldown,    // how soon again
  kInFlight,    // the last change is still under way
  kClamp,       // limits beat all above
  kClock,       // the wall clock was set: not in this pass
  kSuspend,     // suspended: this direction is held
  kMode,        // Recommend: never written
};
const char* StageName(Stage stage);

// Reason codes are stable API (status.decision.reason, metrics label `reason`) and never renamed.
enum class Code {
  kTargetUnknown,       // TargetUnknown: could not be read
  kScaledToZero,        // ScaledToZero: somebody's off switch
  kTargetOff,           // TargetOff: maintenance
  kSampleMissing,       // SampleMissing
  kSampleStale,         // SampleStale
  kSettling,            // Settling: too soon after a change to be evidence for more of it
  kInRange,             // WithinThresholds
  kBreaching,           // Breaching: outside, but not often enough in a row yet
  kThresholdBreached,   // ThresholdBreached
  kScaleOutOnly,        // ScaleOutOnly: this metric may not scale in
  kNotAllMetricsAgree,  // NotAllMetricsAgree
  kLimitedByMax,        // LimitedByMaxCapacity
  kLimitedByMin,        // LimitedByMinCapacity
  kWindowConflict,      // WindowConflict: schedule gave min > max, max wins
  kAboveMax,            // AboveMaxCapacity: corrected at once
  kBelowMin,            // BelowMinCapacity: corrected at once
  kStabilizing,         // Stabilizing
  kRateLimited,         // RateLimited
  kDisabled,            // DirectionDisabled: selectPolicy Disabled
  kCooldown,            // Cooldown
  kInFlight,            // InFlight
  kNotProgressing,      // TargetNotProgressing: in flight past the deadline; decisions go on
  kTargetBounds,        // TargetBounds: the provider's own ceiling
  kSuspended,           // Suspended
  kRecommendOnly,       // RecommendOnly
  kFrozen,              // Frozen: by the administrator, --freeze
  kStateLost,           // StateLost: lost its memory, so the cooldown counts as active
  kAwaitingReadBack,    // AwaitingReadBack: the last write is unknown
  kSteady,              // Steady: nothing to do
  kSampleInvalid,       // SampleInvalid: not a number, negative, absurdly large, or from the future
  kWindowNotCovered,    // WindowNotCovered: the aggregation's window has not been observed whole yet
  kNothingReady,        // NothingReady: nothing to divide the value by
  kProbesSuspect,       // ProbesSuspect: most heartbeats failed at once, so the operator suspects itself
  kImplausible,         // ImplausibleMetric: a sudden fall that later samples have not confirmed yet
  kOffTarget,           // OffTarget: further from the target than its tolerance
  kRising,              // LoadRising: will be further above the target than its tolerance when what is ordered serves
  kNearTarget,          // WithinTolerance
  kStepReached,         // StepReached: within a step of the table
  kGoalMissed,          // LatencyAboveGoal
  kGoalKept,            // LatencyWithinGoal
  kGoalUnreachable,     // LatencyGoalUnreachable: not above the time of an idle request
  kFallback,            // Fallback: no valid data for long
  kManualHold,          // ManualChangeHeld
  kManualRevert,        // ManualChangeReverted
  kClockJumped,         // ClockJumped: the wall clock was set since the last pass
  kWouldFlap,           // WouldFlap: what is left would ask for more at once
};
const char* CodeName(Code code);

// Which sentence says it: see words.cc. Not stable, and nobody outside of this folder reads it.
enum class Phrase {
  kNone,
  // Target
  kFailure,
  kUnread,
  kTargetOff,
  kSwitchedOff,
  // Quality
  kOffAnswersNothing,
  kMissing,
  kNotANumber,
  kOutOfRange,
  kFromTheFuture,
  kStale,
  kNothingReady,
  kNoNodes,
  kUncovered,
  kProbesSuspect,
  // Strategy
  kWithin,
  kRun,
  kRunOutOnly,
  kUndecidable,
  kSettling,
  kSuddenDrop,
  kNearTarget,
  kOffTarget,
  kOffTargetOutOnly,
  kRising,
  kInFlightCounts,
  kGoalKept,
  kGoalMissed,
  kGoalEasy,
  kGoalUnreachable,
  // The brakes
  kSteady,
  kFallback,
  kManualHold,
  kManualRevert,
  kWindowConflict,
  kBelowMin,
  kAboveMax,
  kMaximum,
  kMinimum,
  kClampedMax,
  kClampedMin,
  kEnoughBefore,
  kNeededBefore,
  kWindowUnobserved,
  kDisabled,
  kNoMoreForNow,
  kSomeForNow,
  kProjectedNone,
  kProjectedFewer,
  kChangeUnknown,
  kCooldown,
  kNotProgressing,
  kInFlight,
  kStepCeiling,
  kTargetCeiling,
  kClockJumped,
  kSuspended,
  kFrozen,
  kRecommendOnly,
};

// What the sentence is filled with; which of them, depends on the phrase.
struct Numbers {
  double value = 0;
  double bound = 0;
  double other = 0;
  int count = 0;
  int needed = 0;
  absl::Duration time;
  bool above = false;     // the value is above `bound`
  bool censored = false;  // "over `value`"
  bool operator==(const Numbers&) const = default;
};

// One stage's word: what went in, what came out, and why. Decide makes it of numbers; `metric` and `detail` are written
// by PutIntoWords.
struct Reason {
  Stage stage = Stage::kStrategy;
  Code code = Code::kSteady;
  Phrase phrase = Phrase::kNone;
  int metric_index = -1;  // into spec.metrics, for stages that speak of one
  int in = 0;
  int out = 0;
  Numbers numbers;
  std::string metric;
  std::string detail;  // numbers in words: "1240 ms is above 1000 ms for 3 of 3 samples"
  bool operator==(const Reason&) const = default;
};

// How one metric stands, for status and metrics.
struct MetricVerdict {
  std::string name;
  enum class State { kUnknown, kMissing, kStale, kIgnored, kBelowLower, kInRange, kAboveUpper };
  State state = State::kUnknown;
  std::optional<double> value;     // that is compared, after aggregation and basis; nullopt when there is none
  std::optional<double> measured;  // of the sample alone, when it may count
  bool censored = false;
  std::optional<int> recommended;
  int least = 0;     // where recommended: the fewest with which this reading would not have asked for more
  int breaches = 0;  // length of the current run, this sample included
  int breaches_needed = 0;
  bool above = false;  // which side the run is on, when breaches > 0
  std::optional<absl::Time> sampled_at;
  std::string unit;
  bool operator==(const MetricVerdict&) const = default;
};
const char* MetricStateName(MetricVerdict::State state);

struct Decision {
  Action action = Action::kHold;
  Cause cause = Cause::kMetrics;
  int from = 0;            // what the cloud has been told (target.desired)
  int to = 0;              // what this policy wants now; == from for kHold
  bool write = false;      // false in Recommend, or when there is nothing to write
  bool suspended = false;  // spec.suspend holds at least one direction now, whether or not there is something to hold
  int recommended = 0;     // by the strategies, before any limit
  int least = 0;           // the fewest with which they would not have asked for more; at most `recommended`
  int desired = 0;         // after all stages but suspend and mode: shown in Recommend too
  policy::Limits limits;
  std::vector<MetricVerdict> metrics;  // in the order of spec.metrics
  std::vector<Reason> reasons;         // in the order of the stages; never empty
  // The reason that bound the result: the last one that changed the value, else the last one that held it.
  Code code = Code::kSteady;
  std::string message;  // the sentence that people read; by PutIntoWords
  // When something that holds this decision back ends (cooldown, window, rate, schedule); nullopt: the next poll.
  std::optional<async::BootTime> next;
  bool operator==(const Decision&) const = default;
};

}  // namespace ottoscale::decision
