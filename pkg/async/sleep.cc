#include "pkg/async/sleep.h"

namespace ottoscale::async {

bool SleepAwaiter::Suspend(std::coroutine_handle<> self, Context& context) {
  if (!waiter_.Park(self, context)) return false;
  loop_ = &context.loop();
  const BootTime until = until_ == BootTime::Infinite() ? loop_->Now().boot + from_now_ : until_;
  timer_ = loop_->RunAt(until, [this] { waiter_.WakeNow(); });
  return true;
}

void SleepAwaiter::Withdraw(void* self, Waiter&) {
  auto* sleep = static_cast<SleepAwaiter*>(self);
  sleep->loop_->CancelTimer(sleep->timer_);
}

}  // namespace ottoscale::async
