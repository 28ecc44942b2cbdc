#include "pkg/simulation/baselines/strategy.h"

#include <algorithm>

namespace ottoscale::simulation {

Strategist::Strategist(Strategy& strategy, const PlantParameters& parameters)
    : strategy_(strategy), every_(std::max<int64_t>(1, strategy.Period() / parameters.step)) {}

Figures Simulate(const PlantParameters& parameters, const std::vector<double>& loads, Strategy& strategy) {
  Plant plant(parameters);
  Strategist strategist(strategy, parameters);
  FigureMeter meter(parameters);
  for (const double load : loads) {
    plant.Step(load);
    strategist.Ask(plant);
    meter.Observe(plant);
  }
  return meter.Result();
}

}  // namespace ottoscale::simulation
