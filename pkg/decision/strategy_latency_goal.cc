// The LatencyGoal strategy: the smallest capacity that is expected to answer within the goal.
#include <algorithm>
#include <cmath>
#include <utility>

#include "pkg/decision/strategy.h"

// Note [From latency to capacity]
// Each instance is k workers with a queue in front. With S the time of an idle request, Sakasegawa's approximation of
// the M/M/k queue says what a request takes at the utilization rho:
//     R(rho) = S (1 + rho^(sqrt(2(k+1)) - 1) / (k (1 - rho)))
// What was seen, turned round, is the utilization that the ready instances had, and so the load; the goal, turned
// round, the utilization that they may have. No load is measured, and none is taken from the past: each new reading
// corrects the last. The curve is flat where there is little to do, so there a reading says little about the load:
// fewer are wanted one at a time only.
//
// Note [Hysteresis]
// More are wanted as soon as the goal is missed. One fewer is wanted only where, with n instances of which each has the
// utilization rho(R), the n - 1 that are left stay a tenth below what the goal allows:
//     rho(R) n / (n - 1) <= (1 - 0.1) min(rho(goal), rho_missed)
// The tenth is of the load, not of the response time: near the end of the curve the load of a response time of 0.9
// times the goal is within a hundredth of that of the goal itself, and a goal would be missed, kept and missed again
// all day. It is the tolerance of the HPA (10 %), and the dead band within which a relay does not cycle.
//
// Note [Where the model is wrong]
// Workers may be more than was said, the idle time is a guess, and where the true curve has a sharper bend than the
// model's, one fewer looks possible again and again. So what was seen corrects it. Where m instances have missed the
// goal at R_m, and n > m, serving the same load, keep it at R_n, the model would say of the m that they had
//     rho_missed = rho(R_n) n / m
// Right or wrong, it is what the model calls a load too large for m, as seen with about as many instances, and the same
// mistake is in rho(R), with which it is compared. Where nobody has said S, the two readings tell it: it is the S of
// the curve through both, R(rho) = R_m and R(rho m / n) = R_n, where that is less than the lowest that was seen. The
// load may have fallen just between the two readings, so that too little is allowed (what falls while still m serve is
// noticed and teaches nothing). So it is forgotten slowly, over a day, the period that loads have: at least the share
// of rho(goal) that has passed of it is allowed.

namespace ottoscale::decision {
namespace {

constexpr double kBusiest = 0.995;   // beyond it the queue grows without end, and the model ends
constexpr double kShortest = 0.001;  // of the goal: no idle request is taken to need less, since even a 0 may be read
constexpr double kTolerance = 0.1;   // see Note [Hysteresis]
constexpr absl::Duration kForgets = absl::Hours(24);

struct Queue {
  double service = 0;
  int workers = 1;

  // In service times.
  double StretchAt(double utilization) const {
    const double exponent = std::sqrt(2.0 * (workers + 1)) - 1;
    return 1 + std::pow(utilization, exponent) / (workers * (1 - utilization));
  }
  double ResponseAt(double utilization) const { return service * StretchAt(utilization); }
  // Its inverse, by bisection: it rises with the utilization.
  double UtilizationFor(double response) const {
    if (response <= service) return 0;
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

// The service time of the curve through both readings of `relief`: see Note [Where the model is wrong].
double ServiceTimeOf(const Relief& relief, int workers) {
  const Queue queue{.service = 1, .workers = workers};
  const double share = static_cast<double>(relief.before.ready) / relief.ready;
  double low = 0;
  double high = kBusiest;
  for (int i = 0; i < 40; ++i) {
    const double middle = (low + high) / 2;
    const double ratio = queue.StretchAt(middle) / queue.StretchAt(middle * share);
    (ratio * relief.response < relief.before.response ? low : high) = middle;
  }
  return relief.response / queue.StretchAt(high * share);
}

double ServiceTime(const policy::LatencyGoal& goal, const StrategyInput& input) {
  if (goal.service_milliseconds) return *goal.service_milliseconds;
  // Where only busy times were seen, an idle request is taken to need half of the goal at most.
  double lowest = std::min(input.value, goal.goal_milliseconds / 2);
  const MetricHistory* history = input.history;
  if (history != nullptr && history->lowest) lowest = std::min(lowest, *history->lowest);
  if (history != nullptr && history->relief) {
    lowest = std::min(lowest, ServiceTimeOf(*history->relief, goal.workers_per_instance));
  }
  return std::max(lowest, kShortest * goal.goal_milliseconds);
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

// The utilization at which the goal is still kept. See Note [Where the model is wrong].
double Allowed(const policy::LatencyGoal& goal, const Queue& queue, const StrategyInput& input) {
  const double model = queue.UtilizationFor(goal.goal_milliseconds);
  if (input.history == nullptr || !input.history->relief) return model;
  const Relief& relief = *input.history->relief;
  const double missed = queue.UtilizationFor(relief.response) * relief.ready / relief.before.ready;
  return model * std::clamp(absl::FDivDuration(input.now - relief.at, kForgets), std::min(missed / model, 1.0), 1.0);
}

// Whether one fewer keeps the goal: see Note [Hysteresis]. Where nobody has said what an idle request takes, the lowest
// that was seen may be that of a busy one, so only half of the goal is trusted.
bool OneFewerWillDo(const policy::LatencyGoal& goal, const Queue& queue, const StrategyInput& input) {
  if (!goal.service_milliseconds && input.value > goal.goal_milliseconds / 2) return false;
  if (*input.from < 2) return false;
  return LoadOf(queue, input) / (*input.from - 1) <= (1 - kTolerance) * Allowed(goal, queue, input);
}

bool Misses(const policy::LatencyGoal& goal, double response, bool censored) {
  return censored ? response >= goal.goal_milliseconds : response > goal.goal_milliseconds;
}

}  // namespace

StrategyAnswer Judge(const policy::LatencyGoal& goal, const StrategyInput& input) {
  const Queue queue{ServiceTime(goal, input), goal.workers_per_instance};
  const bool above = Misses(goal, input.value, input.censored);
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

void LearnFrom(const policy::LatencyGoal& goal, double response, bool censored, int ready, async::BootTime now,
               MetricHistory& history) {
  if (Misses(goal, response, censored)) {
    if (ready > 0) history.overload = Overload{.ready = ready, .response = response};
  } else if (!censored && history.overload) {
    const Overload before = *std::exchange(history.overload, std::nullopt);
    // As many or fewer keep it again: the load has fallen.
    if (ready > before.ready) history.relief = Relief{before, ready, response, now};
  }
}

}  // namespace ottoscale::decision
