// The LatencyGoal strategy: the smallest capacity that is expected to answer within the goal.
#include <algorithm>
#include <cmath>

#include "pkg/decision/strategy.h"

// Note [From latency to capacity]
// Each instance is k workers with a queue in front. With S the time of an idle request, Sakasegawa's approximation of
// the M/M/k queue says what a request takes at the utilization rho:
//     R(rho) = S (1 + rho^(sqrt(2(k+1)) - 1) / (k (1 - rho)))
// What was seen, turned round, is the utilization that the ready instances had, and so the load; the goal, turned
// round, the utilization that they may have. No load is measured, and none is taken from the past: each new reading
// corrects the last. The curve is flat where there is little to do, so there a reading says little about the load:
// fewer are wanted one at a time only, and only where the model expects the goal to be kept by a tenth.

namespace ottoscale::decision {
namespace {

constexpr double kBusiest = 0.995;  // beyond it the queue grows without end, and the model ends

struct Queue {
  double service = 0;
  int workers = 1;

  double ResponseAt(double utilization) const {
    const double exponent = std::sqrt(2.0 * (workers + 1)) - 1;
    return service * (1 + std::pow(utilization, exponent) / (workers * (1 - utilization)));
  }
  // Its inverse, by bisection: it rises with the utilization.
  double UtilizationFor(double response) const {
    double low = 0;
    double high = kBusiest;
    if (response >= ResponseAt(high)) return high;
    for (int i = 0; i < 40; ++i) {
      const double middle = (low + high) / 2;
      (ResponseAt(middle) < response ? low : high) = middle;
    }
    return (low + high) / 2;
  }
};

double ServiceTime(const policy::LatencyGoal& goal, const StrategyInput& input) {
  if (goal.service_milliseconds) return *goal.service_milliseconds;
  // Where only busy times were seen, an idle request is taken to need half of the goal at most.
  const double lowest = std::min(input.value, goal.goal_milliseconds / 2);
  return input.history != nullptr && input.history->lowest ? std::min(*input.history->lowest, lowest) : lowest;
}

// The load, as the number of instances that it would keep busy without a pause. Past the model's end it is taken to
// grow with what is seen, at most to twice.
double LoadOf(const Queue& queue, const StrategyInput& input) {
  const double end = queue.ResponseAt(kBusiest);
  return input.ready * queue.UtilizationFor(input.value) * std::clamp(input.value / end, 1.0, 2.0);
}

int WantedOut(const policy::LatencyGoal& goal, const Queue& queue, const StrategyInput& input) {
  const double allowed = queue.UtilizationFor(goal.goal_milliseconds);
  // Above the goal there is too little, whatever the rounding says.
  return std::max(CapacityFor(LoadOf(queue, input) / allowed), input.ready + 1);
}

// Whether one fewer keeps the goal. Where nobody has said what an idle request takes, the lowest that was seen may be
// that of a busy one, so only half of the goal is trusted.
bool OneFewerWillDo(const policy::LatencyGoal& goal, const Queue& queue, const StrategyInput& input) {
  if (!goal.service_milliseconds && input.value > goal.goal_milliseconds / 2) return false;
  if (*input.from < 2) return false;
  const double utilization = LoadOf(queue, input) / (*input.from - 1);
  return utilization < kBusiest && queue.ResponseAt(utilization) <= 0.9 * goal.goal_milliseconds;
}

}  // namespace

StrategyAnswer Judge(const policy::LatencyGoal& goal, const StrategyInput& input) {
  const Queue queue{ServiceTime(goal, input), goal.workers_per_instance};
  const bool above = input.censored ? input.value >= goal.goal_milliseconds : input.value > goal.goal_milliseconds;
  if (input.censored && !above) return Undecidable(goal.goal_milliseconds, 0, input);
  StrategyAnswer answer{.state = above ? MetricVerdict::State::kAboveUpper : MetricVerdict::State::kInRange,
                        .above = above,
                        .recommended = input.from,
                        .code = above ? Code::kGoalMissed : Code::kGoalKept,
                        .phrase = above ? Phrase::kGoalMissed : Phrase::kGoalKept,
                        .numbers = {.value = input.value,
                                    .bound = goal.goal_milliseconds,
                                    .other = queue.service,
                                    .above = above,
                                    .censored = input.censored}};
  if (!input.from) return answer;
  if (above && queue.service >= goal.goal_milliseconds) {
    answer.code = Code::kGoalUnreachable;
    answer.phrase = Phrase::kGoalUnreachable;
    return answer;
  }
  answer.numbers.count = *input.from;
  if (above) {
    const int wanted = WantedOut(goal, queue, input);
    answer.numbers.count = std::max(wanted, *input.from);  // what boots already counts
    return Wanting(answer.numbers.count, input, answer);
  }
  if (input.ready != *input.from || !OneFewerWillDo(goal, queue, input)) return answer;
  answer.state = MetricVerdict::State::kBelowLower;
  answer.phrase = Phrase::kGoalEasy;
  answer.numbers.count = *input.from - 1;
  return Wanting(*input.from - 1, input, answer);
}

}  // namespace ottoscale::decision
