// Knows the future, exactly: at every step as many as the largest load from now until `ahead` demands, so that with a
// fixed boot of `ahead` nothing is ever missing. What no autoscaler can do better at no requests over capacity.
#pragma once

#include <optional>
#include <vector>

#include "pkg/simulation/baselines/strategy.h"
#include "pkg/simulation/baselines/window_max.h"

namespace ottoscale::simulation {

class Oracle final : public Strategy {
 public:
  // `loads`: what the run will offer, one a `step`; outlives the oracle.
  Oracle(const std::vector<double>& loads, absl::Duration ahead, absl::Duration step);
  absl::Duration Period() const override { return absl::ZeroDuration(); }
  std::optional<int> Desired(const Plant& plant) override;

 private:
  const std::vector<double>& loads_;
  size_t ahead_;     // steps
  size_t seen_ = 0;  // loads_ before it are in max_
  WindowMax max_;
};

}  // namespace ottoscale::simulation
