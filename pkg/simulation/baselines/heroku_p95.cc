#include "pkg/simulation/baselines/heroku_p95.h"

#include <cmath>

namespace ottoscale::simulation {

std::optional<int> HerokuP95::Desired(const Plant& plant) {
  const std::optional<double> metric = plant.Metric();
  if (!metric) return std::nullopt;
  const double share = absl::FDivDuration(plant.Parameters().service_time, parameters_.goal) * std::log(20);
  const double bearable = plant.Parameters().capacity * (1 - share);
  const int need = bearable > 0 ? CountFor(*metric, bearable) : plant.Parameters().max;
  const int size = plant.Ordered();
  lower_run_ = need < size ? lower_run_ + 1 : 0;
  if (need > size) return size + 1;
  if (lower_run_ < parameters_.lower_needs) return std::nullopt;
  lower_run_ = 0;
  return size - 1;
}

}  // namespace ottoscale::simulation
