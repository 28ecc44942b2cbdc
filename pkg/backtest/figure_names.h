// The figures of a run by the names under which they are printed, put into JSON and asserted.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "pkg/simulation/figures.h"

namespace ottoscale::backtest {

struct FigureName {
  absl::string_view name;   // stable: "requestsOverCapacityPercent"
  absl::string_view words;  // "requests over capacity"
  absl::string_view unit;   // "%", "" for counts
  double (*value)(const simulation::Figures& figures);
  bool whole = false;  // a count
};

// In the order in which they are printed.
const std::vector<FigureName>& FigureNames();
// nullptr: there is none of this name.
const FigureName* FindFigure(absl::string_view name);

// "12.6", "0.0025", "1033": as many digits as a reader needs, never an exponent.
std::string FigureWords(double value);

}  // namespace ottoscale::backtest
