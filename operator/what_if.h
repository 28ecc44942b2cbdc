// The part of `ottoscale explain` that asks Decide again: what would have to be otherwise for another decision, and why
// it was not a given one. Asked of exactly what the operator had decided upon (status.memory) and of the spec beside
// it; where that does not give the decision of the status again, nothing is claimed. Pure.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "pkg/decision/counterfactual.h"

namespace ottoscale::operator_main {

struct WhatIf {
  absl::Time as_of;    // of the pass that was asked again
  int from = 0;        // what the cloud had been told then
  bool holds = false;  // nothing is written after this decision
  decision::Counterfactual counterfactual;
  std::optional<decision::WhyNot> why_not;
};

// Or the sentence that says why it cannot be asked. `policy`: the whole object; `why_not`: a capacity.
std::variant<WhatIf, std::string> AskAgain(const nlohmann::json& policy, std::optional<int> why_not);

// Lines with a heading each, for people.
std::vector<std::string> WhatIfInWords(const WhatIf& answer);
// Members `counterfactual` and, where it was asked, `whyNot`.
nlohmann::json WhatIfAsJson(const WhatIf& answer);

}  // namespace ottoscale::operator_main
