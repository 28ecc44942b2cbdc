#include "pkg/simulation/load_steps.h"

#include <algorithm>
#include <limits>

#include "pkg/base/check.h"

namespace ottoscale::simulation {

LoadSteps::LoadSteps(const std::vector<LoadPoint>& points, absl::Duration step) : step_(absl::ToDoubleSeconds(step)) {
  CHECK(!points.empty() && points.front().at == absl::ZeroDuration(), "a series begins at time 0");
  CHECK(step > absl::ZeroDuration(), "a step takes time");
  points_.reserve(points.size());
  for (const LoadPoint& point : points) {
    points_.push_back({absl::ToDoubleSeconds(point.at), point.rate});
    CHECK(points_.size() == 1 || points_.back().at > points_[points_.size() - 2].at, "a series ascends by time");
  }
  absl::Duration rest;
  count_ = absl::IDivDuration(points.back().at, step, &rest) + (rest > absl::ZeroDuration() ? 1 : 0);
  count_ = std::max<int64_t>(count_, 1);
  Enter(0);
}

void LoadSteps::Enter(size_t segment) {
  segment_ = segment;
  begin_ = points_[segment].at;
  rate_ = points_[segment].rate;
  const bool last = segment + 1 == points_.size();
  end_ = last ? std::numeric_limits<double>::infinity() : points_[segment + 1].at;
  slope_ = last ? 0 : (points_[segment + 1].rate - rate_) / (end_ - begin_);
}

std::vector<double> LoadPerStep(const std::vector<LoadPoint>& points, absl::Duration step) {
  LoadSteps steps(points, step);
  std::vector<double> loads(static_cast<size_t>(steps.Count()));
  for (double& load : loads) load = steps.Next();
  return loads;
}

}  // namespace ottoscale::simulation
