// Google's managed instance groups on one signal. Every `period`, rec = ceil(m / T):
//   size = the largest rec of the last `stabilization`
//   scale-in control: and not below peak - max(1, floor(share * peak)), peak = the largest rec of its window
#pragma once

#include <optional>

#include "pkg/simulation/baselines/strategy.h"
#include "pkg/simulation/baselines/window_max.h"

namespace ottoscale::simulation {

struct GcpScaleInControl {
  double share = 0.1;  // of the peak, that may go within the window; 0 to 1
  absl::Duration window = absl::Minutes(30);
};

struct GcpParameters {
  absl::Duration period = absl::Seconds(60);
  absl::Duration stabilization = absl::Minutes(10);
  std::optional<GcpScaleInControl> scale_in_control;
};

class Gcp final : public Strategy {
 public:
  explicit Gcp(const GcpParameters& parameters = {})
      : parameters_(parameters),
        recommendations_(parameters.stabilization),
        peaks_(parameters.scale_in_control.value_or(GcpScaleInControl{}).window) {}
  absl::Duration Period() const override { return parameters_.period; }
  std::optional<int> Desired(const Plant& plant) override;

 private:
  GcpParameters parameters_;
  WindowMax recommendations_;
  WindowMax peaks_;
};

}  // namespace ottoscale::simulation
