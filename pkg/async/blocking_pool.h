// Threads for calls that block and cannot be made otherwise: name resolution, later mail. It grows while every thread
// is busy, up to a limit, so that calls that hang do not hold up the others; it is abandoned, not joined, when it dies,
// so that they do not hold up the exit either. What a call needs it must therefore own.
#pragma once

#include <memory>
#include <utility>

#include "pkg/async/promise.h"

namespace ottoscale::async {

class BlockingPool {
 public:
  explicit BlockingPool(size_t max_threads);
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // Runs `call` on some thread of the pool, in order of arrival once all threads are busy. When the system gives us no
  // thread at all, the calls are dropped: a Future of Run() then fails with Aborted.
  void Submit(Callback call);
  // The same, with the result delivered on the loop. `call` returns StatusOr<T> (Status for void).
  template <class T>
  Future<T> Run(Loop& loop, absl::AnyInvocable<internal::ResultOf<T>()> call) {
    Promise<T> promise(loop);
    Future<T> future = promise.GetFuture();
    Submit([promise, work = std::move(call)]() mutable { promise.Set(work()); });
    return future;
  }

  size_t threads() const;

 private:
  struct Shared;
  bool AddThread();
  std::shared_ptr<Shared> shared_;
};

}  // namespace ottoscale::async
