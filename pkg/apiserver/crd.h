// A CustomResourceDefinition as something that this server serves. Clusters and this server read the same files.
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "pkg/apiserver/served.h"

namespace ottoscale::apiserver {

// Of the one version of the definition. InvalidArgument says what is missing or not known.
absl::StatusOr<Served> ServedFromCrd(const nlohmann::json& crd);

// DefaultServed with the custom kinds replaced by those of `crds`.
absl::StatusOr<std::vector<Served>> ServedWith(const std::vector<nlohmann::json>& crds);

}  // namespace ottoscale::apiserver
