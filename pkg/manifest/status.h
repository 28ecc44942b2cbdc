// A ScalingPolicy's status as JSON, and back. Written by pkg/reconcile with server-side apply; read once after a start,
// for what survives a restart (lastScaleOutTime, lastScaleInTime, lastApplied, targetUID, pendingChange).
#pragma once

#include "nlohmann/json.hpp"
#include "pkg/decision/status.h"

namespace ottoscale::manifest {

// The `status` member. What is unknown is left out; equal values give equal text.
nlohmann::json EncodeStatus(const decision::PolicyStatus& status);

// Never fails: what is absent or has another shape keeps its default, since a status is no input of a person and a pass
// must not hang on it. The times that a restart needs are exact to the microsecond, all others to the second.
decision::PolicyStatus DecodeStatus(const nlohmann::json& status);

}  // namespace ottoscale::manifest
