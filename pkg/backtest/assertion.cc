#include "pkg/backtest/assertion.h"

#include <cmath>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "pkg/base/text.h"

namespace ottoscale::backtest {
namespace {

struct Sign {
  absl::string_view text;
  Assertion::Relation relation;
};

// The longer ones first: `<=` begins with `<`.
constexpr Sign kSigns[] = {{"<=", Assertion::Relation::kAtMost}, {">=", Assertion::Relation::kAtLeast},
                           {"==", Assertion::Relation::kEqual},  {"<", Assertion::Relation::kLess},
                           {">", Assertion::Relation::kMore},    {"=", Assertion::Relation::kEqual}};

absl::Status UnknownFigure(absl::string_view name) {
  std::vector<std::string> names;
  for (const FigureName& figure : FigureNames()) names.emplace_back(figure.name);
  const auto near = ClosestMatch(name, names);
  return absl::InvalidArgumentError(
      absl::StrCat("there is no figure '", Printable(Truncate(name, 60)),
                   "': ", near ? absl::StrCat("did you mean '", *near, "'?") : "there is " + JoinWords(names, "and")));
}

bool Holds(Assertion::Relation relation, double found, double limit) {
  switch (relation) {
    case Assertion::Relation::kLess: return found < limit;
    case Assertion::Relation::kAtMost: return found <= limit;
    case Assertion::Relation::kMore: return found > limit;
    case Assertion::Relation::kAtLeast: return found >= limit;
    case Assertion::Relation::kEqual: return found == limit;
  }
  return false;
}

}  // namespace

absl::StatusOr<Assertion> ParseAssertion(absl::string_view text) {
  const size_t at = text.find_first_of("<>=");
  if (at == absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat("'", Printable(Truncate(text, 60)),
                                                   "' has none of <, <=, >, >=, ==: expected a figure and a limit, "
                                                   "such as requestsOverCapacityPercent<0.1"));
  }
  const absl::string_view name = absl::StripAsciiWhitespace(text.substr(0, at));
  absl::string_view rest = text.substr(at);
  Assertion assertion{.figure = FindFigure(name)};
  if (assertion.figure == nullptr) return UnknownFigure(name);
  for (const Sign& sign : kSigns) {
    if (!absl::StartsWith(rest, sign.text)) continue;
    assertion.relation = sign.relation;
    rest = absl::StripAsciiWhitespace(rest.substr(sign.text.size()));
    if (!absl::SimpleAtod(rest, &assertion.limit) || !std::isfinite(assertion.limit)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", Printable(Truncate(rest, 60)), "' is no number: ", name, " is compared with one"));
    }
    assertion.text = absl::StrCat(name, " ", sign.text == "=" ? "==" : sign.text, " ", rest);
    break;
  }
  return assertion;
}

Verdict Judge(const Assertion& assertion, const simulation::Figures& figures) {
  const double found = assertion.figure->value(figures);
  const bool holds = Holds(assertion.relation, found, assertion.limit);
  // In full: a rounded figure may look as if it kept a limit that it misses.
  return {.holds = holds,
          .found = found,
          .sentence = absl::StrCat(assertion.text, holds ? " holds: found " : " does not hold: found ", found)};
}

}  // namespace ottoscale::backtest
