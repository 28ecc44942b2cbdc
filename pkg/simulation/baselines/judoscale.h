// Judoscale on queue time. Every `period`:
//   above `upper`, and `up_every` since the last step up (or none yet): `jump` more
//   below `lower` for `down_after`, and as long since the last step down (or none yet): one less
// The thresholds are not documented; these are what the comparison uses.
#pragma once

#include <optional>

#include "pkg/simulation/baselines/strategy.h"

namespace ottoscale::simulation {

struct JudoscaleParameters {
  absl::Duration period = absl::Seconds(10);
  absl::Duration upper = absl::Milliseconds(100);
  absl::Duration lower = absl::Milliseconds(25);
  int jump = 1;
  absl::Duration up_every = absl::Seconds(180);
  absl::Duration down_after = absl::Seconds(600);
};

class Judoscale final : public Strategy {
 public:
  explicit Judoscale(const JudoscaleParameters& parameters = {}) : parameters_(parameters) {}
  absl::Duration Period() const override { return parameters_.period; }
  std::optional<int> Desired(const Plant& plant) override;

 private:
  JudoscaleParameters parameters_;
  absl::Duration last_up_ = -absl::InfiniteDuration();
  absl::Duration last_down_ = -absl::InfiniteDuration();
  std::optional<absl::Duration> low_since_;
};

}  // namespace ottoscale::simulation
