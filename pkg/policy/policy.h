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

using Strategy = std::variant<Threshold>;

struct Metric {
  std::string name;
  ProviderConfig source;
  bool scale_out_only = false;            // directions: ScaleOutOnly
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
  absl::Duration settle = absl::Seconds(60);              // after any change: readings are no evidence for more of it
  absl::Duration progress_deadline = absl::Seconds(900);  // in flight longer: TargetNotProgressing, decisions go on
  bool operator==(const Behavior&) const = default;
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
