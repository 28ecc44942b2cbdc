// A store that tells of each write, whoever made it.
#pragma once

#include <functional>
#include <utility>

#include "pkg/apiserver/store.h"

namespace ottoscale::world {

class WitnessedStore final : public apiserver::Store {
 public:
  // `object` is null when it was deleted.
  using Witness =
      std::function<void(const kubeapi::Resource&, const kubeapi::ObjectKey&, const nlohmann::json* object)>;
  WitnessedStore(apiserver::Store& inner, Witness witness) : inner_(inner), witness_(std::move(witness)) {}

  int64_t Revision() const override { return inner_.Revision(); }
  absl::StatusOr<std::optional<apiserver::Stored>> Get(const kubeapi::Resource& resource,
                                                       const kubeapi::ObjectKey& key) override {
    return inner_.Get(resource, key);
  }
  absl::StatusOr<std::vector<apiserver::Stored>> List(const kubeapi::Resource& resource, absl::string_view ns,
                                                      std::optional<int64_t> at) override {
    return inner_.List(resource, ns, at);
  }
  absl::StatusOr<apiserver::Stored> Put(const kubeapi::Resource& resource, const kubeapi::ObjectKey& key,
                                        nlohmann::json object, int64_t expected) override {
    auto stored = inner_.Put(resource, key, std::move(object), expected);
    if (stored.ok()) witness_(resource, key, stored->object.get());
    return stored;
  }
  absl::StatusOr<apiserver::Stored> Delete(const kubeapi::Resource& resource, const kubeapi::ObjectKey& key,
                                           int64_t expected) override {
    auto deleted = inner_.Delete(resource, key, expected);
    if (deleted.ok()) witness_(resource, key, nullptr);
    return deleted;
  }
  absl::StatusOr<std::vector<apiserver::Change>> ChangesAfter(const kubeapi::Resource& resource, int64_t revision,
                                                              size_t limit) override {
    return inner_.ChangesAfter(resource, revision, limit);
  }
  void Listen(const kubeapi::Resource& resource, async::Signal& signal) override { inner_.Listen(resource, signal); }
  void Forget(const kubeapi::Resource& resource, async::Signal& signal) override { inner_.Forget(resource, signal); }

 private:
  apiserver::Store& inner_;
  Witness witness_;
};

}  // namespace ottoscale::world
