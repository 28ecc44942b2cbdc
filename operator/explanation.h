// What `ottoscale explain` says: why a policy has the capacity that it has, from its object as the API serves it. Pure;
// it decides nothing anew and reads what the operator has written into the status.
#pragma once

#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace ottoscale::operator_main {

// For people: what is wanted and why, each metric, each stage's word in order, what is not well, the last changes.
// Control characters of the object are made visible.
std::vector<std::string> ExplainInWords(const nlohmann::json& policy);

// For programs: {name, namespace, mode, current, message, ...} with status.decision, .metrics and .history as they are.
nlohmann::json ExplainAsJson(const nlohmann::json& policy);

}  // namespace ottoscale::operator_main
