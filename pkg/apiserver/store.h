// SEAM. Where the embedded API server keeps its objects: by resource and key, under one revision that grows with every
// write, with a bounded history of changes for watches.
//
// Synchronous: between a Get and the Put that follows it in the same turn nothing else happens. `expected` is the
// revision at which the caller saw the object; another one gives Aborted and changes nothing. Objects are immutable
// once stored. Any call may fail with another code when the storage below fails.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pkg/async/signal.h"
#include "pkg/kubeapi/object.h"
#include "pkg/kubeapi/resource.h"

namespace ottoscale::apiserver {

using ObjectPtr = std::shared_ptr<const nlohmann::json>;  // shared: history, watches and answers keep old states alive

struct Stored {
  kubeapi::ObjectKey key;
  int64_t revision = 0;  // of its last write; the same as the object's metadata.resourceVersion
  ObjectPtr object;
};

struct Change {
  int64_t revision = 0;
  kubeapi::ObjectKey key;
  ObjectPtr object;    // after the change; after a deletion the last state, with the deletion's resourceVersion
  ObjectPtr previous;  // null: it was created
  bool deleted = false;
};

class Store {
 public:
  virtual ~Store() = default;

  // Of the last write to any resource; at least 1.
  virtual int64_t Revision() const = 0;
  virtual absl::StatusOr<std::optional<Stored>> Get(const kubeapi::Resource& resource,
                                                    const kubeapi::ObjectKey& key) = 0;
  // In the order of the keys; of every namespace when `ns` is empty. As it was at revision `at` when that is given:
  // OutOfRange when the history no longer reaches back so far.
  virtual absl::StatusOr<std::vector<Stored>> List(const kubeapi::Resource& resource, absl::string_view ns,
                                                   std::optional<int64_t> at) = 0;
  // Writes metadata.resourceVersion itself. `expected` 0: the object must not exist yet.
  virtual absl::StatusOr<Stored> Put(const kubeapi::Resource& resource, const kubeapi::ObjectKey& key,
                                     nlohmann::json object, int64_t expected) = 0;
  // Gives the last state, as it stands in the Change.
  virtual absl::StatusOr<Stored> Delete(const kubeapi::Resource& resource, const kubeapi::ObjectKey& key,
                                        int64_t expected) = 0;
  // The changes after `revision`, oldest first, at most `limit`. OutOfRange when some of them are forgotten.
  virtual absl::StatusOr<std::vector<Change>> ChangesAfter(const kubeapi::Resource& resource, int64_t revision,
                                                           size_t limit) = 0;
  // Notifies `signal` after each change of the resource until Forget. The signal outlives that.
  virtual void Listen(const kubeapi::Resource& resource, async::Signal& signal) = 0;
  virtual void Forget(const kubeapi::Resource& resource, async::Signal& signal) = 0;
};

}  // namespace ottoscale::apiserver
