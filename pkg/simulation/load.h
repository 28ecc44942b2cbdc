// Offered load as a pure function of time: what the users of a simulated app do, whatever the app does.
#pragma once

#include <functional>
#include <vector>

#include "absl/time/time.h"

namespace ottoscale::simulation {

// Requests per second at a time since the start of the world.
using LoadCurve = std::function<double(absl::Duration since_start)>;

LoadCurve Constant(double rate);
// `steps` ascending by time; the rate of the last one that has begun; 0 before the first.
struct LoadStep {
  absl::Duration from;
  double rate = 0;
};
LoadCurve Steps(std::vector<LoadStep> steps);
// base + amplitude * sin(2 pi t / period), never below 0.
LoadCurve Sine(double base, double amplitude, absl::Duration period);
// `curve` over and over: its first `period`, repeated.
LoadCurve Repeat(LoadCurve curve, absl::Duration period);
LoadCurve Sum(LoadCurve a, LoadCurve b);

}  // namespace ottoscale::simulation
