// Running tasks side by side and waiting for all of them, or for the first.
//
// All: results in the order of the tasks. FirstOf: the first result; the others are cancelled and waited for, so
// nothing runs on behind the caller's back. Both pass the caller's cancellation and deadline on to the tasks.
#pragma once

#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "pkg/async/task.h"

namespace ottoscale::async {

namespace internal {

// Counts tasks that run beside the awaiting one; awaiting it waits until all have finished.
class Barrier {
 public:
  explicit Barrier(Loop& loop) : loop_(loop) {}
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  template <class T>
  void Start(Task<T>& task, Context& context, absl::AnyInvocable<void()> on_done = {}) {
    ++open_;
    task.Start(context, [this, done = std::move(on_done)]() mutable {
      if (done) done();
      if (--open_ == 0 && waiting_) loop_.Post([handle = std::exchange(waiting_, {})] { handle.resume(); });
    });
  }

  bool await_ready() const noexcept { return open_ == 0; }
  void await_suspend(std::coroutine_handle<> self) { waiting_ = self; }
  void await_resume() const noexcept {}

 private:
  Loop& loop_;
  size_t open_ = 0;
  std::coroutine_handle<> waiting_;
};

}  // namespace internal

template <class T>
Task<std::vector<T>> All(std::vector<Task<T>> tasks) {
  Context& context = co_await CurrentContext();
  internal::Barrier barrier(context.loop());
  for (Task<T>& task : tasks) barrier.Start(task, context);
  co_await barrier;
  std::vector<T> results;
  results.reserve(tasks.size());
  for (Task<T>& task : tasks) results.push_back(task.Take());
  co_return results;
}

template <class A, class B>
Task<std::tuple<A, B>> Both(Task<A> a, Task<B> b) {
  Context& context = co_await CurrentContext();
  internal::Barrier barrier(context.loop());
  barrier.Start(a, context);
  barrier.Start(b, context);
  co_await barrier;
  co_return std::tuple<A, B>(a.Take(), b.Take());
}

template <class T>
struct First {
  size_t index;  // which task
  T value;
};

// At least one task.
template <class T>
Task<First<T>> FirstOf(std::vector<Task<T>> tasks) {
  CHECK(!tasks.empty(), "the first of nothing");
  Context& outer = co_await CurrentContext();
  Context context(outer);
  internal::Barrier barrier(context.loop());
  std::optional<size_t> winner;
  for (size_t i = 0; i < tasks.size(); ++i) {
    barrier.Start(tasks[i], context, [&winner, &context, i] {
      if (winner) return;
      winner = i;
      context.Cancel(absl::CancelledError("another task finished first"));
    });
  }
  co_await barrier;
  co_return First<T>{*winner, tasks[*winner].Take()};
}

}  // namespace ottoscale::async
