// What a user says about the simulated service: the file of `ottoscale simulate --plant`. Strict: an unknown field, a
// wrong type or a value out of range is a problem with its line and column. What the fields mean stands in the text
// that
// `--print-plant` prints.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "pkg/codec/problem.h"
#include "pkg/simulation/plant.h"

namespace ottoscale::backtest {

struct PlantFile {
  // Without capacity, min and max, unless they are said; they come from the policy and the series then.
  simulation::PlantParameters parameters;
  std::optional<double> capacity;
  std::optional<int> min;
  std::optional<int> max;
  bool operator==(const PlantFile&) const = default;
};

// A YAML or JSON document; an empty one says nothing and gives the defaults.
codec::Decoded<PlantFile> ParsePlant(absl::string_view text);

// A plant file that says the defaults, with a comment on every field.
absl::string_view DefaultPlantText();

}  // namespace ottoscale::backtest
