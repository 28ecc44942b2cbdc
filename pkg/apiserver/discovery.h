// The documents by which clients find out what is served (the legacy, unaggregated form), and /version. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/string_view.h"
#include "pkg/apiserver/served.h"

namespace ottoscale::apiserver {

// For /version, /api, /apis, /api/v1, /apis/G and /apis/G/V, and for the namespaces, which exist by being named:
// /api/v1/namespaces/NAME. nullopt for every other path.
std::optional<nlohmann::json> Discovery(const std::vector<std::string>& segments, const std::vector<Served>& served,
                                        absl::string_view version);

}  // namespace ottoscale::apiserver
