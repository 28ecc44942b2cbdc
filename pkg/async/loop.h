// The event loop: the one thread on which all of the program's own code runs. Two implementations: AsioLoop (real time,
// sockets) and SimulatedLoop (virtual time, seeded order). Whoever needs time, a later turn or chance takes a Loop&.
//
// Promises: callbacks never run inside the call that hands them over; two posted callbacks run in no promised order
// (the simulation shuffles them); a timer never fires early. Everything but mailbox()->Post is for the loop's thread.
#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "pkg/async/instant.h"
#include "pkg/async/random.h"

namespace ottoscale::async {

using Callback = absl::AnyInvocable<void()>;

// The door for foreign threads. It outlives the loop: what is posted after the loop's end is dropped.
class Mailbox {
 public:
  virtual ~Mailbox() = default;
  // Any thread. Runs `callback` on the loop, soon.
  virtual void Post(Callback callback) = 0;
};

// Names a timer; value-like, never reused within a loop.
struct TimerId {
  BootTime when;
  uint64_t number = 0;  // 0: no timer
};

class Loop {
 public:
  virtual ~Loop() = default;

  virtual Instant Now() = 0;
  // Runs `callback` in a later turn.
  virtual void Post(Callback callback) = 0;
  // Runs `callback` at `when` or soon after; in the next turn when that has passed; never when it is infinite.
  virtual TimerId RunAt(BootTime when, Callback callback) = 0;
  // Forgets a timer; harmless when it has fired.
  virtual void CancelTimer(TimerId timer) = 0;
  virtual std::shared_ptr<Mailbox> mailbox() = 0;
  virtual Random& random() = 0;
};

}  // namespace ottoscale::async
