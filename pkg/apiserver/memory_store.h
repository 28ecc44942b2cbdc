// The store that forgets everything when the process ends: for the demo, tests, the simulation and small installations.
#pragma once

#include <deque>
#include <map>

#include "pkg/apiserver/store.h"

namespace ottoscale::apiserver {

class MemoryStore final : public Store {
 public:
  // Remembers the last `history` changes of each resource.
  explicit MemoryStore(size_t history = 10'000) : history_(history) {}

  int64_t Revision() const override { return revision_; }
  absl::StatusOr<std::optional<Stored>> Get(const kubeapi::Resource& resource, const kubeapi::ObjectKey& key) override;
  absl::StatusOr<std::vector<Stored>> List(const kubeapi::Resource& resource, absl::string_view ns,
                                           std::optional<int64_t> at) override;
  absl::StatusOr<Stored> Put(const kubeapi::Resource& resource, const kubeapi::ObjectKey& key, nlohmann::json object,
                             int64_t expected) override;
  absl::StatusOr<Stored> Delete(const kubeapi::Resource& resource, const kubeapi::ObjectKey& key,
                                int64_t expected) override;
  absl::StatusOr<std::vector<Change>> ChangesAfter(const kubeapi::Resource& resource, int64_t revision,
                                                   size_t limit) override;
  void Listen(const kubeapi::Resource& resource, async::Signal& signal) override;
  void Forget(const kubeapi::Resource& resource, async::Signal& signal) override;

  // Forgets the changes up to and including `revision`, of every resource, as a compaction would.
  void Compact(int64_t revision);
  size_t listeners() const;

 private:
  using Objects = std::map<kubeapi::ObjectKey, Stored>;
  struct Collection {
    Objects objects;
    std::deque<Change> history;  // oldest first
    int64_t forgotten = 0;       // the revision of the last change that is no longer in `history`
    std::vector<async::Signal*> listeners;
  };

  void Record(Collection& collection, Change change);
  static absl::Status Reaches(const Collection& collection, int64_t revision);
  static Objects ObjectsAt(const Collection& collection, int64_t revision);

  const size_t history_;
  int64_t revision_ = 1;
  std::map<kubeapi::Resource, Collection> collections_;
};

}  // namespace ottoscale::apiserver
