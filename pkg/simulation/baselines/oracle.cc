#include "pkg/simulation/baselines/oracle.h"

namespace ottoscale::simulation {

Oracle::Oracle(const std::vector<double>& loads, absl::Duration ahead, absl::Duration step)
    : loads_(loads),
      ahead_(static_cast<size_t>(absl::Ceil(ahead, step) / step)),
      max_(step * static_cast<int64_t>(ahead_ + 1)) {}

std::optional<int> Oracle::Desired(const Plant& plant) {
  const absl::Duration step = plant.Parameters().step;
  const size_t last = static_cast<size_t>(plant.StepIndex()) + ahead_;
  for (; seen_ <= last && seen_ < loads_.size(); ++seen_) max_.Add(step * static_cast<int64_t>(seen_), loads_[seen_]);
  return Demand(max_.Max(), plant.Parameters().capacity);
}

}  // namespace ottoscale::simulation
