// Promise<T> and Future<T>: the bridge from callbacks and foreign threads to tasks.
//
//   Promise<int> promise(loop);
//   Future<int> future = promise.GetFuture();
//   library.Start([promise](int n) { promise.Set(n); });       // any thread
//   absl::StatusOr<int> n = co_await std::move(future);        // resumes on the loop
//
// Both ends share the state: after the awaiting task was cancelled, a late Set lands there and is dropped. The first
// Set wins. When the last copy of the promise dies without one, the future fails with Aborted. A value that is there
// wins over a cancellation. T = void makes the result an absl::Status.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "pkg/async/context.h"
#include "pkg/base/check.h"

namespace ottoscale::async {

namespace internal {

template <class T>
using ResultOf = std::conditional_t<std::is_void_v<T>, absl::Status, absl::StatusOr<T>>;

template <class T>
struct PromiseState {
  std::shared_ptr<Mailbox> mailbox;
  std::mutex mutex;                   // guards result until `ready` is seen on the loop
  std::optional<ResultOf<T>> result;  // set once, by any thread
  bool ready = false;                 // loop only: the result has been delivered to the loop
  bool has_future = false;            // loop only
  Waiter* waiter = nullptr;           // loop only

  static void Set(const std::shared_ptr<PromiseState>& state, ResultOf<T> result) {
    {
      const std::lock_guard lock(state->mutex);
      if (state->result) return;
      state->result.emplace(std::move(result));
    }
    state->mailbox->Post([state] {
      state->ready = true;
      if (state->waiter != nullptr) std::exchange(state->waiter, nullptr)->WakeNow();
    });
  }
};

// Shared by the copies of a promise: the last one to go breaks it.
template <class T>
struct PromiseOwner {
  std::shared_ptr<PromiseState<T>> state;
  explicit PromiseOwner(std::shared_ptr<PromiseState<T>> s) : state(std::move(s)) {}
  PromiseOwner(const PromiseOwner&) = delete;
  PromiseOwner& operator=(const PromiseOwner&) = delete;
  ~PromiseOwner() { PromiseState<T>::Set(state, absl::AbortedError("promise was dropped without a result")); }
};

}  // namespace internal

template <class T>
class [[nodiscard]] Future {
 public:
  using Result = internal::ResultOf<T>;

  Future(Future&&) noexcept = default;
  Future& operator=(Future&&) noexcept = default;

  // True when awaiting it would not suspend.
  bool ready() const { return state_->ready; }

  class Awaiter {
   public:
    explicit Awaiter(std::shared_ptr<internal::PromiseState<T>> state)
        : state_(std::move(state)), waiter_(&Withdraw, this) {}
    bool await_ready() const { return state_->ready; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> self) {
      if (!waiter_.Park(self, *self.promise().context)) return false;
      state_->waiter = &waiter_;
      return true;
    }
    Result await_resume() {
      if (!waiter_.status().ok()) return waiter_.status();
      return std::move(*state_->result);
    }

   private:
    static void Withdraw(void* self, Waiter&) { static_cast<Awaiter*>(self)->state_->waiter = nullptr; }
    std::shared_ptr<internal::PromiseState<T>> state_;
    Waiter waiter_;
  };
  Awaiter operator co_await() && { return Awaiter(std::move(state_)); }

 private:
  template <class U>
  friend class Promise;
  explicit Future(std::shared_ptr<internal::PromiseState<T>> state) : state_(std::move(state)) {}
  std::shared_ptr<internal::PromiseState<T>> state_;
};

template <class T>
class Promise {
 public:
  using Result = internal::ResultOf<T>;

  explicit Promise(Loop& loop) {
    auto state = std::make_shared<internal::PromiseState<T>>();
    state->mailbox = loop.mailbox();
    owner_ = std::make_shared<internal::PromiseOwner<T>>(std::move(state));
  }

  // Called once.
  Future<T> GetFuture() const {
    CHECK(!std::exchange(owner_->state->has_future, true), "a promise has one future");
    return Future<T>(owner_->state);
  }
  // Any thread; the first call wins, later ones are dropped.
  void Set(Result result) const { internal::PromiseState<T>::Set(owner_->state, std::move(result)); }

 private:
  std::shared_ptr<internal::PromiseOwner<T>> owner_;
};

}  // namespace ottoscale::async
