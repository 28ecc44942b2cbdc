// A policy against a recorded load: the same Decide and Remember that the operator calls, closed over a simulated
// plant. Pure and deterministic: the same inputs give the same result.
//
// A pass observes the plant, decides, and orders what was decided; passes follow each other as the operator's do: one
// poll period apart, sooner where a decision or a schedule says so. Without jitter, and without an outside world that
// fails. What the operator's write gate would refuse can only be a defect, so it has no part in it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pkg/backtest/series.h"
#include "pkg/decision/decide.h"
#include "pkg/policy/policy.h"
#include "pkg/simulation/figures.h"
#include "pkg/simulation/load.h"
#include "pkg/simulation/plant.h"

namespace ottoscale::backtest {

// What of the plant a metric sees.
enum class Reads {
  kLoad,          // the load of all instances together, as the plant's meter shows it
  kResponseTime,  // in milliseconds, of this moment, by the plant's model
};

struct MetricInput {
  Reads reads = Reads::kLoad;
  std::string unit;  // of its samples, for sentences
  // A response that takes longer is no sample, or more than so much.
  absl::Duration timeout = absl::InfiniteDuration();
  bool timeout_breaches = true;
  bool operator==(const MetricInput&) const = default;
};

// HTTPHeartbeat reads the response time, everything else the load. `load_metric`: this one reads the load whatever its
// source is; "" for none. NotFound: the policy has no such metric.
absl::StatusOr<std::vector<MetricInput>> InputsOf(const policy::ScalingPolicy& policy, absl::string_view load_metric,
                                                  absl::string_view load_unit);

// What the target's capacity counts, plural: "dynos".
std::string UnitOf(const policy::ScalingPolicy& policy);

// One pass, for those who report. Borrowed for the call.
struct Pass {
  int64_t step = 0;  // of the plant, from 0
  async::Instant now;
  const simulation::Plant& plant;  // after the order
  const policy::ScalingPolicy& policy;
  const decision::Observation& observation;
  const decision::Decision& decision;  // in numbers
  // The decision in words.
  std::string Sentence() const;
};

struct Result {
  simulation::Figures figures;
  int64_t passes = 0;
  int64_t scale_outs = 0;                  // orders of more
  int64_t scale_ins = 0;                   // orders of fewer
  std::map<std::string, int64_t> reasons;  // passes by the code that bound their result
};

struct Setup {
  const policy::ScalingPolicy& policy;  // taken as enforced and not suspended
  const std::vector<MetricInput>& inputs;
  const simulation::PlantParameters& plant;  // passes Check
  const Series& series;
};

// `on_pass` may be null.
Result Run(const Setup& setup, const std::function<void(const Pass&)>& on_pass);

// The steps of a run.
int64_t StepsOf(const Series& series, const simulation::PlantParameters& plant);
std::vector<simulation::LoadPoint> PointsOf(const Series& series);

}  // namespace ottoscale::backtest
