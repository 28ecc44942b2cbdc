// What a task runs under: its loop, its deadline, and whether it has been cancelled. Contexts form a tree; cancelling
// one cancels all below it. Tasks inherit the context of whoever awaits them; Scope, WithDeadline, Shield, All and
// FirstOf make new ones. Leaf awaits park a Waiter in their context, so that cancellation finds them.
#pragma once

#include <coroutine>
#include <list>

#include "absl/status/status.h"
#include "pkg/async/loop.h"

namespace ottoscale::async {

class Waiter;

class Context {
 public:
  // A root: ends only by Cancel() or at its deadline.
  explicit Context(Loop& loop, BootTime deadline = BootTime::Infinite());
  // A child of `parent`, which must outlive it: cancelled with it, and at the sooner of both deadlines.
  explicit Context(Context& parent, BootTime deadline = BootTime::Infinite());
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  Loop& loop() const { return loop_; }
  BootTime deadline() const { return deadline_; }
  bool cancelled() const { return !status_.ok(); }
  // OK, or why it was cancelled: Cancelled or DeadlineExceeded. Never goes back to OK.
  const absl::Status& status() const { return status_; }

  // Ends every parked await of this context and its children with `why` (not OK), each in a later turn; later awaits of
  // leaves return it at once. The first reason stays. Code that is running goes on until it awaits.
  void Cancel(const absl::Status& why);

 private:
  friend class Waiter;
  void ArmDeadline();

  Loop& loop_;
  Context* parent_ = nullptr;
  BootTime deadline_;
  TimerId timer_;
  absl::Status status_;
  std::list<Context*> children_;
  std::list<Context*>::iterator place_;  // in parent_->children_
  std::list<Waiter*> waiters_;
};

// One suspended leaf await: the tool of which Future, SleepUntil, Semaphore and Signal are made. It lives in the
// awaiting coroutine's frame. It ends exactly once: woken by its source, or cancelled by its context, whichever comes
// first.
class Waiter {
 public:
  // `withdraw(source)` is called when the context cancels the wait: the source must forget the waiter.
  Waiter(void (*withdraw)(void* source, Waiter& waiter), void* source) : withdraw_(withdraw), source_(source) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter();

  // Suspends `handle` under `context`. False when the context is already cancelled: nothing is parked, the coroutine
  // goes on, and status() says why.
  bool Park(std::coroutine_handle<> handle, Context& context);
  // Resumes the coroutine in a later turn. The source has forgotten the waiter.
  void Wake();
  // Resumes the coroutine now. Only as the last act of a loop callback.
  void WakeNow();

  bool parked() const { return context_ != nullptr; }
  // OK when woken, else the reason of the cancellation.
  const absl::Status& status() const { return status_; }

 private:
  friend class Context;
  void Cancelled(const absl::Status& why);
  std::coroutine_handle<> Unpark();

  void (*withdraw_)(void*, Waiter&);
  void* source_;
  std::coroutine_handle<> handle_;
  Context* context_ = nullptr;
  std::list<Waiter*>::iterator place_;
  absl::Status status_;
};

}  // namespace ottoscale::async
