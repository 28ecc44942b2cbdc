// What one pass has seen, as values: every failure of the outside world is data in here. Made by the providers, read by
// Decide. Missing is a state and never the number 0.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "pkg/async/instant.h"

namespace ottoscale::decision {

enum class SampleState {
  kValid,
  kCensored,  // "more than `value`": a timeout that counts as a breach; compares as above `value`
  kMissing,   // nothing was measured: holds, neither counts towards a run of breaches nor clears it
};

// Why a sample is missing. Stable names: they appear in status and metrics (see ReasonName).
enum class MissingReason {
  kNone,
  kTimeout,           // TimedOut: no complete answer in time, and onTimeout is Hold
  kServerError,       // ServerError: 5xx, and onServerError is Hold
  kUnexpectedAnswer,  // UnexpectedAnswer: answered, but not as it should
  kProbeFailed,       // ProbeFailed: could not look
  kNotRead,           // NotRead: the pass ended before it was read
};
const char* MissingReasonName(MissingReason reason);

// One reading of one metric.
struct Sample {
  SampleState state = SampleState::kMissing;
  double value = 0;            // in the source's unit (HTTPHeartbeat: milliseconds)
  async::Instant measured_at;  // when the provider measured it: samples with equal times are the same sample
  MissingReason missing = MissingReason::kNone;
  std::string message;          // for people, when missing or censored: what happened, without any body of the answer
  std::string unit;             // "ms"; for messages
  std::optional<double> nodes;  // that the source has counted, for Basis kPerNode
  absl::Duration took;          // of the reading, for telemetry
  bool operator==(const Sample&) const = default;
};

// What is wrong with a target. Stable names (see FaultName); what to do follows from the kind.
enum class TargetFault {
  kCredentialsInvalid,  // 401: wrong or revoked key
  kForbidden,           // 403, 402: the key may not, the account is suspended or unpaid
  kTargetNotFound,      // no such app, or it has no such process type
  kConfigInvalid,       // our request is wrong for this target: needs an edit
  kRateLimited,         // waits until retry_at
  kUnavailable,         // 5xx, network: waits
  kInvalidAnswer,       // answered, but not as documented
  kAccountNotReady,     // the CloudAccount or its Secret is missing, incomplete or wrong
};
const char* FaultName(TargetFault fault);
// True when only an edit or a person can mend it; waiting is then slow, never given up.
bool NeedsPerson(TargetFault fault);

struct TargetFailure {
  TargetFault fault = TargetFault::kUnavailable;
  std::string reason;   // condition reason when more exact than FaultName: "SecretKeyMissing"; "" otherwise
  std::string message;  // one sentence: what, where, what to do
  std::optional<async::BootTime> retry_at;
  bool operator==(const TargetFailure&) const = default;
};

// The target as the cloud tells it.
struct TargetState {
  std::string uid;                 // the provider's own identity, e.g. "APP-UUID/web"
  std::string display;             // for the column: "heroku/dancing-forest-1234/web"
  std::string unit = "instances";  // "dynos"; for messages
  int desired = 0;                 // what the cloud has been told
  int ready = 0;                   // what serves
  bool off = false;                // somebody has switched it off without setting 0: maintenance
  std::string off_reason;
  std::optional<int> ceiling;  // the provider's own limit, when known
  async::Instant read_at;
  // Ordered and not there yet, or still going away.
  bool InFlight() const { return desired != ready; }
  bool operator==(const TargetState&) const = default;
};

using TargetReading = std::variant<TargetFailure, TargetState>;

struct Observation {
  TargetReading target;
  std::vector<Sample> samples;  // in the order of spec.metrics
  bool probes_suspect = false;  // most heartbeats of the operator could not even connect: it suspects itself
  const TargetState* state() const { return std::get_if<TargetState>(&target); }
  const TargetFailure* failure() const { return std::get_if<TargetFailure>(&target); }
  bool operator==(const Observation&) const = default;
};

// How a write to the cloud ended.
struct Applied {
  int capacity = 0;  // what the cloud says it has been told now; may differ from what was asked
  bool operator==(const Applied&) const = default;
};
struct Refused {
  // Limit: the provider's own bound, kept as a ceiling and reported, not retried each pass. Busy: waiting helps.
  enum class Kind { kLimit, kBusy, kRateLimited, kCredentials, kNotFound, kInvalid };
  Kind kind = Kind::kInvalid;
  std::string message;
  std::optional<int> ceiling;  // kLimit: what the provider allows, when it says so
  std::optional<async::BootTime> retry_at;
  bool operator==(const Refused&) const = default;
};
struct Unknown {
  std::string message;  // it may have happened: read the target before anything else
  bool operator==(const Unknown&) const = default;
};
// The gate kept it back: the world changed between decision and write. An ordinary race: decide again.
struct Superseded {
  std::string message;
  bool operator==(const Superseded&) const = default;
};
// The gate found a defect of ours. Holds the policy until its generation changes.
struct Violation {
  std::string check;
  std::string message;
  bool operator==(const Violation&) const = default;
};
struct NotWritten {
  bool operator==(const NotWritten&) const = default;
};
using WriteResult = std::variant<NotWritten, Applied, Refused, Unknown, Superseded, Violation>;

}  // namespace ottoscale::decision
