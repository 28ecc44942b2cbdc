// The seam of the algorithms that Ottoscale's decisions are measured against: other autoscalers' published rules, each
// one file in this folder, written anew from their specifications. Not benchmarks of the products.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "pkg/simulation/figures.h"
#include "pkg/simulation/plant.h"

namespace ottoscale::simulation {

class Strategy {
 public:
  virtual ~Strategy() = default;
  // How often it is asked, first at time 0; a multiple of the plant's step. 0: in every step.
  virtual absl::Duration Period() const = 0;
  // How many instances it wants now, ready and booting; the plant holds it within its bounds. Absent: as it is.
  // Called after plant.Step with ascending times.
  virtual std::optional<int> Desired(const Plant& plant) = 0;
};

// Asks a strategy at its period, and orders what it wants.
class Strategist {
 public:
  // `strategy` outlives it.
  Strategist(Strategy& strategy, const PlantParameters& parameters);
  // After each step of a plant with these parameters.
  void Ask(Plant& plant) {
    if (--until_asked_ > 0) return;
    until_asked_ = every_;
    if (const std::optional<int> desired = strategy_.Desired(plant)) plant.Order(*desired);
  }

 private:
  Strategy& strategy_;
  int64_t every_;  // steps
  int64_t until_asked_ = 0;
};

// One run: a new plant, `loads` one a step (LoadPerStep), the strategy asked at its period.
Figures Simulate(const PlantParameters& parameters, const std::vector<double>& loads, Strategy& strategy);

}  // namespace ottoscale::simulation
