#include "pkg/simulation/figures.h"

#include <algorithm>
#include <cstdlib>

namespace ottoscale::simulation {
namespace {

// Fine, since response times grow as 1 / (1 - utilisation): 1 % of them at a utilisation of 0.995.
constexpr int kBins = 20000;
constexpr absl::Duration kReversal = absl::Minutes(10);

int Sign(int difference) { return (difference > 0) - (difference < 0); }

double Percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

}  // namespace

FigureMeter::FigureMeter(const PlantParameters& parameters) : parameters_(parameters), by_utilization_(kBins + 1) {}

void FigureMeter::Observe(const Plant& plant) {
  const double load = plant.Load();
  const int ready = plant.Ready();
  const int demand = plant.Demand();
  const double offered = ready * parameters_.capacity;
  load_ += load;
  over_ += std::max(0.0, load - offered);
  by_utilization_[load >= offered ? kBins : static_cast<size_t>(load / offered * kBins)] += load;
  peak_ = std::max(peak_, plant.Ordered());
  instance_steps_ += plant.Ordered();
  if (ready < demand) {
    theta_under_ += static_cast<double>(demand - ready) / demand;
    ++under_steps_;
    longest_under_ = std::max(longest_under_, ++under_run_);
  } else {
    theta_over_ += static_cast<double>(ready - demand) / demand;
    over_steps_ += ready > demand ? 1 : 0;
    under_run_ = 0;
  }
  if (steps_ > 0) {
    const int direction = Sign(ready - last_ready_);
    unlike_steps_ += direction != Sign(demand - last_demand_) ? 1 : 0;
    if (direction != 0) {
      const bool soon = (steps_ - last_adaptation_) * parameters_.step <= kReversal;
      reversals_ += last_direction_ == -direction && soon ? 1 : 0;
      ++adaptations_;
      last_direction_ = direction;
      last_adaptation_ = steps_;
    }
  }
  last_ready_ = ready;
  last_demand_ = demand;
  ++steps_;
}

Figures FigureMeter::Result() const {
  const auto steps = static_cast<double>(steps_);
  return {.span = parameters_.step * steps_,
          .server_hours = static_cast<double>(instance_steps_) * absl::ToDoubleHours(parameters_.step),
          .requests = load_ * absl::ToDoubleMinutes(parameters_.step),
          .requests_over_capacity_percent = Percent(over_, load_),
          .theta_under_percent = Percent(theta_under_, steps),
          .theta_over_percent = Percent(theta_over_, steps),
          .tau_under_percent = Percent(static_cast<double>(under_steps_), steps),
          .tau_over_percent = Percent(static_cast<double>(over_steps_), steps),
          .instability_percent = Percent(static_cast<double>(unlike_steps_), steps - 1),
          .adaptations = adaptations_,
          .reversals = reversals_,
          .longest_under = parameters_.step * longest_under_,
          .p95_response = P95Response(),
          .peak_instances = peak_};
}

// The upper edge of the bin in which the 95th percentile lies: the response time ascends with the utilisation.
absl::Duration FigureMeter::P95Response() const {
  if (load_ <= 0) return absl::ZeroDuration();
  double below = 0;
  int bin = 0;
  while (bin < kBins && (below += by_utilization_[static_cast<size_t>(bin)]) < 0.95 * load_) ++bin;
  return QueueTimeAt(parameters_, (bin + 1.0) / kBins) + parameters_.service_time;
}

}  // namespace ottoscale::simulation
