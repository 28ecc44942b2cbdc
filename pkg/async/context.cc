#include "pkg/async/context.h"

#include <algorithm>

#include "pkg/base/check.h"

namespace ottoscale::async {

Context::Context(Loop& loop, BootTime deadline) : loop_(loop), deadline_(deadline) { ArmDeadline(); }

Context::Context(Context& parent, BootTime deadline)
    : loop_(parent.loop_), parent_(&parent), deadline_(std::min(parent.deadline_, deadline)), status_(parent.status_) {
  place_ = parent.children_.insert(parent.children_.end(), this);
  // The parent's own timer cancels us too, so a timer is needed only for a sooner deadline.
  if (deadline < parent.deadline_ && status_.ok()) ArmDeadline();
}

Context::~Context() {
  CHECK(waiters_.empty(), "a context died before a task that runs under it");
  CHECK(children_.empty(), "a context died before its children");
  if (timer_.number != 0) loop_.CancelTimer(timer_);
  if (parent_ != nullptr) parent_->children_.erase(place_);
}

void Context::ArmDeadline() {
  if (deadline_ == BootTime::Infinite()) return;
  timer_ = loop_.RunAt(deadline_, [this] {
    timer_ = {};
    Cancel(absl::DeadlineExceededError("deadline exceeded"));
  });
}

void Context::Cancel(const absl::Status& why) {
  CHECK(!why.ok(), "a cancellation needs a reason");
  if (!status_.ok()) return;
  status_ = why;
  // Cancelled() only posts: no code of a task runs in here, so neither list changes under our feet.
  while (!waiters_.empty()) waiters_.front()->Cancelled(status_);
  for (Context* child : children_) child->Cancel(status_);
}

Waiter::~Waiter() { CHECK(context_ == nullptr, "a suspended task was dropped"); }

bool Waiter::Park(std::coroutine_handle<> handle, Context& context) {
  if (context.cancelled()) {
    status_ = context.status();
    return false;
  }
  handle_ = handle;
  context_ = &context;
  place_ = context.waiters_.insert(context.waiters_.end(), this);
  return true;
}

std::coroutine_handle<> Waiter::Unpark() {
  CHECK(context_ != nullptr, "an await ended twice");
  context_->waiters_.erase(place_);
  context_ = nullptr;
  return handle_;
}

void Waiter::Wake() {
  Loop& loop = context_->loop();
  loop.Post([handle = Unpark()] { handle.resume(); });
}

void Waiter::WakeNow() { Unpark().resume(); }

void Waiter::Cancelled(const absl::Status& why) {
  status_ = why;
  withdraw_(source_, *this);
  Wake();
}

}  // namespace ottoscale::async
