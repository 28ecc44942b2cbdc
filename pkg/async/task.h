// Task<T>: a coroutine that runs on the loop. Lazy: it starts when it is awaited (or spawned in a Scope). Owned and
// move-only: `co_await F(...)` or `co_await std::move(task)`, exactly once. It inherits the context (cancellation,
// deadline) of the task that awaits it.
//
// The contract (pkg/ARCHITECTURE.md, section 5):
//   * Parameters by value, or of an owner that outlives the task. A lambda that is a coroutine captures nothing.
//   * No exceptions leave a task: a library that throws is caught in the one file that includes it.
//   * A task that can be cancelled returns absl::Status or absl::StatusOr.
//   * Dropping a task that never started is fine. Dropping a started, unfinished one is a CHECK failure.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "pkg/async/context.h"
#include "pkg/base/check.h"

namespace ottoscale::async {

template <class T>
class Task;

namespace internal {

// What every task's promise has; leaf awaitables take `context` from it.
class TaskPromiseBase {
 public:
  std::suspend_always initial_suspend() const noexcept { return {}; }
  void unhandled_exception() const { CHECK(false, "an exception left a task"); }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) const noexcept {
      TaskPromiseBase& promise = self.promise();
      if (promise.continuation) return promise.continuation;
      // Moved out first: the callback may destroy this very frame.
      auto done = std::move(promise.on_done);
      if (done) done();
      return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };
  FinalAwaiter final_suspend() const noexcept { return {}; }

  Context* context = nullptr;  // set when it starts
  std::coroutine_handle<> continuation;
  absl::AnyInvocable<void()> on_done;  // for tasks that nobody awaits: those of a Scope or a gather
};

template <class T>
class TaskPromise : public TaskPromiseBase {
 public:
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T Take() { return *std::move(value_); }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
 public:
  Task<void> get_return_object();
  void return_void() const {}
  void Take() const {}
};

}  // namespace internal

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = internal::TaskPromise<T>;
  using Value = T;

  Task() = default;
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      Drop();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() { Drop(); }

  explicit operator bool() const { return static_cast<bool>(handle_); }
  bool done() const { return handle_ && handle_.done(); }

  // Starts it now, under `context`, with nobody awaiting it; `on_done` runs when it has finished, from inside the
  // task's last turn. For the makers of structure (Scope, gather, the loops' Run): everybody else awaits.
  void Start(Context& context, absl::AnyInvocable<void()> on_done) {
    Prepare(context);
    handle_.promise().on_done = std::move(on_done);
    handle_.resume();
  }
  // The result of a finished task that was started by Start().
  T Take() {
    CHECK(done(), "only a finished task has a result");
    return handle_.promise().Take();
  }

  // Runs it under `context` instead of the awaiting task's own: the tool of WithDeadline and Shield.
  auto Under(Context& context) && { return Awaiter{handle_, &context}; }
  auto operator co_await() && { return Awaiter{handle_, nullptr}; }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}

  struct Awaiter {
    std::coroutine_handle<promise_type> child;
    Context* context;

    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) const {
      CHECK(child && child.promise().context == nullptr, "a task is awaited once");
      child.promise().context = context != nullptr ? context : parent.promise().context;
      child.promise().continuation = parent;
      return child;
    }
    T await_resume() const { return child.promise().Take(); }
  };

  void Prepare(Context& context) {
    CHECK(handle_ && handle_.promise().context == nullptr, "a task is started once");
    handle_.promise().context = &context;
  }
  void Drop() {
    if (!handle_) return;
    CHECK(handle_.promise().context == nullptr || handle_.done(), "a started, unfinished task was dropped");
    std::exchange(handle_, {}).destroy();
  }

  std::coroutine_handle<promise_type> handle_;
};

namespace internal {

template <class T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

struct CurrentContextAwaiter {
  Context* context = nullptr;
  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> self) noexcept {
    context = self.promise().context;
    return false;
  }
  Context& await_resume() const noexcept { return *context; }
};

}  // namespace internal

// `Context& context = co_await CurrentContext();` never suspends.
inline internal::CurrentContextAwaiter CurrentContext() { return {}; }

}  // namespace ottoscale::async
