// What a user asks of a run: `--assert "requestsOverCapacityPercent<0.1"`. A figure's name, <, <=, >, >= or ==, a
// number.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pkg/backtest/figure_names.h"

namespace ottoscale::backtest {

struct Assertion {
  enum class Relation { kLess, kAtMost, kMore, kAtLeast, kEqual };
  const FigureName* figure = nullptr;
  Relation relation = Relation::kLess;
  double limit = 0;
  std::string text;  // as "name < limit"
};

struct Verdict {
  bool holds = false;
  double found = 0;
  std::string sentence;  // "requestsOverCapacityPercent < 0.1 does not hold: found 2.57"
};

// InvalidArgument: one sentence, with the name that was probably meant, or all names.
absl::StatusOr<Assertion> ParseAssertion(absl::string_view text);
Verdict Judge(const Assertion& assertion, const simulation::Figures& figures);

}  // namespace ottoscale::backtest
