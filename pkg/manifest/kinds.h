// The specs of our kinds, one file each; every one reads `spec` of a root that somebody else finishes. Internal to
// pkg/manifest.
#pragma once

#include <optional>

#include "pkg/codec/object_reader.h"
#include "pkg/manifest/manifest.h"
#include "pkg/policy/policy.h"

namespace ottoscale::manifest {

std::optional<policy::ScalingPolicy> ReadScalingPolicy(codec::ObjectReader& root, const ProviderCheck& check);
std::optional<policy::CloudAccount> ReadCloudAccount(codec::ObjectReader& root);
// Known and checked; its values come with the notifiers.
void CheckNotificationChannel(codec::ObjectReader& root);

}  // namespace ottoscale::manifest
