// The refusals of the API server, in the words of the real one where those are good, as absl::Status with an ApiError.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "pkg/kubeapi/api_error.h"
#include "pkg/kubeapi/resource.h"

namespace ottoscale::apiserver {

absl::Status Refusal(kubeapi::ErrorReason reason, absl::string_view message);
absl::Status BadRequest(absl::string_view message);
// `scalingpolicies.ottoscale.dev "web" not found`.
absl::Status NotFound(const kubeapi::Resource& resource, absl::string_view name);
absl::Status AlreadyExists(const kubeapi::Resource& resource, absl::string_view name);
// `Operation cannot be fulfilled on ... "web": <why>`.
absl::Status Conflict(const kubeapi::Resource& resource, absl::string_view name, absl::string_view why);
// The object changed since the caller read it.
absl::Status Modified(const kubeapi::Resource& resource, absl::string_view name);
// `ScalingPolicy.ottoscale.dev "web" is invalid: spec.maxCapacity: ...`, one cause for each.
absl::Status Invalid(const kubeapi::Resource& resource, absl::string_view name, std::vector<kubeapi::Cause> causes);
// "the server could not find the requested resource": a path that is not served.
absl::Status NoSuchPath();
// What went wrong, whatever it is: errors without an ApiError are InternalError.
kubeapi::ApiError AsApiError(const absl::Status& status);

}  // namespace ottoscale::apiserver
