// Runs passes: takes keys from a work queue, calls one function for each, and asks again when that function says so. At
// most `workers` passes at once, never two of the same key.
//
//   Controller controller(loop, {.workers = 64}, [&](ObjectKey key) { return reconciler.Reconcile(std::move(key)); });
//   controller.Follow(cache);
//   ... co_await cache.WaitForSync() ...
//   controller.Start();
//   ... co_await controller.Stop(deadline) ...
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "pkg/async/instant.h"
#include "pkg/async/loop.h"
#include "pkg/async/scope.h"
#include "pkg/async/task.h"
#include "pkg/kube/cache.h"
#include "pkg/kube/duration_histogram.h"
#include "pkg/kube/work_queue.h"
#include "pkg/kubeapi/object.h"

namespace ottoscale::kube {

// When a pass that succeeded wants to come again, apart from changes of its object.
struct Requeue {
  std::optional<async::BootTime> at;
  std::optional<absl::Duration> after;  // the end of the pass

  static Requeue Never() { return {}; }
  static Requeue At(async::BootTime when) { return {.at = when}; }
  static Requeue After(absl::Duration delay) { return {.after = delay}; }
  bool operator==(const Requeue&) const = default;
};

// Marks an error that only a change of the object can mend: it is counted and told, but the pass is not tried again.
absl::Status Terminal(absl::Status status);
bool IsTerminal(const absl::Status& status);

// The longest pause between two tries after this error. What a user can mend (a right, a missing object, a bad value)
// is looked at again within a minute, so that mending it shows; a server in trouble is left alone for up to five.
absl::Duration RetryCap(const absl::Status& status);

struct ControllerOptions {
  size_t workers = 1;
  absl::Duration (*retry_cap)(const absl::Status&) = &RetryCap;
  // Told of each failed pass: here errors end. `retry_in` is infinite when it is not tried again.
  std::function<void(const kubeapi::ObjectKey& key, const absl::Status& error, absl::Duration retry_in)> on_error;
};

struct ControllerCounters {
  // reconcile_total by result.
  uint64_t success = 0;
  uint64_t requeue_after = 0;
  uint64_t error = 0;
  uint64_t cancelled = 0;        // cut short by Stop
  uint64_t terminal_errors = 0;  // among `error`
  size_t active_workers = 0;
  DurationHistogram durations = ReconcileHistogram();
};

class Controller {
 public:
  using Reconcile = std::function<async::Task<absl::StatusOr<Requeue>>(kubeapi::ObjectKey)>;

  // `loop`, and whatever `reconcile` borrows, outlive the controller.
  Controller(async::Loop& loop, ControllerOptions options, Reconcile reconcile);
  // Only before Start() or after Stop() has returned.
  ~Controller() = default;

  // A pass for every object of the cache now and for each change from now on. The controller outlives the cache's
  // changes.
  void Follow(Cache& cache);
  // For changes elsewhere that concern `key`.
  void Enqueue(const kubeapi::ObjectKey& key) { queue_.Add(key); }

  // Keys may wait before; passes begin now. Once.
  void Start();
  // No pass begins from now on; those under way finish. What still runs at `deadline` is cancelled, and waited for.
  // Once, also before Start().
  async::Task<void> Stop(async::BootTime deadline);

  WorkQueue<kubeapi::ObjectKey>& queue() { return queue_; }
  const ControllerCounters& counters() const { return counters_; }
  size_t workers() const { return options_.workers; }

 private:
  async::Task<void> Work();
  void Settle(const kubeapi::ObjectKey& key, const absl::StatusOr<Requeue>& result, bool cancelled);
  void Fail(const kubeapi::ObjectKey& key, const absl::Status& error);

  async::Loop& loop_;
  const ControllerOptions options_;
  const Reconcile reconcile_;
  WorkQueue<kubeapi::ObjectKey> queue_;
  async::Scope scope_;  // after what its workers use
  ControllerCounters counters_;
};

}  // namespace ottoscale::kube
