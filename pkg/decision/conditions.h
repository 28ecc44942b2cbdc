// The conditions of a ScalingPolicy. Internal to this folder: StatusFor and StatusForProblem use it.
#pragma once

#include <vector>

#include "pkg/decision/status.h"

namespace ottoscale::decision {

std::vector<Condition> ConditionsFor(const policy::ScalingPolicy& spec, int64_t generation, const History& history,
                                     const Outcome& outcome, const PolicyStatus* previous);
std::vector<Condition> ConditionsForProblem(int64_t generation, const StatusProblem& problem, absl::Time now,
                                            const PolicyStatus& previous);

}  // namespace ottoscale::decision
