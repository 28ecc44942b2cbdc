// A Scope owns tasks that run beside each other: one per policy, one per server, one for the program. It is joined
// before anything that its tasks borrow dies; destroying it while one of them runs is a CHECK failure.
#pragma once

#include <list>

#include "pkg/async/context.h"
#include "pkg/async/task.h"

namespace ottoscale::async {

class Scope {
 public:
  explicit Scope(Loop& loop) : context_(loop) {}
  // A scope inside a task: cancelled with it (but still to be joined by it).
  explicit Scope(Context& parent) : context_(parent) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope();

  // Starts `task` in a later turn. A task that has not started when the scope is cancelled is dropped; so is one that
  // comes after that, and then the answer is false.
  bool Spawn(Task<void> task);
  // Asks every task to end: their awaits return `why`. They may take their time; Join waits for it.
  void Cancel(const absl::Status& why = absl::CancelledError("cancelled"));

  bool cancelled() const { return context_.cancelled(); }
  size_t running() const { return running_.size(); }
  Context& context() { return context_; }

  // Completes when no task is left; one caller at a time. Not cut short by the caller's own cancellation, since what
  // the tasks borrow may die after it: Cancel() first when they would not end by themselves.
  auto Join() { return JoinAwaiter{this}; }

 private:
  struct JoinAwaiter {
    Scope* scope;
    bool await_ready() const { return scope->running_.empty(); }
    void await_suspend(std::coroutine_handle<> self) const { scope->ParkJoin(self); }
    void await_resume() const {}
  };

  void Finished(std::list<Task<void>>::iterator running);
  void ParkJoin(std::coroutine_handle<> self);

  Context context_;
  std::list<Task<void>> running_;
  std::coroutine_handle<> joining_;
};

}  // namespace ottoscale::async
