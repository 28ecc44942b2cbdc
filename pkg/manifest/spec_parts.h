// The parts of a ScalingPolicy's spec, one file each. Internal to pkg/manifest.
#pragma once

#include <optional>
#include <vector>

#include "pkg/codec/object_reader.h"
#include "pkg/manifest/manifest.h"
#include "pkg/policy/policy.h"

namespace ottoscale::manifest {

// What the API's bounds are; crds/ and crds/README.md say the same numbers (a test compares them).
inline constexpr int kMaxCapacity = 10'000;
inline constexpr int kMaxMetrics = 16;
inline constexpr int kMaxWindows = 32;
inline constexpr int kMaxRatePolicies = 8;
inline constexpr int kMaxNotifications = 10;
inline constexpr int kMaxEvents = 16;
inline constexpr int kMaxSteps = 20;
inline constexpr double kMaxThreshold = 1e12;

// spec.schedule.
policy::Schedule ReadSchedule(codec::ObjectReader& spec);
// spec.metrics.
std::vector<policy::Metric> ReadMetrics(codec::ObjectReader& spec, const ProviderCheck& check);
// metrics[].strategy; nullopt after a mistake in the union itself. Rules that tie it to the `basis` are checked too,
// and those that tie it to `source`, which has been read as far as its type.
std::optional<policy::Strategy> ReadStrategy(codec::ObjectReader& metric, policy::Basis basis,
                                             codec::ObjectReader* source);
// spec.behavior.
policy::Behavior ReadBehavior(codec::ObjectReader& spec);
// spec.target.
policy::ProviderConfig ReadTarget(codec::ObjectReader& spec, const ProviderCheck& check);

// The member of a union as a provider's configuration; with `account`, its accountRef is required and checked.
policy::ProviderConfig ReadConfig(codec::ObjectReader& object, absl::string_view type, absl::string_view member,
                                  bool account, ConfigKind kind, const ProviderCheck& check);

}  // namespace ottoscale::manifest
