#include "pkg/simulation/load.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace ottoscale::simulation {

LoadCurve Constant(double rate) {
  return [rate](absl::Duration) { return rate; };
}

LoadCurve Steps(std::vector<LoadStep> steps) {
  return [steps = std::move(steps)](absl::Duration t) {
    double rate = 0;
    for (const LoadStep& step : steps) {
      if (step.from <= t) rate = step.rate;
    }
    return rate;
  };
}

LoadCurve Sine(double base, double amplitude, absl::Duration period) {
  return [=](absl::Duration t) {
    return std::max(0.0, base + amplitude * std::sin(2 * std::numbers::pi * absl::FDivDuration(t, period)));
  };
}

LoadCurve Repeat(LoadCurve curve, absl::Duration period) {
  return [curve = std::move(curve), period](absl::Duration t) {
    absl::Duration rest;
    absl::IDivDuration(t, period, &rest);
    return curve(rest);
  };
}

LoadCurve Sum(LoadCurve a, LoadCurve b) {
  return [a = std::move(a), b = std::move(b)](absl::Duration t) { return a(t) + b(t); };
}

}  // namespace ottoscale::simulation
