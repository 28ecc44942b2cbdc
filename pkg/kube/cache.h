// The objects of one resource as the last list and watch told us, and whom to tell when one changes.
//
// Handlers get the key only: level-triggered. Whoever acts on it looks at the newest state, which may be newer than the
// change, or gone. They run inside the call that changes the cache, so they do little: put the key into a queue.
// managedFields and the last-applied annotation are taken off before anything is kept: nobody reads them, and they are
// a third of an object.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "pkg/async/promise.h"
#include "pkg/async/task.h"
#include "pkg/kube/object.h"
#include "pkg/kubeapi/object.h"

namespace ottoscale::kube {

struct CacheCounters {
  uint64_t replaces = 0;
  uint64_t changes = 0;    // handlers were told
  uint64_t unchanged = 0;  // the same resourceVersion, or an older one, came again
  uint64_t malformed = 0;  // no metadata to speak of: left out
};

class Cache {
 public:
  using Handler = std::function<void(const kubeapi::ObjectKey&)>;

  Cache() = default;
  // Of these namespaces, each listed and watched by itself; {""}: all.
  explicit Cache(std::vector<std::string> namespaces) : missing_(namespaces.begin(), namespaces.end()) {}
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // Null when there is none.
  ObjectPtr Get(const kubeapi::ObjectKey& key) const;
  // In the order of keys; of all namespaces when `ns` is empty.
  std::vector<ObjectPtr> List(absl::string_view ns = "") const;
  size_t size() const { return objects_.size(); }

  // `handler` is told of every change from now on, and at once of everything that is there.
  void OnChange(Handler handler);

  // True once a whole list of each namespace has been taken in and the handlers have been told of it. Never goes back.
  bool has_synced() const { return missing_.empty(); }
  // OK once has_synced(), or why the wait was cut short.
  async::Task<absl::Status> WaitForSync();

  // What the reflector says. A whole list: what is not in it is gone. It is believed even when versions go backwards,
  // as they do when a server is set up anew. `ns`: what was listed, "" for all.
  void Replace(std::vector<nlohmann::json> items, const std::string& ns = "");
  void Put(nlohmann::json object);
  void Remove(const nlohmann::json& object);

  const CacheCounters& counters() const { return counters_; }

 private:
  void Tell(const kubeapi::ObjectKey& key);

  std::map<kubeapi::ObjectKey, ObjectPtr> objects_;
  std::vector<Handler> handlers_;
  std::vector<async::Promise<void>> waiting_;
  std::set<std::string> missing_ = {""};  // namespaces whose first list has not come yet
  CacheCounters counters_;
};

}  // namespace ottoscale::kube
