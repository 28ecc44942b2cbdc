// The decision core: a Mealy machine, (spec, history, observation, now) -> decision, history'. Pure, total,
// deterministic. pkg/reconcile calls Decide once a pass, then the gate, then Remember.
#pragma once

#include "pkg/async/instant.h"
#include "pkg/decision/decision.h"
#include "pkg/decision/history.h"
#include "pkg/decision/observation.h"
#include "pkg/policy/policy.h"

namespace ottoscale::decision {

// Everything that a pass has done, for all who report: status, events, log, metrics are functions of it.
struct Outcome {
  Observation observation;
  Decision decision;
  WriteResult write;
  async::Instant now;
  bool operator==(const Outcome&) const = default;
};

// What the reading of the target says about the past, before anything is decided: whether a write whose end was unknown
// has happened, whether somebody else has changed the target, whether it is another target, since when it is in flight.
// Twice equals once; Decide and Remember do it themselves, so that the order cannot be got wrong.
History Settle(const policy::ScalingPolicy& spec, History history, const Observation& seen, async::Instant now);

// Runs the whole stage chain. The result has reasons in numbers and no words yet. Allocates nothing once `decision` has
// been used for this policy, as long as the target does not tell anything new about the past.
void DecideInto(const policy::ScalingPolicy& spec, const History& history, const Observation& seen, async::Instant now,
                Decision& decision);

// Fills in what people read: `message` and each reason's `metric` and `detail`. Twice equals once.
void PutIntoWords(const policy::ScalingPolicy& spec, const Observation& seen, Decision& decision);

// Both.
Decision Decide(const policy::ScalingPolicy& spec, const History& history, const Observation& seen, async::Instant now);

// The history after a pass. The run of breaches is cleared by a successful change and kept after a failed one; a
// changed target identity starts afresh.
History Remember(const policy::ScalingPolicy& spec, History history, const Outcome& outcome);
// The same in place.
void RememberInto(const policy::ScalingPolicy& spec, const Outcome& outcome, History& history);

}  // namespace ottoscale::decision
