// OpenAPI v3 of what is served: what `kubectl explain` prints, and what kubectl and Helm look at before they send
// dryRun and fieldValidation. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/string_view.h"
#include "pkg/apiserver/served.h"

namespace ottoscale::apiserver {

// For /openapi/v3 (the list of documents) and the document of each group and version; nullopt for every other path.
std::optional<nlohmann::json> OpenApi(const std::vector<std::string>& segments, const std::vector<Served>& served,
                                      absl::string_view version);

}  // namespace ottoscale::apiserver
