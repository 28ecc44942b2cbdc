// The predecessor autoscalebot: a heartbeat's response time against two bounds; runs of equal results are steps of one.
// Specification: every `period` one request. More than `upper` is high, less than `lower` is low. First match:
//   1. outside the bounds: the nearest bound at once
//   2. the last `highs` results all high: one more
//   3. the last `lows` results all low: one less
// After a change the results are forgotten; at a bound there is none, and they stay.
#pragma once

#include <optional>

#include "pkg/simulation/baselines/strategy.h"

namespace ottoscale::simulation {

struct AutoscalebotParameters {
  absl::Duration period = absl::Seconds(30);
  absl::Duration upper = absl::Seconds(1);
  absl::Duration lower = absl::Milliseconds(200);
  int highs = 3;
  int lows = 5;
};

class Autoscalebot final : public Strategy {
 public:
  explicit Autoscalebot(const AutoscalebotParameters& parameters = {}) : parameters_(parameters) {}
  absl::Duration Period() const override { return parameters_.period; }
  std::optional<int> Desired(const Plant& plant) override;

 private:
  AutoscalebotParameters parameters_;
  int high_run_ = 0;  // only the tail of the results counts: how many of it are high, or low
  int low_run_ = 0;
};

}  // namespace ottoscale::simulation
