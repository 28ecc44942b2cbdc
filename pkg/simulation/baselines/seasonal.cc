#include "pkg/simulation/baselines/seasonal.h"

#include <algorithm>
#include <cmath>

#include "pkg/base/check.h"

namespace ottoscale::simulation {
namespace {

bool Due(const Plant& plant, absl::Duration period) {
  return plant.StepIndex() % std::max<int64_t>(1, period / plant.Parameters().step) == 0;
}

}  // namespace

Seasonal::Seasonal(const SeasonalParameters& parameters) : parameters_(parameters), hpa_(parameters.hpa) {
  CHECK(!parameters.lag_days.empty() && parameters.lag_days.front() >= 1, "a season repeats itself after days");
  CHECK(parameters.ahead + absl::Minutes(1) <= absl::Hours(24), "a season is known a day before");
}

void Seasonal::Remember(const Plant& plant) {
  const auto longest = static_cast<size_t>(absl::Hours(24) * parameters_.lag_days.back() / plant.Parameters().step);
  if (loads_.size() < longest) {
    loads_.push_back(plant.Load());
  } else {
    loads_[static_cast<size_t>(plant.StepIndex()) % longest] = plant.Load();
  }
}

int Seasonal::FloorAt(const Plant& plant) const {
  const absl::Duration step = plant.Parameters().step;
  std::vector<double> peaks;
  for (const int days : parameters_.lag_days) {
    const absl::Duration begin = plant.Now() + parameters_.ahead - absl::Hours(24) * days;
    if (begin < absl::ZeroDuration()) continue;
    const auto first = static_cast<size_t>(begin / step);
    const auto count = static_cast<size_t>(std::max<int64_t>(1, absl::Minutes(1) / step));
    double peak = 0;
    for (size_t i = first; i < first + count; ++i) peak = std::max(peak, loads_[i % loads_.size()]);
    peaks.push_back(peak);
  }
  if (peaks.size() < 2) return 0;
  std::sort(peaks.begin(), peaks.end());
  const double rank = std::ceil(parameters_.quantile * static_cast<double>(peaks.size()));
  return CountFor(peaks[static_cast<size_t>(std::max(1.0, rank)) - 1], plant.Parameters().TargetPerInstance());
}

std::optional<int> Seasonal::Desired(const Plant& plant) {
  Remember(plant);
  if (!Due(plant, parameters_.hpa.period)) return std::nullopt;
  const std::optional<int> desired = hpa_.Desired(plant);
  if (Due(plant, parameters_.floor_period)) {
    floor_ = FloorAt(plant);
  } else if (!parameters_.hold_floor) {
    return desired;
  }
  return std::max(desired.value_or(plant.Ordered()), floor_);
}

}  // namespace ottoscale::simulation
