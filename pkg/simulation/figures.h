// What a run of a plant comes to: the elasticity figures of SPEC RG Cloud (Herbst et al., "Ready for Rain?",
// SPEC-RG-2016-01) and what people pay and suffer. In one pass: Observe once a step, after its orders; Result at any
// time. Below, d is the demand and s the ready instances of a step, T the number of steps, and each sum has one term a
// step.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "pkg/simulation/plant.h"

namespace ottoscale::simulation {

struct Figures {
  absl::Duration span;                        // what was observed
  double server_hours = 0;                    // of ready and booting instances: both are paid
  double requests = 0;                        // offered; load (per minute) * minutes
  double requests_over_capacity_percent = 0;  // sum max(0, load - s * capacity) / sum load; nothing is retried
  double theta_under_percent = 0;             // 100/T * sum max(d - s, 0) / d
  double theta_over_percent = 0;              // 100/T * sum max(s - d, 0) / d
  double tau_under_percent = 0;               // share of steps with d > s
  double tau_over_percent = 0;                // share of steps with s > d
  double instability_percent = 0;             // 100/(T-1) * sum min(|sgn(change of s) - sgn(change of d)|, 1)
  int64_t adaptations = 0;                    // steps in which s is another than in the step before
  int64_t reversals = 0;                      // adaptations against the one before, at most 10 min after it
  absl::Duration longest_under;               // the longest stretch with d > s
  absl::Duration p95_response;                // of the mean response times of the steps, weighted by their requests
  int peak_instances = 0;                     // most ready and booting
  bool operator==(const Figures&) const = default;
};

class FigureMeter {
 public:
  explicit FigureMeter(const PlantParameters& parameters);
  // Once after each Step of a plant with these parameters, and after the orders of that step. Steps in which neither
  // demand nor supply changes only add up their load.
  void Observe(const Plant& plant) {
    if (plant.Ready() != ready_ || plant.Demand() != demand_ || plant.Ordered() != ordered_) Turn(plant);
    ++steps_;
    load_ += plant.Load();
    over_ += std::max(0.0, plant.Load() - offered_);
    by_spare_[Bin(1 - plant.Load() * per_offered_)] += plant.Load();
  }
  // Everything is 0 before the first observation.
  Figures Result() const;

 private:
  struct Totals {
    int64_t instance_steps = 0;
    double theta_under = 0;
    double theta_over = 0;
    int64_t under_steps = 0;
    int64_t over_steps = 0;
    int64_t under_run = 0;  // the stretch that goes on
    int64_t longest_under = 0;
  };

  // Bins of spare capacity, of equal ratio: the upper bits of the number, counted down from 1. Response times grow as
  // its inverse, so that all bins are equally exact, to 1 %.
  static constexpr int kShift = 45;  // 128 bins an octave
  size_t Bin(double spare) const {
    return (std::bit_cast<uint64_t>(1.0) - std::bit_cast<uint64_t>(std::max(spare, least_spare_))) >> kShift;
  }

  void Turn(const Plant& plant);
  Totals Closed() const;
  absl::Duration P95Response() const;

  PlantParameters parameters_;
  double least_spare_;
  int64_t steps_ = 0;
  double load_ = 0;
  double over_ = 0;
  std::vector<double> by_spare_;  // load, by what was spare of the capacity that it met
  // What holds since step since_, and the totals until then.
  int64_t since_ = 0;
  int ready_ = -1;
  int ordered_ = 0;
  int demand_ = 0;
  double offered_ = 0;      // ready * capacity
  double per_offered_ = 0;  // its inverse, finite
  Totals totals_;
  int64_t unlike_steps_ = 0;
  int64_t adaptations_ = 0;
  int64_t reversals_ = 0;
  int last_direction_ = 0;       // of the last adaptation
  int64_t last_adaptation_ = 0;  // its step
  int peak_ = 0;
};

}  // namespace ottoscale::simulation
