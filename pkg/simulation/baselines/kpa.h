// Knative's pod autoscaler on requests per instance. Every `period`, with r = max(1, ready), T = the target:
//   stable = ceil(mean of stable_window / T), panic = ceil(mean of panic_window / T)
//   both held within [floor(r / max_down_rate), ceil(r * max_up_rate)]
//   panic / r >= threshold (before that is held): panic begins or goes on; it ends a stable window after the last such
//   in panic: the largest of what was wanted in it, so never down; otherwise stable
// One that starts and finds more than one instance begins in panic with what it finds.
//
// It is fed undelayed loads, as its queue proxies push; its plant remembers at least its stable window.
#pragma once

#include <optional>

#include "pkg/simulation/baselines/strategy.h"

namespace ottoscale::simulation {

struct KpaParameters {
  absl::Duration period = absl::Seconds(5);
  absl::Duration stable_window = absl::Seconds(60);
  absl::Duration panic_window = absl::Seconds(10);
  double panic_threshold = 2;
  double max_up_rate = 1000;
  double max_down_rate = 2;
};

class Kpa final : public Strategy {
 public:
  explicit Kpa(const KpaParameters& parameters = {}) : parameters_(parameters) {}
  absl::Duration Period() const override { return parameters_.period; }
  std::optional<int> Desired(const Plant& plant) override;

 private:
  KpaParameters parameters_;
  bool started_ = false;
  std::optional<absl::Duration> panic_since_;  // absent: not in panic
  int panic_max_ = 0;                          // the most that was wanted in this panic
};

}  // namespace ottoscale::simulation
