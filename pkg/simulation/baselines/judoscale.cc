#include "pkg/simulation/baselines/judoscale.h"

namespace ottoscale::simulation {

std::optional<int> Judoscale::Desired(const Plant& plant) {
  const absl::Duration now = plant.Now();
  const absl::Duration waiting = plant.QueueTime();
  if (waiting >= parameters_.lower) {
    low_since_.reset();
  } else if (!low_since_) {
    low_since_ = now;
  }
  const int size = plant.Ordered();
  if (waiting > parameters_.upper && now - last_up_ >= parameters_.up_every && size < plant.Parameters().max) {
    last_up_ = now;
    return size + parameters_.jump;
  }
  const bool low = low_since_ && now - *low_since_ >= parameters_.down_after;
  if (low && now - last_down_ >= parameters_.down_after && size > plant.Parameters().min) {
    last_down_ = now;
    return size - 1;
  }
  return std::nullopt;
}

}  // namespace ottoscale::simulation
