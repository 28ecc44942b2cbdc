// No autoscaler: one size for the whole run, set in the first step.
#pragma once

#include <optional>
#include <vector>

#include "pkg/simulation/baselines/strategy.h"

namespace ottoscale::simulation {

class StaticSize final : public Strategy {
 public:
  explicit StaticSize(int size) : size_(size) {}
  absl::Duration Period() const override { return absl::InfiniteDuration(); }
  std::optional<int> Desired(const Plant&) override { return size_; }

 private:
  int size_;
};

// Bears the largest load: ceil(max load / capacity).
int PeakSize(const PlantParameters& parameters, const std::vector<double>& loads);
// Bears the mean load at the target utilisation: ceil(mean load / T).
int MeanSize(const PlantParameters& parameters, const std::vector<double>& loads);

}  // namespace ottoscale::simulation
