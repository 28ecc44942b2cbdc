// What a run of a plant comes to: the elasticity figures of SPEC RG Cloud (Herbst et al., "Ready for Rain?",
// SPEC-RG-2016-01) and what people pay and suffer. In one pass: Observe once a step, after its orders; Result at any
// time. Below, d is the demand and s the ready instances of a step, T the number of steps, and each sum has one term a
// step.
#pragma once

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
  // Once after each Step of a plant with these parameters, and after the orders of that step.
  void Observe(const Plant& plant);
  // Everything is 0 before the first observation.
  Figures Result() const;

 private:
  absl::Duration P95Response() const;

  PlantParameters parameters_;
  int64_t steps_ = 0;
  int64_t instance_steps_ = 0;
  double load_ = 0;
  double over_ = 0;
  double theta_under_ = 0;
  double theta_over_ = 0;
  int64_t under_steps_ = 0;
  int64_t over_steps_ = 0;
  int64_t unlike_steps_ = 0;
  int64_t adaptations_ = 0;
  int64_t reversals_ = 0;
  int64_t under_run_ = 0;
  int64_t longest_under_ = 0;
  int peak_ = 0;
  int last_ready_ = 0;
  int last_demand_ = 0;
  int last_direction_ = 0;              // of the last adaptation
  int64_t last_adaptation_ = 0;         // its step
  std::vector<double> by_utilization_;  // requests, by the utilisation that they met
};

}  // namespace ottoscale::simulation
