// The predecessor loadscale: open connections per node of the load balancer against two bounds. Every `period`, only
// while what is ready is what was ordered, and not within `cooldown` of the last change:
//   connections / nodes > upper: one more; < lower: one less; at a bound: nothing
// A plant knows rates, not connections. They are taken as proportional, so that `upper` stands for the load T that an
// instance shall bear: connections = load * upper / T.
#pragma once

#include <optional>

#include "pkg/simulation/baselines/strategy.h"

namespace ottoscale::simulation {

struct LoadscaleParameters {
  absl::Duration period = absl::Seconds(300);
  double upper = 50;
  double lower = 40;
  absl::Duration cooldown = absl::Seconds(300);
};

class Loadscale final : public Strategy {
 public:
  explicit Loadscale(const LoadscaleParameters& parameters = {}) : parameters_(parameters) {}
  absl::Duration Period() const override { return parameters_.period; }
  std::optional<int> Desired(const Plant& plant) override;

 private:
  LoadscaleParameters parameters_;
  absl::Duration last_change_ = -absl::InfiniteDuration();
};

}  // namespace ottoscale::simulation
