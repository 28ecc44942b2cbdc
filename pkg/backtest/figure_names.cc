#include "pkg/backtest/figure_names.h"

#include <cmath>

#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

namespace ottoscale::backtest {

using simulation::Figures;

const std::vector<FigureName>& FigureNames() {
  static const std::vector<FigureName> kNames = {
      {"serverHours", "instance hours", "h", [](const Figures& f) { return f.server_hours; }},
      {"requestsOverCapacityPercent", "requests over capacity", "%",
       [](const Figures& f) { return f.requests_over_capacity_percent; }},
      {"thetaUPercent", "short of demand, mean", "%", [](const Figures& f) { return f.theta_under_percent; }},
      {"thetaOPercent", "beyond demand, mean", "%", [](const Figures& f) { return f.theta_over_percent; }},
      {"tauUPercent", "time short of demand", "%", [](const Figures& f) { return f.tau_under_percent; }},
      {"tauOPercent", "time beyond demand", "%", [](const Figures& f) { return f.tau_over_percent; }},
      {"instabilityPercent", "instability", "%", [](const Figures& f) { return f.instability_percent; }},
      {"adaptations", "changes of what serves", "", [](const Figures& f) { return static_cast<double>(f.adaptations); },
       true},
      {"reversals", "of them back within 10 min", "", [](const Figures& f) { return static_cast<double>(f.reversals); },
       true},
      {"longestUnderSeconds", "longest time short", "s",
       [](const Figures& f) { return absl::ToDoubleSeconds(f.longest_under); }, true},
      {"p95ResponseMilliseconds", "95 % of responses within", "ms",
       [](const Figures& f) { return absl::ToDoubleMilliseconds(f.p95_response); }},
      {"peakInstances", "most instances", "", [](const Figures& f) { return static_cast<double>(f.peak_instances); },
       true},
  };
  return kNames;
}

const FigureName* FindFigure(absl::string_view name) {
  for (const FigureName& figure : FigureNames()) {
    if (figure.name == name) return &figure;
  }
  return nullptr;
}

std::string FigureWords(double value) {
  const double size = std::abs(value);
  int decimals = 0;
  if (size < 100) decimals = 1;
  if (size < 10) decimals = 2;
  if (size < 1) decimals = 4;
  std::string words = absl::StrFormat("%.*f", decimals, value);
  if (decimals == 0) return words;
  words.erase(words.find_last_not_of('0') + 1);
  return std::string(absl::StripSuffix(words, "."));
}

}  // namespace ottoscale::backtest
