// Waiting for time: `CO_RETURN_IF_ERROR(co_await Sleep(absl::Seconds(30)));`
#pragma once

#include "absl/status/status.h"
#include "pkg/async/context.h"

namespace ottoscale::async {

class [[nodiscard]] SleepAwaiter {
 public:
  SleepAwaiter(BootTime until, absl::Duration from_now)
      : until_(until), from_now_(from_now), waiter_(&Withdraw, this) {}
  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> self) {
    return Suspend(self, *self.promise().context);
  }
  // OK, or why the sleep was cut short.
  absl::Status await_resume() const { return waiter_.status(); }

 private:
  bool Suspend(std::coroutine_handle<> self, Context& context);
  static void Withdraw(void* self, Waiter&);
  BootTime until_;
  absl::Duration from_now_;  // used when `until_` is infinite
  Loop* loop_ = nullptr;
  TimerId timer_;
  Waiter waiter_;
};

// Both take at least one turn of the loop, also when the time has come already.
inline SleepAwaiter SleepUntil(BootTime until) { return {until, absl::InfiniteDuration()}; }
inline SleepAwaiter Sleep(absl::Duration duration) { return {BootTime::Infinite(), duration}; }
// Lets everything else that is ready run first.
inline SleepAwaiter Yield() { return Sleep(absl::ZeroDuration()); }

}  // namespace ottoscale::async
