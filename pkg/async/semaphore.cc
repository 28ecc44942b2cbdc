#include "pkg/async/semaphore.h"

#include "pkg/base/check.h"

namespace ottoscale::async {

Permit& Permit::operator=(Permit&& other) noexcept {
  if (this != &other) {
    Release();
    owner_ = other.owner_;
    other.owner_ = nullptr;
  }
  return *this;
}

void Permit::Release() {
  if (owner_ == nullptr) return;
  Semaphore* owner = owner_;
  owner_ = nullptr;
  owner->Return();
}

Semaphore::~Semaphore() { CHECK(queue_.empty(), "a semaphore died while tasks wait for it"); }

void Semaphore::Return() {
  if (queue_.empty()) {
    ++free_;
    return;
  }
  // The permit passes straight to the first in line, so that nobody overtakes it.
  Acquirer* next = queue_.front();
  queue_.pop_front();
  next->waiter_.Wake();
}

bool Semaphore::Acquirer::Suspend(std::coroutine_handle<> self, Context& context) {
  if (owner_.free_ > 0 && owner_.queue_.empty() && !context.cancelled()) {
    --owner_.free_;
    return false;
  }
  if (!waiter_.Park(self, context)) return false;
  place_ = owner_.queue_.insert(owner_.queue_.end(), this);
  return true;
}

void Semaphore::Acquirer::Withdraw(void* self, Waiter&) {
  auto* acquirer = static_cast<Acquirer*>(self);
  acquirer->owner_.queue_.erase(acquirer->place_);
}

absl::StatusOr<Permit> Semaphore::Acquirer::await_resume() {
  if (!waiter_.status().ok()) return waiter_.status();
  return Permit(owner_);
}

}  // namespace ottoscale::async
