// What a ScalingPolicy's status says, as plain values: a function of the Outcome, like everything that people read.
// pkg/manifest turns it into JSON and back, pkg/reconcile writes it. Called once a pass, after Remember.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pkg/async/instant.h"
#include "pkg/decision/decide.h"
#include "pkg/decision/history.h"
#include "pkg/decision/replay.h"
#include "pkg/policy/policy.h"

namespace ottoscale::decision {

// A metav1.Condition. Every triple (type, status, reason) stands in the table at the top of status.cc.
struct Condition {
  std::string type;
  std::string status = "Unknown";  // True, False, Unknown
  std::string reason;              // CamelCase, never empty
  std::string message;
  int64_t observed_generation = 0;
  absl::Time last_transition;  // when `status` became what it is
  bool operator==(const Condition&) const = default;
};

struct MetricStatus {
  std::string name;
  std::string state;               // MetricStateName
  std::optional<double> value;     // in `unit`
  std::optional<double> measured;  // by the sample alone, where aggregation or basis made another value of it
  std::string unit;
  bool censored = false;  // more than `value`
  std::optional<absl::Time> sampled_at;
  int breaches = 0;  // in a row, this sample included
  int breaches_needed = 0;
  std::string message;  // why there is no sample; "" otherwise
  bool operator==(const MetricStatus&) const = default;
};

struct StageStatus {
  std::string stage;   // StageName
  std::string metric;  // "" when the stage speaks of none
  int in = 0;
  int out = 0;
  std::string code;  // CodeName
  bool operator==(const StageStatus&) const = default;
};

struct DecisionStatus {
  std::string action;  // Hold, ScaleOut, ScaleIn, WouldScaleOut, WouldScaleIn (Recommend)
  int from = 0;
  int to = 0;
  absl::Time time;
  std::string reason;  // CodeName
  std::string message;
  std::vector<StageStatus> stages;
  bool operator==(const DecisionStatus&) const = default;
};

struct AppliedStatus {
  int capacity = 0;
  absl::Time time;
  bool operator==(const AppliedStatus&) const = default;
};

// A change or a refusal.
struct HistoryEntry {
  absl::Time time;
  int from = 0;
  int to = 0;
  std::string result;  // Applied, Refused, Unknown, Violation
  std::string reason;  // CodeName of the decision
  std::string message;
  bool operator==(const HistoryEntry&) const = default;
};

// What the last decision was made of, besides the spec: with it, and the spec of the same generation, anybody can ask
// Decide again. For `ottoscale explain`; nothing is restored from it.
struct Memory {
  Situation situation;
  policy::Ceilings ceilings;
  bool operator==(const Memory&) const = default;
};

struct PolicyStatus {
  static constexpr size_t kMaxHistory = 10;

  int64_t observed_generation = 0;
  std::string target;  // for the column: "heroku/dancing-forest-1234/web"
  std::string target_uid;
  std::optional<int> current_capacity;  // ready
  std::optional<int> target_capacity;   // what the cloud has been told
  std::optional<int> pending_capacity;  // ordered, not ready
  std::optional<int> desired_capacity;  // what the policy wants, in Recommend too
  std::optional<policy::Limits> effective_bounds;
  std::vector<MetricStatus> metrics;  // in the order of the spec
  std::string metric_summary;         // "heartbeat 1240/1000ms"
  std::optional<DecisionStatus> decision;
  std::optional<PendingChange> pending_change;
  std::optional<AppliedStatus> last_applied;
  std::optional<absl::Time> last_scale_out_time;
  std::optional<absl::Time> last_scale_in_time;
  std::optional<absl::Time> next_scale_time;  // when a cooldown, window or rate limit that holds something back ends
  std::vector<HistoryEntry> history;          // newest last, at most kMaxHistory
  std::vector<Condition> conditions;  // Ready, ScalingActive, AbleToScale, ScalingLimited; then what is abnormal
  // Shared, since a status is copied some times a pass and this is its largest part. No part of its meaning.
  std::shared_ptr<const Memory> memory;
  bool operator==(const PolicyStatus&) const = default;
};

// nullptr when there is none. Borrowed from `status`.
const Condition* FindCondition(const PolicyStatus& status, absl::string_view type);

// `history_after` is what Remember returned for this outcome; `previous` may be null.
PolicyStatus StatusFor(const policy::ScalingPolicy& spec, int64_t generation, const History& history_after,
                       const Outcome& outcome, const PolicyStatus* previous);

// Why no pass is possible.
struct StatusProblem {
  bool stalled = false;  // cannot heal without an edit
  std::string reason;    // InvalidSpec, UnknownTimeZone, ...
  std::string message;
};
// Keeps what `previous` knows of the target, of changes and of the past.
PolicyStatus StatusForProblem(int64_t generation, const StatusProblem& problem, async::Instant now,
                              const PolicyStatus& previous);

// Whether a reader would learn nothing new: times of polls, metric values and the words around them are left out.
bool SameMeaning(const PolicyStatus& a, const PolicyStatus& b);
// Whether `next` should be written over `previous`, which was written `since` ago: another meaning at once; readings
// that are in another state, or half as much again, after a minute; any other reading after ten. So ten thousand
// policies that have nothing to do ask the API server for little.
bool WorthWriting(const PolicyStatus& previous, const PolicyStatus& next, absl::Duration since);

// What survives a restart: see pkg/ARCHITECTURE.md, "State and restart". Runs of breaches and recommendations do not.
History RestoreHistory(const PolicyStatus& status, async::Instant now);

}  // namespace ottoscale::decision
