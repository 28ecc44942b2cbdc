#include "pkg/simulation/baselines/autoscalebot.h"

#include <algorithm>

namespace ottoscale::simulation {

std::optional<int> Autoscalebot::Desired(const Plant& plant) {
  const absl::Duration response = plant.ResponseTime();
  high_run_ = response > parameters_.upper ? high_run_ + 1 : 0;
  low_run_ = response < parameters_.lower ? low_run_ + 1 : 0;
  const int size = plant.Ordered();
  int desired = std::clamp(size, plant.Parameters().min, plant.Parameters().max);
  if (desired == size && high_run_ >= parameters_.highs) desired = std::min(size + 1, plant.Parameters().max);
  if (desired == size && low_run_ >= parameters_.lows) desired = std::max(size - 1, plant.Parameters().min);
  if (desired == size) return std::nullopt;
  high_run_ = low_run_ = 0;
  return desired;
}

}  // namespace ottoscale::simulation
