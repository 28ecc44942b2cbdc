#include "pkg/decision/replay.h"

#include <algorithm>
#include <utility>

namespace ottoscale::decision {
namespace {

absl::Duration UntilNext(const policy::ScalingPolicy& spec, const Outcome& outcome) {
  absl::Duration until = spec.poll_period;
  if (outcome.decision.next) until = std::min(until, *outcome.decision.next - outcome.now.boot);
  if (const auto change = policy::NextChangeAfter(spec.schedule, outcome.now.wall)) {
    until = std::min(until, *change - outcome.now.wall);
  }
  return until;
}

}  // namespace

Replay::Replay(const policy::ScalingPolicy& spec, Situation situation)
    : spec_(spec),
      history_(std::move(situation.history)),
      outcome_{.observation = std::move(situation.seen), .now = situation.now} {
  DecideInto(spec_, history_, outcome_.observation, outcome_.now, outcome_.decision);
}

void Replay::Next() {
  history_ = Remember(spec_, std::move(history_), outcome_);
  const absl::Duration until = UntilNext(spec_, outcome_);
  outcome_.now = outcome_.now + until;
  for (Sample& sample : outcome_.observation.samples) sample.measured_at = sample.measured_at + until;
  if (auto* target = std::get_if<TargetState>(&outcome_.observation.target)) target->read_at = outcome_.now;
  DecideInto(spec_, history_, outcome_.observation, outcome_.now, outcome_.decision);
}

}  // namespace ottoscale::decision
