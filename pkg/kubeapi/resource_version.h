// Comparing resourceVersions. Those of one resource are decimal numbers of any length (KEP-5504); what is not is opaque
// and compares with nothing.
#pragma once

#include <compare>
#include <optional>

#include "absl/strings/string_view.h"

namespace ottoscale::kubeapi {

// True for a decimal number without sign or leading zeros, "0" excepted.
bool IsComparable(absl::string_view resource_version);
// nullopt unless both are comparable.
std::optional<std::strong_ordering> CompareResourceVersions(absl::string_view a, absl::string_view b);

}  // namespace ottoscale::kubeapi
