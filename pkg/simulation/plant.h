// A service that is scaled, as a model: a load comes in, instances serve it, ordered instances take their time to boot,
// and what a meter says of it is an average that is seen late. Called by whoever closes the loop: once a step
//
//   plant.Step(load)   time goes on by one step, what has booted is ready, `load` is offered
//   plant.Order(n)     any number of times, or not at all: the service shall have n instances
//
// Pure: no clock, no chance but the seeded boot times; the same calls give the same plant. A step is O(1), and so is an
// order but for what it boots or takes away.
//
// Loads and capacities are rates in one unit, which the plant does not know: requests per minute in all that follows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "pkg/async/random.h"

namespace ottoscale::simulation {

// Every instance takes the same time from its order until it serves. 0: it serves from the step of its order on.
struct FixedBoot {
  absl::Duration time = absl::Seconds(120);
  bool operator==(const FixedBoot&) const = default;
};
// Each instance draws its own: half are ready within `median`, nineteen of twenty within `p95` (at least `median`).
struct LognormalBoot {
  absl::Duration median = absl::Seconds(120);
  absl::Duration p95 = absl::Seconds(240);
  uint64_t seed = 1;  // the same seed, the same times in the order of the orders
  bool operator==(const LognormalBoot&) const = default;
};
using BootTime = std::variant<FixedBoot, LognormalBoot>;

struct PlantParameters {
  double capacity = 0;                                    // of one ready instance, at its objective; required, above 0
  BootTime boot;                                          // 0 to 24 h
  absl::Duration metering_window = absl::Seconds(60);     // the meter's mean is over so long; one step to 24 h
  absl::Duration metering_delay = absl::Seconds(15);      // and is seen so late; 0 to 24 h
  absl::Duration service_time = absl::Milliseconds(150);  // S0: of a request that does not wait; above 0, to 1 h
  int workers = 5;                                        // k: requests that an instance serves at a time; 1 to 10000
  double busiest = 0.995;                  // utilisation above which waiting grows no more; above 0, below 1
  int min = 1;                             // instances; orders are held within [min, max]; 0 or more
  int max = 0;                             // required; at least `min` and 1, at most 100000
  double utilization = 0.7;                // the load per instance that a plant begins with; above 0, to 1
  std::optional<int> initial;              // ready at the start; absent: by the first load and `utilization`, in bounds
  absl::Duration step = absl::Seconds(5);  // 1 s to 1 h; windows, delays and boots are rounded up to steps
  bool operator==(const PlantParameters&) const = default;

  // What an instance shall bear when its utilisation is what the plant begins with: the T of proportional strategies.
  double TargetPerInstance() const { return utilization * capacity; }
};

// Says which field is out of its range, what was found and what is allowed.
absl::Status Check(const PlantParameters& parameters);

// The fewest instances of which each bears at most `each`: ceil(load / each), 0 without load. A billionth of an
// instance more is what binary fractions make of decimal ones (1.1 / 0.1 > 11), not a load.
inline int CountFor(double load, double each) {
  const double exact = std::min(load / each - 1e-9, 1e9);
  const int whole = static_cast<int>(exact);
  return whole + (exact > whole ? 1 : 0);
}
// What serves `load` within its capacity, and never nothing: max(1, ceil(load / capacity)).
inline int Demand(double load, double capacity) { return std::max(1, CountFor(load, capacity)); }

// How long a request waits at `utilization` = load / (instances * capacity), before it is served. Sakasegawa's
// approximation of the M/M/k queue (Annals of the Institute of Statistical Mathematics 29, 1977):
//
//   rho = min(utilization, busiest);  Wq = S0 * rho^(sqrt(2 (k + 1)) - 1) / (k (1 - rho))
absl::Duration QueueTimeAt(const PlantParameters& parameters, double utilization);

class Plant {
 public:
  // `parameters` pass Check.
  explicit Plant(const PlantParameters& parameters);

  static constexpr absl::Duration kMemory = absl::Minutes(5);  // the least of the past that every plant remembers

  // The next step begins; the first is at time 0. `load`: offered during this step; 0 or more.
  void Step(double load) {
    ++index_;
    load_ = load;
    demand_ = simulation::Demand(load, parameters_.capacity);
    recent_[static_cast<uint64_t>(index_) & (recent_.size() - 1)] = load;
    if (index_ >= next_ready_) Arrive();
  }
  // The service shall have `count` instances, ready and booting, held within [min, max]. More are ordered at once and
  // ready after their boot time. Fewer takes effect at once: first what still boots, the newest first, then what
  // serves. At least one Step was made.
  void Order(int count);

  const PlantParameters& Parameters() const { return parameters_; }
  int64_t StepIndex() const { return index_; }                      // 0 in the first step; -1 before it
  absl::Duration Now() const { return parameters_.step * index_; }  // when this step began
  double Load() const { return load_; }                             // of this step
  int Demand() const { return demand_; }                            // of this step
  int Ready() const { return ready_; }
  int Booting() const { return static_cast<int>(booting_.size()); }
  int Ordered() const { return ready_ + Booting(); }

  // What the meter shows: the mean of the loads over `metering_window`, `metering_delay` ago; over the steps that there
  // are, when these are fewer. Absent as long as there is none. O(window).
  std::optional<double> Metric() const;
  // As above over another window and with another delay: together no longer than the plant's own, or than kMemory.
  std::optional<double> Metric(absl::Duration window, absl::Duration delay) const;

  double Utilization() const;           // load / (ready * capacity); the load itself counts as infinite with none ready
  absl::Duration QueueTime() const;     // of this step's requests, undelayed
  absl::Duration ResponseTime() const;  // their mean: QueueTime() + service_time

 private:
  void Arrive();
  int64_t BootSteps();
  std::optional<double> MeanOf(int64_t steps, int64_t delay) const;

  PlantParameters parameters_;
  int64_t window_steps_;
  int64_t delay_steps_;
  int64_t index_ = -1;
  double load_ = 0;
  int demand_ = 1;
  int ready_ = 0;
  std::vector<int64_t> booting_;  // the step in which each is ready, in the order of the orders
  int64_t next_ready_ = 0;        // no step before it makes one of them ready; 0: the start does
  async::Random random_;
  std::vector<double> recent_;  // a ring of the loads that the meter may still ask for; its size is a power of two
};

}  // namespace ottoscale::simulation
