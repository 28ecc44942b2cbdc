// Heroku's autoscaling of web dynos on the 95th percentile of response times. How it estimates is not published; here
// it knows the plant's own latency, exponential with mean S0 / (1 - rho), whose p95 is ln 20 times that. Every
// `period`:
//   need = ceil(m / (capacity * (1 - S0 ln 20 / goal)))    the fewest whose p95 is within the goal
//   need above the size: one more; below it `lower_needs` times in a row: one less
#pragma once

#include <optional>

#include "pkg/simulation/baselines/strategy.h"

namespace ottoscale::simulation {

struct HerokuP95Parameters {
  absl::Duration period = absl::Seconds(60);
  absl::Duration goal = absl::Milliseconds(1500);  // above S0 ln 20: no number of dynos is quicker
  int lower_needs = 10;
};

class HerokuP95 final : public Strategy {
 public:
  explicit HerokuP95(const HerokuP95Parameters& parameters = {}) : parameters_(parameters) {}
  absl::Duration Period() const override { return parameters_.period; }
  // Wants as many as there may be when the goal cannot be met.
  std::optional<int> Desired(const Plant& plant) override;

 private:
  HerokuP95Parameters parameters_;
  int lower_run_ = 0;
};

}  // namespace ottoscale::simulation
