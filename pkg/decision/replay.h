// The passes that would follow this one, were the same read again each time and nothing written: what "later" means in
// a counterfactual. Pure.
#pragma once

#include "pkg/decision/decide.h"

namespace ottoscale::decision {

// What a decision was made of, besides the spec.
struct Situation {
  History history;  // before the pass
  Observation seen;
  async::Instant now;
  bool operator==(const Situation&) const = default;
};

// Passes come as the reconciler makes them, without its jitter: a poll period apart, sooner where the decision or the
// schedule says so. Samples are new ones of the same value and the same age; what is missing stays missing, what is in
// flight stays in flight.
class Replay {
 public:
  // `spec` is borrowed.
  Replay(const policy::ScalingPolicy& spec, Situation situation);
  const Decision& decision() const { return outcome_.decision; }  // in numbers, of the pass at now()
  async::Instant now() const { return outcome_.now; }
  void Next();

 private:
  const policy::ScalingPolicy& spec_;
  History history_;
  Outcome outcome_;
};

}  // namespace ottoscale::decision
