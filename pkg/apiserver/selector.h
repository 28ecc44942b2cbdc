// labelSelector and fieldSelector.
#pragma once

#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ottoscale::apiserver {

// One requirement on the text at a place; several must hold together.
struct Requirement {
  enum class Operator { kIn, kNotIn, kExists, kAbsent };
  std::string key;
  Operator op = Operator::kExists;
  std::set<std::string> values;  // for kIn and kNotIn
};

struct Selector {
  std::vector<Requirement> labels;
  std::vector<Requirement> fields;  // by the path of the field: "metadata.name"

  bool empty() const { return labels.empty() && fields.empty(); }
  bool Matches(const nlohmann::json& object) const;
};

// Labels: `a=b`, `a==b`, `a!=b`, `a`, `!a`, `a in (b,c)`, `a notin (b,c)`, joined by commas. Fields: = , == and != on
// metadata.name, metadata.namespace and the paths of `selectable`. BadRequest says which part cannot be read.
absl::StatusOr<Selector> ParseSelector(absl::string_view labels, absl::string_view fields,
                                       const std::vector<std::string>& selectable = {});

}  // namespace ottoscale::apiserver
