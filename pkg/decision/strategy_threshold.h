// The Threshold strategy: steps after enough distinct samples in a row strictly outside [lower, upper]. Internal.
#pragma once

#include <optional>
#include <string>

#include "pkg/decision/decision.h"
#include "pkg/decision/history.h"
#include "pkg/policy/policy.h"

namespace ottoscale::decision {

// What a strategy sees of the world.
struct StrategyInput {
  const Sample& sample;          // valid or censored, and fresh
  const MetricHistory* history;  // null: none yet
  std::optional<int> from;       // capacity; nullopt: unknown, so nothing can be recommended
  bool settling_out = false;     // measured too soon after a scale-out to be evidence for more
  bool settling_in = false;
  bool scale_out_only = false;
  absl::Duration settle;  // for words
};

// What it says.
struct StrategyAnswer {
  MetricVerdict::State state = MetricVerdict::State::kUnknown;
  int run = 0;
  bool above = false;
  int needed = 0;
  std::optional<int> recommended;  // nullopt: no word
  Code code = Code::kInRange;
  std::string detail;
};

StrategyAnswer Judge(const policy::Threshold& threshold, const StrategyInput& input);
StrategyAnswer Judge(const policy::TargetTracking& tracking, const StrategyInput& input);
StrategyAnswer Judge(const policy::StepTable& table, const StrategyInput& input);
StrategyAnswer Judge(const policy::LatencyGoal& goal, const StrategyInput& input);

}  // namespace ottoscale::decision
