// For the tests of this folder: what a strategy does on a plant of 10 a instance at a target of 7, worked out by hand.
#pragma once

#include <ostream>
#include <vector>

#include "pkg/simulation/baselines/strategy.h"
#include "pkg/simulation/load_steps.h"

namespace ottoscale::simulation {

// From a second on, a load; or a size, ready and booting.
struct From {
  int second = 0;
  double value = 0;
  bool operator==(const From&) const = default;
};
inline void PrintTo(const From& from, std::ostream* out) { *out << "{" << from.second << ", " << from.value << "}"; }

inline PlantParameters PlantOf(int initial, int min = 1, int max = 30) {
  return {.capacity = 10, .min = min, .max = max, .initial = initial};
}

// One a step of 5 s: constant from each second on until the next one, in all until `end`.
inline std::vector<double> LoadsOf(const std::vector<From>& loads, int end) {
  std::vector<double> steps;
  size_t current = 0;
  for (int second = 0; second < end; second += 5) {
    while (current + 1 < loads.size() && loads[current + 1].second <= second) ++current;
    steps.push_back(loads[current].value);
  }
  return steps;
}

// Each change of the size.
inline std::vector<From> Changes(Strategy& strategy, const PlantParameters& parameters,
                                 const std::vector<double>& loads) {
  Plant plant(parameters);
  Strategist strategist(strategy, parameters);
  std::vector<From> changes;
  for (const double load : loads) {
    plant.Step(load);
    const int before = plant.Ordered();
    strategist.Ask(plant);
    if (plant.Ordered() == before) continue;
    changes.push_back({static_cast<int>(absl::ToInt64Seconds(plant.Now())), static_cast<double>(plant.Ordered())});
  }
  return changes;
}

}  // namespace ottoscale::simulation
