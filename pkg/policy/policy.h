// What a user asked for, as values: a ScalingPolicy and a CloudAccount after decoding, defaulting and validation. Pure:
// no I/O, no clock, no Kubernetes. Made by pkg/manifest; read by pkg/decision, the providers (their own configuration)
// and pkg/reconcile. The field's meaning, unit and default are those of crds/README.md; the defaults below are the
// same.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "pkg/policy/schedule.h"

namespace ottoscale::policy {

enum class Mode {
  kEnforce,
  kRecommend,  // decide and report, never write
};

enum class Direction { kOut, kIn };

struct Suspend {
  enum class Scope { kAll, kScaleIn, kScaleOut };
  Scope scope = Scope::kAll;
  absl::Time until = absl::InfiniteFuture();
  std::string reason;
  bool operator==(const Suspend&) const = default;

  // Whether changes in this direction are held at `now`.
  bool Holds(Direction direction, absl::Time now) const {
    if (now >= until) return false;
    return scope == Scope::kAll || (scope == Scope::kScaleIn) == (direction == Direction::kIn);
  }
};

struct Position {
  int line = 0;  // from 1; 0: unknown
  int column = 0;
  bool operator==(const Position&) const = default;
};

// The part of a spec that only its provider understands: one member of a union, kept as the JSON text of that member.
struct ProviderConfig {
  std::string type;     // "HerokuFormation", "HTTPHeartbeat": what `type` says
  std::string json;     // the member's object, canonical: equal configurations have equal text
  std::string account;  // accountRef.name, "" when the provider needs none
  bool operator==(const ProviderConfig&) const = default;
};

// Scales by steps when `breaches` samples in a row lie strictly outside [lower, upper].
struct Threshold {
  double lower = 0;
  double upper = 0;
  int breaches_to_scale_out = 3;  // 1..100, distinct samples in a row
  int breaches_to_scale_in = 5;
  int step_out = 1;  // instances, 1..1000
  int step_in = 1;
  bool operator==(const Threshold&) const = default;
};

// Keeps the value at `target`: the capacity that is wanted is to the present one as the value is to the target. With
// Basis kValue the value has to fall as the capacity grows (utilization, time in a queue per instance); a total belongs
// with kPerInstance. Of a total that rises, what is foreseen at the end of `look_ahead` has to stay within the
// tolerance, too.
struct TargetTracking {
  double target = 0;                     // above 0
  int scale_out_tolerance_percent = 10;  // 0..1000: up to so much above the target nothing is done
  int scale_in_tolerance_percent = 0;    // 0..99: down to so much below it
  // 0..900 s; 0: not at all; nullopt: as long as an instance takes to serve, as was seen, or 2 min before one was
  std::optional<absl::Duration> look_ahead;
  bool operator==(const TargetTracking&) const = default;
};

// What is done while the value lies in an interval; nullopt: without an end. A step out begins at `lower` and ends
// before `upper`, a step in begins behind `lower` and ends at `upper`, as in AWS's step scaling.
struct Step {
  std::optional<double> lower;
  std::optional<double> upper;
  int change = 0;  // not 0: above 0 scales out, below 0 in; -1000..1000
  bool operator==(const Step&) const = default;
};

// Steps that depend on how far the value is off. Where no step's interval holds the value nothing is done.
struct StepTable {
  enum class Change {
    kInstances,
    kPercent,  // of the capacity, towards 0 where it is no whole number, but at least one instance
  };
  Change change = Change::kInstances;
  std::vector<Step> steps;        // 1..20, no two overlap, no step in above a step out
  int breaches_to_scale_out = 3;  // 1..100, distinct samples in a row within steps of one direction
  int breaches_to_scale_in = 5;
  bool operator==(const StepTable&) const = default;
};

// The smallest capacity that is expected to answer within the goal, by a queueing model whose load is corrected by what
// is seen. The value is a response time in milliseconds (Basis kValue).
struct LatencyGoal {
  double goal_milliseconds = 0;                // above the time of an idle request
  std::optional<double> service_milliseconds;  // of an idle request; nullopt: the lowest that was seen
  int workers_per_instance = 5;                // 1..1000: requests that one instance serves at the same time
  bool operator==(const LatencyGoal&) const = default;
};

using Strategy = std::variant<Threshold, TargetTracking, StepTable, LatencyGoal>;

// What a strategy compares with its numbers.
enum class Basis {
  kValue,        // the value as it is
  kPerInstance,  // divided by the ready capacity
  kPerNode,      // divided by the nodes that the source has counted
};

// One value of the samples of a window, which has to be covered by them before it counts.
struct Aggregation {
  enum class Type { kLast, kMean, kExponentialMean, kPercentile };
  Type type = Type::kLast;
  absl::Duration window;  // 0 for kLast, otherwise 1..3600 s; of an exponential mean the time constant
  double percent = 95;    // of kPercentile, above 0 and up to 100
  bool operator==(const Aggregation&) const = default;
};

struct Metric {
  std::string name;
  ProviderConfig source;
  Basis basis = Basis::kValue;
  Aggregation aggregation;
  bool scale_out_only = false;  // directions: ScaleOutOnly
  // A fall to 0 or by more than 80 % at once: confirmed by later samples before it counts as evidence for less, or
  // believed.
  enum class SuddenDrop { kConfirm, kAccept };
  SuddenDrop sudden_drop = SuddenDrop::kConfirm;
  std::optional<absl::Duration> max_age;  // nullopt: the larger of 3 polls and 2 polls + the provider's cache period
  Strategy strategy;
  bool operator==(const Metric&) const = default;
};

// One rate limit: within `period`, at most this much change in its direction.
struct RatePolicy {
  enum class Type { kPercent, kInstances };
  Type type = Type::kPercent;
  int value = 50;  // percent of the capacity at the start of the period, rounded up for scale-in; or instances
  absl::Duration period = absl::Seconds(300);
  bool operator==(const RatePolicy&) const = default;
};

struct DirectionBehavior {
  absl::Duration cooldown;              // out: since the last scale-out; in: since any change
  absl::Duration stabilization_window;  // in: the highest recommendation of the window holds; out: the lowest
  enum class Select { kMax, kMin, kDisabled };
  Select select = Select::kMax;
  std::vector<RatePolicy> policies;  // none: no rate limit; at least one instance is always allowed
  bool operator==(const DirectionBehavior&) const = default;
};

struct Behavior {
  DirectionBehavior scale_out;
  DirectionBehavior scale_in = {.cooldown = absl::ZeroDuration(),
                                .stabilization_window = absl::Seconds(300),
                                .select = DirectionBehavior::Select::kMax,
                                .policies = {RatePolicy{}}};
  // Nothing is taken away that a Threshold or StepTable would want back at once (of values that are shared:
  // kPerInstance, kPerNode).
  bool project_scale_in = true;
  // After any change: readings are no evidence for more of it, but for a total that a TargetTracking divides itself.
  absl::Duration settle = absl::Seconds(60);
  absl::Duration progress_deadline = absl::Seconds(900);  // in flight longer: TargetNotProgressing, decisions go on
  bool operator==(const Behavior&) const = default;
};

// What is done once no metric has been valid for `after`: nothing, or at least `capacity` instances, never fewer.
struct Fallback {
  enum class Type { kHold, kAtLeast };
  Type type = Type::kHold;
  absl::Duration after = absl::Seconds(600);  // 1..86400 s
  int capacity = 0;                           // of kAtLeast
  bool operator==(const Fallback&) const = default;
};

// What is done when somebody else has changed the target.
struct ManualChange {
  enum class Type {
    kAdopt,   // goes on from there
    kHold,    // leaves it for `hold`, then goes on from there
    kRevert,  // sets it back to what was last applied
  };
  Type type = Type::kAdopt;
  absl::Duration hold;  // of kHold, 60..604800 s
  bool operator==(const ManualChange&) const = default;
};

struct NotificationRule {
  std::string channel;
  std::vector<std::string> events;
  bool operator==(const NotificationRule&) const = default;
};

// What the administrator of the operator allows, whatever the manifest says. No part of the manifest: whoever runs the
// policy fills it in.
struct Ceilings {
  int max_capacity = 1'000'000;
  int max_step = 1'000'000;  // of one change
  bool frozen = false;       // decide and report, write nothing
  bool operator==(const Ceilings&) const = default;
};

struct ScalingPolicy {
  Mode mode = Mode::kEnforce;
  std::optional<Suspend> suspend;
  absl::Duration poll_period = absl::Seconds(30);
  ProviderConfig target;
  int min_capacity = 1;
  int max_capacity = 1;
  Schedule schedule;
  std::vector<Metric> metrics;
  Behavior behavior;
  Fallback fallback;
  ManualChange manual_change;
  std::vector<NotificationRule> notifications;
  Ceilings ceilings;
  // Nothing is ever written: only what would be.
  bool OnlyRecommends() const { return mode == Mode::kRecommend || ceilings.frozen; }
  bool operator==(const ScalingPolicy&) const = default;
};

struct SecretKeyRef {
  std::string name;
  std::string key;
  bool operator==(const SecretKeyRef&) const = default;
};

struct CloudAccount {
  std::string type;  // "Heroku"
  SecretKeyRef credential;
  std::string url;  // of the API, without a slash at the end; default https://api.heroku.com
  int requests_per_minute = 60;
  bool operator==(const CloudAccount&) const = default;
};

}  // namespace ottoscale::policy
