#include "pkg/simulation/load.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "pkg/base/check.h"

namespace ottoscale::simulation {
namespace {

bool Ascending(const std::vector<LoadPoint>& points) {
  return std::is_sorted(points.begin(), points.end(),
                        [](const LoadPoint& a, const LoadPoint& b) { return a.at < b.at; });
}

// The first point after `t`.
std::vector<LoadPoint>::const_iterator After(const std::vector<LoadPoint>& points, absl::Duration t) {
  return std::upper_bound(points.begin(), points.end(), t,
                          [](absl::Duration time, const LoadPoint& point) { return time < point.at; });
}

}  // namespace

LoadCurve Constant(double rate) {
  return [rate](absl::Duration) { return rate; };
}

LoadCurve Steps(std::vector<LoadPoint> points) {
  CHECK(Ascending(points), "steps ascend by time");
  return [points = std::move(points)](absl::Duration t) {
    const auto after = After(points, t);
    return after == points.begin() ? 0.0 : std::prev(after)->rate;
  };
}

LoadCurve Ramps(std::vector<LoadPoint> points) {
  CHECK(Ascending(points), "points ascend by time");
  return [points = std::move(points)](absl::Duration t) {
    if (points.empty()) return 0.0;
    const auto after = After(points, t);
    if (after == points.begin()) return points.front().rate;
    const LoadPoint& from = *std::prev(after);
    if (after == points.end()) return from.rate;
    return from.rate + (after->rate - from.rate) * absl::FDivDuration(t - from.at, after->at - from.at);
  };
}

LoadCurve Recorded(absl::Duration interval, const std::vector<double>& rates) {
  std::vector<LoadPoint> points;
  for (const double rate : rates) points.push_back({interval * static_cast<int64_t>(points.size()), rate});
  return Ramps(std::move(points));
}

LoadCurve Sine(double base, double amplitude, absl::Duration period) {
  return [=](absl::Duration t) {
    return std::max(0.0, base + amplitude * std::sin(2 * std::numbers::pi * absl::FDivDuration(t, period)));
  };
}

LoadCurve Diurnal(double night, double noon) {
  return [=](absl::Duration t) {
    const double day = absl::FDivDuration(t, absl::Hours(24));
    return night + (noon - night) * (1 - std::cos(2 * std::numbers::pi * day)) / 2;
  };
}

LoadCurve Spike(absl::Duration at, absl::Duration length, double rate) {
  return [=](absl::Duration t) { return t >= at && t < at + length ? rate : 0.0; };
}

LoadCurve Sum(LoadCurve a, LoadCurve b) {
  return [a = std::move(a), b = std::move(b)](absl::Duration t) { return a(t) + b(t); };
}

LoadCurve Times(LoadCurve curve, double factor) {
  return [curve = std::move(curve), factor](absl::Duration t) { return curve(t) * factor; };
}

LoadCurve Delayed(LoadCurve curve, absl::Duration by) {
  return [curve = std::move(curve), by](absl::Duration t) { return curve(t - by); };
}

LoadCurve Repeat(LoadCurve curve, absl::Duration period) {
  CHECK(period > absl::ZeroDuration(), "a period takes time");
  return [curve = std::move(curve), period](absl::Duration t) {
    absl::Duration rest;
    absl::IDivDuration(t, period, &rest);
    return curve(rest);
  };
}

}  // namespace ottoscale::simulation
