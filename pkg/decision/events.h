// What is told as a Kubernetes Event and as a line of the log: transitions, never states. An outcome that says the same
// as the one before it makes no events.
#pragma once

#include <string>
#include <vector>

#include "pkg/decision/decide.h"
#include "pkg/decision/history.h"

namespace ottoscale::decision {

struct Event {
  bool warning = false;
  std::string reason;  // ScaledOut, ScaleFailed, ...: stable API
  std::string note;    // one sentence
  std::string action;  // Scale, ReadTarget, ReadMetric, Suspend
  bool operator==(const Event&) const = default;
};

// `previous` is the outcome of the pass before, null after a start; `history` is what Remember returned for `outcome`.
std::vector<Event> EventsFor(const Outcome* previous, const History& history, const Outcome& outcome);

}  // namespace ottoscale::decision
