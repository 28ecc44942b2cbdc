// Offered load: what the users of a simulated app do, whatever the app does. A curve is a pure function of time, so
// that it may be asked for any moment, in any order, and the same world always sees the same load.
#pragma once

#include <functional>
#include <vector>

#include "absl/time/time.h"

namespace ottoscale::simulation {

// Requests per second (0 or more) at a time since the start of the world.
using LoadCurve = std::function<double(absl::Duration since_start)>;

struct LoadPoint {
  absl::Duration at;
  double rate = 0;  // requests per second
};

LoadCurve Constant(double rate);
// Points ascending by time; the rate of the last one that has begun; 0 before the first.
LoadCurve Steps(std::vector<LoadPoint> points);
// Points ascending by time; straight lines between them; the first and the last rate outside. 0 without points.
LoadCurve Ramps(std::vector<LoadPoint> points);
// A recorded series: `rates` one `interval` apart, from time 0, joined by straight lines; the last one stays.
LoadCurve Recorded(absl::Duration interval, const std::vector<double>& rates);
// base + amplitude * sin(2 pi t / period), never below 0.
LoadCurve Sine(double base, double amplitude, absl::Duration period);
// A day: `night` at midnight (time 0), `noon` twelve hours later, a cosine between.
LoadCurve Diurnal(double night, double noon);
// 0, but `rate` in [at, at + length).
LoadCurve Spike(absl::Duration at, absl::Duration length, double rate);

LoadCurve Sum(LoadCurve a, LoadCurve b);
LoadCurve Times(LoadCurve curve, double factor);
// `curve`, but later by `by`.
LoadCurve Delayed(LoadCurve curve, absl::Duration by);
// The first `period` of `curve`, over and over.
LoadCurve Repeat(LoadCurve curve, absl::Duration period);

}  // namespace ottoscale::simulation
