#include "pkg/simulation/baselines/gcp.h"

#include <algorithm>
#include <cmath>

namespace ottoscale::simulation {

std::optional<int> Gcp::Desired(const Plant& plant) {
  const std::optional<double> metric = plant.Metric();
  if (!metric) return std::nullopt;
  const int recommendation = CountFor(*metric, plant.Parameters().TargetPerInstance());
  recommendations_.Add(plant.Now(), recommendation);
  const int size = static_cast<int>(recommendations_.Max());
  if (!parameters_.scale_in_control) return size;
  peaks_.Add(plant.Now(), recommendation);
  const double peak = peaks_.Max();
  const double removable = std::max(1.0, std::floor(parameters_.scale_in_control->share * peak));
  return std::max(size, static_cast<int>(peak - removable));
}

}  // namespace ottoscale::simulation
