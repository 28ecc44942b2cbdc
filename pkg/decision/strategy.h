// What all strategies have in common: what they see, what they say. Internal.
#pragma once

#include <optional>

#include "pkg/decision/decision.h"
#include "pkg/decision/history.h"
#include "pkg/policy/policy.h"

namespace ottoscale::decision {

// What a strategy sees of the world.
struct StrategyInput {
  double value = 0;                        // after aggregation and basis
  bool censored = false;                   // more than `value`
  bool is_new = false;                     // another sample than the last
  const MetricHistory* history = nullptr;  // null: none yet
  async::BootTime now;                     // of the pass
  std::optional<int> from;                 // capacity; nullopt: unknown, so nothing can be recommended
  int ready = 0;                           // of it; what the value was measured with
  bool settling_out = false;               // measured too soon after a scale-out to be evidence for more
  bool settling_in = false;
  bool scale_out_only = false;
  double growth = 0;       // of the value until what is ordered now serves, as a share of it; 0: none foreseen
  absl::Duration horizon;  // until then
  absl::Duration settle;   // for words
};

// What it says.
struct StrategyAnswer {
  MetricVerdict::State state = MetricVerdict::State::kUnknown;
  int run = 0;
  bool above = false;
  int needed = 0;
  std::optional<int> recommended;  // nullopt: no word
  std::optional<int> least;        // see MetricVerdict; nullopt: as many as recommended
  Code code = Code::kInRange;
  Phrase phrase = Phrase::kNone;
  Numbers numbers;
};

StrategyAnswer Judge(const policy::Threshold& threshold, const StrategyInput& input);
StrategyAnswer Judge(const policy::TargetTracking& tracking, const StrategyInput& input);
StrategyAnswer Judge(const policy::StepTable& table, const StrategyInput& input);
StrategyAnswer Judge(const policy::LatencyGoal& goal, const StrategyInput& input);

// What a new reading teaches of where the goal is missed; `ready`: instances that have served it.
void LearnFrom(const policy::LatencyGoal& goal, double response, bool censored, int ready, async::BootTime now,
               MetricHistory& history);

// For strategies that count breaches in a row.
struct Breach {
  bool above = false;
  double bound = 0;  // that is breached
  int needed = 0;
  int change = 0;  // of the capacity, once it was breached often enough
  Code code = Code::kThresholdBreached;
};
StrategyAnswer JudgeBreach(const Breach& breach, const StrategyInput& input);
// What neither adds to a run nor clears it: a censored value below `bound` may lie anywhere above it.
StrategyAnswer Undecidable(double bound, int needed, const StrategyInput& input);

// For strategies that know the capacity that they want. What was measured while settling is no evidence for more of the
// same, and a metric that may only scale out says nothing for fewer.
StrategyAnswer Wanting(int wanted, const StrategyInput& input, StrategyAnswer answer);

// Rounded up, but not for the dust that binary fractions leave; at most a million.
int CapacityFor(double exact);

}  // namespace ottoscale::decision
