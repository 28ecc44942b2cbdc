#include "pkg/simulation/baselines/kpa.h"

#include <algorithm>
#include <cmath>

namespace ottoscale::simulation {

std::optional<int> Kpa::Desired(const Plant& plant) {
  if (!started_ && plant.Ready() > 1) {
    panic_since_ = plant.Now();
    panic_max_ = plant.Ready();
  }
  started_ = true;
  const int ready = std::max(1, plant.Ready());
  const double target = plant.Parameters().TargetPerInstance();
  const int least = static_cast<int>(std::floor(ready / parameters_.max_down_rate));
  const int most = static_cast<int>(std::min(1e9, std::ceil(ready * parameters_.max_up_rate)));
  const int stable_wish = CountFor(*plant.Metric(parameters_.stable_window, absl::ZeroDuration()), target);
  const int panic_wish = CountFor(*plant.Metric(parameters_.panic_window, absl::ZeroDuration()), target);
  const int stable = std::clamp(stable_wish, least, most);
  if (panic_wish >= parameters_.panic_threshold * ready) {
    if (!panic_since_) panic_max_ = 0;
    panic_since_ = plant.Now();
  } else if (panic_since_ && *panic_since_ + parameters_.stable_window < plant.Now()) {
    panic_since_.reset();
  }
  if (!panic_since_) return stable;
  panic_max_ = std::max({panic_max_, stable, std::clamp(panic_wish, least, most)});
  return panic_max_;
}

}  // namespace ottoscale::simulation
