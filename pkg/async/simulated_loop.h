// A loop in virtual time. Ready callbacks run in an order drawn from the seed, time jumps to the next timer when
// nothing is ready, and nothing else happens: the same seed gives the same run, in every process.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "pkg/async/loop.h"
#include "pkg/async/task.h"
#include "pkg/async/timer_queue.h"

namespace ottoscale::async {

class SimulatedLoop final : public Loop {
 public:
  // Starts at `wall` (default 2026-01-01T00:00:00Z) and boot time 1000 s.
  explicit SimulatedLoop(uint64_t seed);
  SimulatedLoop(uint64_t seed, absl::Time wall);
  ~SimulatedLoop() override;

  Instant Now() override { return {wall_at_boot_zero_ + now_.since_boot, now_}; }
  void Post(Callback callback) override { ready_.push_back({0, std::move(callback)}); }
  TimerId RunAt(BootTime when, Callback callback) override { return timers_.Add(when, std::move(callback)); }
  void CancelTimer(TimerId timer) override;
  std::shared_ptr<Mailbox> mailbox() override;
  Random& random() override { return random_; }

  // Runs one ready callback; false when none was ready (timers that are due count as ready). No time passes.
  bool RunOne();
  // Runs until nothing is ready; no time passes. Returns how many callbacks ran.
  size_t RunReady();
  // Runs everything up to and including `until` and leaves the clock there.
  void RunUntil(BootTime until);
  void RunFor(absl::Duration duration) { RunUntil(now_ + duration); }
  // Runs until `done()`; false when nothing is left to run before that, or `limit` of virtual time has passed.
  bool RunUntilDone(absl::FunctionRef<bool()> done, absl::Duration limit = absl::Hours(24 * 365));
  // Runs a task as a root to its end and gives its result. CHECK fails when it can never end.
  template <class T>
  T Run(Task<T> task) {
    Context root(*this);
    bool finished = false;
    task.Start(root, [&finished] { finished = true; });
    CHECK(RunUntilDone([&finished] { return finished; }), "the task waits for something that never happens");
    return task.Take();
  }

  // Lets time pass while nothing runs, as during a callback that takes this long: what becomes due is ready afterwards,
  // in any order.
  void Stall(absl::Duration duration) { now_ = now_ + duration; }
  // Moves the wall clock only, as an administrator or NTP would.
  void StepWall(absl::Duration by) { wall_at_boot_zero_ += by; }
  // True when neither a ready callback nor a timer is left.
  bool drained();
  size_t timers() const { return timers_.size(); }
  uint64_t turns() const { return turns_; }

 private:
  class Door;
  struct Ready {
    uint64_t timer;  // its number, 0 for what was posted
    Callback callback;
  };
  void TakeMail();
  bool AdvanceTo(BootTime limit);

  Random random_;
  absl::Time wall_at_boot_zero_;
  BootTime now_;
  std::vector<Ready> ready_;
  TimerQueue timers_;
  std::shared_ptr<Door> door_;
  uint64_t turns_ = 0;
};

}  // namespace ottoscale::async
