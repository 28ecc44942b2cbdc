#include "pkg/simulation/baselines/hpa.h"

#include <algorithm>
#include <cmath>

namespace ottoscale::simulation {

std::optional<int> Hpa::Desired(const Plant& plant) {
  const int size = plant.Ordered();
  if (!started_) proposals_.Add(plant.Now(), size);
  started_ = true;
  const std::optional<double> metric = plant.Metric();
  if (!metric || size == 0) return std::nullopt;  // from 0 only somebody else switches on
  const double target = plant.Parameters().TargetPerInstance();
  // At the tolerance is within it, in decimals too: 1.1 - 1 > 0.1 in binary.
  const bool within = std::abs(1 - *metric / (target * size)) <= parameters_.tolerance + 1e-9;
  const int proposal = within ? size : CountFor(*metric, target);
  proposals_.Add(plant.Now(), proposal);
  const int stabilised = std::min(std::max(size, proposal), static_cast<int>(proposals_.Max()));
  const double percent = std::ceil(size * (1 + parameters_.out_percent / 100));
  return std::min(stabilised, std::max(size + parameters_.out_instances, static_cast<int>(percent)));
}

}  // namespace ottoscale::simulation
