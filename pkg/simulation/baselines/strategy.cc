#include "pkg/simulation/baselines/strategy.h"

#include <algorithm>

namespace ottoscale::simulation {

Figures Run(const PlantParameters& parameters, const std::vector<double>& loads, Strategy& strategy) {
  Plant plant(parameters);
  FigureMeter meter(parameters);
  const int64_t every = std::max<int64_t>(1, strategy.Period() / parameters.step);
  int64_t until_asked = 0;
  for (const double load : loads) {
    plant.Step(load);
    if (until_asked == 0) {
      if (const std::optional<int> desired = strategy.Desired(plant)) plant.Order(*desired);
      until_asked = every;
    }
    --until_asked;
    meter.Observe(plant);
  }
  return meter.Result();
}

}  // namespace ottoscale::simulation
