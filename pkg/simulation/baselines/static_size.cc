#include "pkg/simulation/baselines/static_size.h"

#include <algorithm>
#include <numeric>

#include "pkg/base/check.h"

namespace ottoscale::simulation {

int PeakSize(const PlantParameters& parameters, const std::vector<double>& loads) {
  CHECK(!loads.empty(), "a run has a step");
  return Demand(*std::max_element(loads.begin(), loads.end()), parameters.capacity);
}

int MeanSize(const PlantParameters& parameters, const std::vector<double>& loads) {
  CHECK(!loads.empty(), "a run has a step");
  const double mean = std::accumulate(loads.begin(), loads.end(), 0.0) / static_cast<double>(loads.size());
  return Demand(mean, parameters.TargetPerInstance());
}

}  // namespace ottoscale::simulation
