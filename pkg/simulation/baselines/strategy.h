// The seam of the algorithms that Ottoscale's decisions are measured against: other autoscalers' published rules, each
// one file in this folder, written anew from their specifications. Not benchmarks of the products.
#pragma once

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

// One run: a new plant, `loads` one a step (LoadPerStep), the strategy asked at its period.
Figures Run(const PlantParameters& parameters, const std::vector<double>& loads, Strategy& strategy);

}  // namespace ottoscale::simulation
