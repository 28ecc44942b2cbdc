// Kubernetes' HorizontalPodAutoscaler v2 on an external metric with a target average value T, with the defaults of its
// behavior. Every `period`, with n = ready and booting, m = the metric:
//   proposal   |1 - m / (T n)| <= tolerance: n; else ceil(m / T). Without m: nothing is done
//   stabilised n, raised to the newest proposal (the window for scale-out is 0), lowered to the largest of
//   `down_window` rate       out: at most max(n + out_instances, n (1 + out_percent / 100)) each period; in: no limit,
//   as 100 % a period bounds     the plant's
// The first recorded recommendation is the size that is found: nothing goes in for one window after the start.
#pragma once

#include <optional>

#include "pkg/simulation/baselines/strategy.h"
#include "pkg/simulation/baselines/window_max.h"

namespace ottoscale::simulation {

struct HpaParameters {
  absl::Duration period = absl::Seconds(15);
  double tolerance = 0.1;
  absl::Duration down_window = absl::Seconds(300);  // 0: only the newest proposal counts
  int out_instances = 4;
  double out_percent = 100;
};

class Hpa final : public Strategy {
 public:
  explicit Hpa(const HpaParameters& parameters = {}) : parameters_(parameters), proposals_(parameters.down_window) {}
  absl::Duration Period() const override { return parameters_.period; }
  std::optional<int> Desired(const Plant& plant) override;

 private:
  HpaParameters parameters_;
  WindowMax proposals_;
  bool started_ = false;
};

}  // namespace ottoscale::simulation
