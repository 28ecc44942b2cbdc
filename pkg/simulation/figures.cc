#include "pkg/simulation/figures.h"

namespace ottoscale::simulation {
namespace {

constexpr absl::Duration kReversal = absl::Minutes(10);

int Sign(int difference) { return (difference > 0) - (difference < 0); }

double Percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

}  // namespace

FigureMeter::FigureMeter(const PlantParameters& parameters)
    : parameters_(parameters), least_spare_(1 - parameters.busiest), by_spare_(Bin(0) + 1) {}

// The totals with the steps since the last turn, which are all alike.
FigureMeter::Totals FigureMeter::Closed() const {
  Totals totals = totals_;
  const int64_t count = steps_ - since_;
  const auto steps = static_cast<double>(count);
  totals.instance_steps += count * ordered_;
  if (ready_ >= demand_) {
    totals.theta_over += steps * (ready_ - demand_) / std::max(demand_, 1);
    totals.over_steps += ready_ > demand_ ? count : 0;
    totals.under_run = 0;
    return totals;
  }
  totals.theta_under += steps * (demand_ - ready_) / demand_;
  totals.under_steps += count;
  totals.under_run += count;
  totals.longest_under = std::max(totals.longest_under, totals.under_run);
  return totals;
}

void FigureMeter::Turn(const Plant& plant) {
  const int ready = plant.Ready();
  if (steps_ > 0) {
    totals_ = Closed();
    const int direction = Sign(ready - ready_);
    unlike_steps_ += direction != Sign(plant.Demand() - demand_) ? 1 : 0;
    if (direction != 0) {
      const bool soon = (steps_ - last_adaptation_) * parameters_.step <= kReversal;
      reversals_ += last_direction_ == -direction && soon ? 1 : 0;
      ++adaptations_;
      last_direction_ = direction;
      last_adaptation_ = steps_;
    }
  }
  since_ = steps_;
  ready_ = ready;
  ordered_ = plant.Ordered();
  demand_ = plant.Demand();
  offered_ = ready * parameters_.capacity;
  per_offered_ = ready > 0 ? 1 / offered_ : 1e300;  // with none ready every load is beyond what is offered
  peak_ = std::max(peak_, ordered_);
}

Figures FigureMeter::Result() const {
  const Totals totals = Closed();
  const auto steps = static_cast<double>(steps_);
  return {.span = parameters_.step * steps_,
          .server_hours = static_cast<double>(totals.instance_steps) * absl::ToDoubleHours(parameters_.step),
          .requests = load_ * absl::ToDoubleMinutes(parameters_.step),
          .requests_over_capacity_percent = Percent(over_, load_),
          .theta_under_percent = Percent(totals.theta_under, steps),
          .theta_over_percent = Percent(totals.theta_over, steps),
          .tau_under_percent = Percent(static_cast<double>(totals.under_steps), steps),
          .tau_over_percent = Percent(static_cast<double>(totals.over_steps), steps),
          .instability_percent = Percent(static_cast<double>(unlike_steps_), steps - 1),
          .adaptations = adaptations_,
          .reversals = reversals_,
          .longest_under = parameters_.step * totals.longest_under,
          .p95_response = P95Response(),
          .peak_instances = peak_};
}

// The slow edge of the bin in which the 95th percentile lies: response times ascend with the bins.
absl::Duration FigureMeter::P95Response() const {
  if (load_ <= 0) return absl::ZeroDuration();
  double below = 0;
  size_t bin = 0;
  while (bin + 1 < by_spare_.size() && (below += by_spare_[bin]) < 0.95 * load_) ++bin;
  const double spare =
      std::bit_cast<double>(std::bit_cast<uint64_t>(1.0) - ((static_cast<uint64_t>(bin) + 1) << kShift));
  return QueueTimeAt(parameters_, 1 - spare) + parameters_.service_time;
}

}  // namespace ottoscale::simulation
