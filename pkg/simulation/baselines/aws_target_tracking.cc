#include "pkg/simulation/baselines/aws_target_tracking.h"

#include <algorithm>

namespace ottoscale::simulation {

std::optional<int> AwsTargetTracking::Desired(const Plant& plant) {
  const std::optional<double> metric = plant.Metric();
  if (!metric) return std::nullopt;
  const double target = plant.Parameters().TargetPerInstance();
  const double average = *metric / std::max(1, plant.Ready());
  high_run_ = average > target ? high_run_ + 1 : 0;
  low_run_ = average < parameters_.low_share * target ? low_run_ + 1 : 0;
  const int wish = CountFor(*metric, target);
  if (high_run_ >= parameters_.high_points && wish > plant.Ordered()) return wish;
  if (low_run_ >= parameters_.low_points && plant.Booting() == 0 && wish < plant.Ordered()) {
    low_run_ = 0;
    return wish;
  }
  return std::nullopt;
}

}  // namespace ottoscale::simulation
