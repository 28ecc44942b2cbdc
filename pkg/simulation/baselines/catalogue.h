// All baselines by name, with the parameters that the comparison in this folder's README uses.
#pragma once

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "pkg/simulation/baselines/strategy.h"

namespace ottoscale::simulation {

struct Baseline {
  absl::string_view name;   // for the command line: lower case, hyphens
  absl::string_view title;  // for people
  // `loads` outlive the strategy: static sizes and the oracle know them in advance.
  std::unique_ptr<Strategy> (*make)(const PlantParameters& parameters, const std::vector<double>& loads);
};

// Each once, in the order of the README.
const std::vector<Baseline>& Baselines();
// nullptr: there is no such baseline.
const Baseline* FindBaseline(absl::string_view name);

}  // namespace ottoscale::simulation
