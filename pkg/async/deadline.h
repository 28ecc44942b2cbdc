// Time limits on tasks. The task itself says DeadlineExceeded, by the status of whatever it awaited.
#pragma once

#include <utility>

#include "pkg/async/task.h"

namespace ottoscale::async {

// Runs `task`, cancelled at `deadline` (or sooner: with whoever awaits it).
template <class T>
Task<T> WithDeadline(BootTime deadline, Task<T> task) {
  Context& outer = co_await CurrentContext();
  Context inner(outer, deadline);
  co_return co_await std::move(task).Under(inner);
}

template <class T>
Task<T> WithTimeout(absl::Duration timeout, Task<T> task) {
  Context& outer = co_await CurrentContext();
  Context inner(outer, outer.loop().Now().boot + timeout);
  co_return co_await std::move(task).Under(inner);
}

// Runs `task` to its end even when whoever awaits it is cancelled, at most until `deadline`: for capacity writes, the
// status that reports them, the release of the lease. The awaiting task stays suspended meanwhile.
template <class T>
Task<T> Shield(BootTime deadline, Task<T> task) {
  Context& outer = co_await CurrentContext();
  Context inner(outer.loop(), deadline);
  co_return co_await std::move(task).Under(inner);
}

}  // namespace ottoscale::async
