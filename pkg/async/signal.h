// "Something changed, look again": wakes the task that waits. Remembered when nobody waits yet, and several
// notifications before the next wait count as one. One waiting task at a time. Loop only.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "pkg/async/context.h"
#include "pkg/base/check.h"

namespace ottoscale::async {

class Signal {
 public:
  Signal() = default;
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  ~Signal() { CHECK(waiter_ == nullptr, "a signal died while a task waits for it"); }

  void Notify() {
    if (waiter_ != nullptr) {
      std::exchange(waiter_, nullptr)->Wake();
    } else {
      notified_ = true;
    }
  }

  class [[nodiscard]] Awaiter {
   public:
    explicit Awaiter(Signal& owner) : owner_(owner), waiter_(&Withdraw, this) {}
    bool await_ready() { return std::exchange(owner_.notified_, false); }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> self) {
      CHECK(owner_.waiter_ == nullptr, "one task waits for a signal");
      if (!waiter_.Park(self, *self.promise().context)) return false;
      owner_.waiter_ = &waiter_;
      return true;
    }
    absl::Status await_resume() const { return waiter_.status(); }

   private:
    static void Withdraw(void* self, Waiter&) { static_cast<Awaiter*>(self)->owner_.waiter_ = nullptr; }
    Signal& owner_;
    Waiter waiter_;
  };
  // OK after a notification, or why the wait was cut short.
  Awaiter Wait() { return Awaiter(*this); }

 private:
  bool notified_ = false;
  Waiter* waiter_ = nullptr;
};

}  // namespace ottoscale::async
