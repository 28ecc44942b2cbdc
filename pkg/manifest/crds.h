// The CustomResourceDefinitions of crds/, built into the program: what the embedded API server serves, and what a
// cluster gets, are the same files.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace ottoscale::manifest {

// The files, in the order of their names.
const std::vector<absl::string_view>& CrdTexts();
// The same, read. They are part of the program: one that cannot be read ends it.
std::vector<nlohmann::json> Crds();

}  // namespace ottoscale::manifest
