#include "pkg/simulation/baselines/loadscale.h"

namespace ottoscale::simulation {

std::optional<int> Loadscale::Desired(const Plant& plant) {
  const std::optional<double> metric = plant.Metric();
  if (!metric || plant.Booting() > 0 || plant.Ready() == 0) return std::nullopt;
  if (plant.Now() - last_change_ < parameters_.cooldown) return std::nullopt;
  const double connections = *metric * parameters_.upper / plant.Parameters().TargetPerInstance();
  const double ratio = connections / plant.Ready();
  const int change = (ratio > parameters_.upper) - (ratio < parameters_.lower);
  const int desired = plant.Ready() + change;
  if (change == 0 || desired > plant.Parameters().max || desired < plant.Parameters().min) return std::nullopt;
  last_change_ = plant.Now();
  return desired;
}

}  // namespace ottoscale::simulation
