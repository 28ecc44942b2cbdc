// AWS' target tracking, as two alarms on the metric per ready instance, a = m / r. Every `period` one point:
//   `high_points` points in a row with a > T: ceil(m / T), if that is more than are ready and booting
//   `low_points` points in a row with a < low_share * T, and nothing boots: ceil(m / T), if that is less; then the low
//   points are counted anew
// How many points and which share the service uses is not documented; these are what people commonly observe. Without
// the metric there is no point, and the runs stay as they are.
#pragma once

#include <optional>

#include "pkg/simulation/baselines/strategy.h"

namespace ottoscale::simulation {

struct AwsTargetTrackingParameters {
  absl::Duration period = absl::Seconds(60);
  int high_points = 3;
  int low_points = 15;
  double low_share = 0.9;
};

class AwsTargetTracking final : public Strategy {
 public:
  explicit AwsTargetTracking(const AwsTargetTrackingParameters& parameters = {}) : parameters_(parameters) {}
  absl::Duration Period() const override { return parameters_.period; }
  std::optional<int> Desired(const Plant& plant) override;

 private:
  AwsTargetTrackingParameters parameters_;
  int high_run_ = 0;
  int low_run_ = 0;
};

}  // namespace ottoscale::simulation
