// What `ottoscale explain` says: why a policy has the capacity that it has, from its object as the API serves it: what
// the operator has written into the status, and, asked again of the same readings, what would have changed it. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace ottoscale::operator_main {

// For people: what is wanted and why, each metric, each stage's word in order, what would change it, what is not well,
// the last changes. `why_not`: a capacity that somebody had expected. Control characters of the object are made
// visible.
std::vector<std::string> ExplainInWords(const nlohmann::json& policy, std::optional<int> why_not = std::nullopt);

// For programs: {name, namespace, mode, current, message, ...} with status.decision, .metrics and .history as they are;
// {counterfactual, whyNot} as in what_if.h, or {counterfactual: {unknown: why}}.
nlohmann::json ExplainAsJson(const nlohmann::json& policy, std::optional<int> why_not = std::nullopt);

}  // namespace ottoscale::operator_main
