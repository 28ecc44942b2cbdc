// A counting semaphore among tasks: at most `permits` hold one at a time; first come, first served.
#pragma once

#include <list>

#include "absl/status/statusor.h"
#include "pkg/async/context.h"

namespace ottoscale::async {

class Semaphore;

// Given back when it dies. The semaphore outlives it.
class [[nodiscard]] Permit {
 public:
  explicit Permit(Semaphore& owner) : owner_(&owner) {}
  Permit(Permit&& other) noexcept : owner_(other.owner_) { other.owner_ = nullptr; }
  Permit& operator=(Permit&& other) noexcept;
  ~Permit() { Release(); }
  void Release();

 private:
  Semaphore* owner_;
};

class Semaphore {
 public:
  explicit Semaphore(size_t permits) : free_(permits) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore();

  class [[nodiscard]] Acquirer {
   public:
    explicit Acquirer(Semaphore& owner) : owner_(owner), waiter_(&Withdraw, this) {}
    bool await_ready() const { return false; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> self) {
      return Suspend(self, *self.promise().context);
    }
    absl::StatusOr<Permit> await_resume();

   private:
    friend class Semaphore;
    bool Suspend(std::coroutine_handle<> self, Context& context);
    static void Withdraw(void* self, Waiter&);
    Semaphore& owner_;
    Waiter waiter_;
    std::list<Acquirer*>::iterator place_;
  };
  // `CO_ASSIGN_OR_RETURN(Permit permit, co_await semaphore.Acquire());`
  Acquirer Acquire() { return Acquirer(*this); }

  size_t available() const { return free_; }
  size_t waiting() const { return queue_.size(); }

 private:
  friend class Permit;
  void Return();

  size_t free_;
  std::list<Acquirer*> queue_;
};

}  // namespace ottoscale::async
