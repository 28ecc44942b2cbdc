// Our kinds, between the JSON that people and the API write and the values that the program uses: decoding with every
// rule and default of crds/README.md, and the sentences for `ottoscale validate`, for conditions and for the embedded
// API server. All three say the same words because all three come from here.
//
// A mistake never hides another: decoding goes on, and all problems are returned, by place in the text.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "pkg/codec/problem.h"
#include "pkg/manifest/status.h"  // IWYU pragma: export
#include "pkg/policy/policy.h"

namespace ottoscale::manifest {

template <typename T>
using Decoded = codec::Decoded<T>;
using codec::FormatProblem;

enum class ConfigKind { kSource, kTarget };

// Checks the inside of a provider's configuration, whose rules only the provider knows. Problems without a place and
// with paths relative to the union member ("url", "expectedStatuses[1]"). Called only with a configuration of a known
// type.
using ProviderCheck = std::function<std::vector<codec::Problem>(ConfigKind kind, const policy::ProviderConfig& config)>;

// `object` is the whole object; only `spec` is read. `positions`, of the text that it came from, may be null. Without
// `check`, the inside of provider configurations is taken as it is.
Decoded<policy::ScalingPolicy> DecodeScalingPolicy(const nlohmann::json& object,
                                                   const codec::Positions* positions = nullptr,
                                                   const ProviderCheck& check = nullptr);
Decoded<policy::CloudAccount> DecodeCloudAccount(const nlohmann::json& object,
                                                 const codec::Positions* positions = nullptr);

// Everything about a manifest: apiVersion and kind (ours, and Secret, which stands beside them in files), metadata, and
// the spec of a known kind.
std::vector<codec::Problem> CheckManifest(const nlohmann::json& object, const codec::Positions* positions = nullptr,
                                          const ProviderCheck& check = nullptr);

}  // namespace ottoscale::manifest
