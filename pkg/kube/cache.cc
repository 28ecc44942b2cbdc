#include "pkg/kube/cache.h"

#include <algorithm>
#include <compare>
#include <utility>

#include "pkg/base/text.h"
#include "pkg/kubeapi/resource_version.h"

namespace ottoscale::kube {

using kubeapi::ObjectKey;
using nlohmann::json;

namespace {

constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

void Strip(json& object) {
  const auto meta = object.find("metadata");
  if (meta == object.end() || !meta->is_object()) return;
  meta->erase("managedFields");
  const auto annotations = meta->find("annotations");
  if (annotations != meta->end() && annotations->is_object()) annotations->erase(kLastApplied);
}

// Null when it cannot be one.
ObjectPtr Decode(json object) {
  if (!object.is_object()) return nullptr;
  Strip(object);
  absl::StatusOr<kubeapi::ObjectMeta> meta = kubeapi::ReadMeta(object);
  if (!meta.ok()) return nullptr;
  const auto spec = object.find("spec");
  const size_t hash = spec == object.end() ? 0 : std::hash<json>()(*spec);
  return std::make_shared<const Object>(Object{object.dump(), *std::move(meta), hash});
}

bool SameVersion(const Object& a, const Object& b) {
  return a.meta.uid == b.meta.uid && a.meta.resource_version == b.meta.resource_version;
}

// An event that was overtaken: of the same object, an earlier state.
bool Older(const Object& event, const Object& known) {
  if (event.meta.uid != known.meta.uid) return false;
  const auto order = kubeapi::CompareResourceVersions(event.meta.resource_version, known.meta.resource_version);
  return order.has_value() && *order == std::strong_ordering::less;
}

}  // namespace

ObjectPtr Cache::Get(const ObjectKey& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

std::vector<ObjectPtr> Cache::List(absl::string_view ns) const {
  std::vector<ObjectPtr> list;
  auto from = ns.empty() ? objects_.begin() : objects_.lower_bound({std::string(ns), ""});
  for (; from != objects_.end() && (ns.empty() || from->first.ns == Ssv(ns)); ++from) list.push_back(from->second);
  return list;
}

void Cache::OnChange(Handler handler) {
  handlers_.push_back(std::move(handler));
  for (const auto& [key, object] : objects_) handlers_.back()(key);
}

async::Task<absl::Status> Cache::WaitForSync() {
  if (has_synced()) co_return absl::OkStatus();
  async::Promise<void> promise((co_await async::CurrentContext()).loop());
  waiting_.push_back(promise);
  co_return co_await promise.GetFuture();
}

void Cache::Replace(std::vector<json> items, const std::string& ns) {
  ++counters_.replaces;
  std::map<ObjectKey, ObjectPtr> before;
  if (ns.empty()) {
    before.swap(objects_);
  } else {
    auto from = objects_.lower_bound({ns, ""});
    while (from != objects_.end() && from->first.ns == ns) before.insert(objects_.extract(from++));
  }
  std::vector<ObjectKey> changed;
  for (json& item : items) {
    ObjectPtr object = Decode(std::move(item));
    if (object == nullptr) {
      ++counters_.malformed;
      continue;
    }
    const ObjectKey key = object->meta.Key();
    const auto known = before.find(key);
    const bool same = known != before.end() && SameVersion(*known->second, *object);
    if (same) {
      ++counters_.unchanged;
      object = known->second;  // those who hold it and we hold the same
    } else {
      changed.push_back(key);
    }
    objects_.insert_or_assign(key, std::move(object));
    if (known != before.end()) before.erase(known);
  }
  for (const auto& [key, gone] : before) changed.push_back(key);
  std::sort(changed.begin(), changed.end());
  for (const ObjectKey& key : changed) Tell(key);
  missing_.erase(ns);
  if (!has_synced()) return;
  for (const async::Promise<void>& promise : std::exchange(waiting_, {})) promise.Set(absl::OkStatus());
}

void Cache::Put(json object) {
  ObjectPtr newer = Decode(std::move(object));
  if (newer == nullptr) {
    ++counters_.malformed;
    return;
  }
  const ObjectKey key = newer->meta.Key();
  ObjectPtr& place = objects_[key];
  if (place != nullptr && (SameVersion(*place, *newer) || Older(*newer, *place))) {
    ++counters_.unchanged;
    return;
  }
  place = std::move(newer);
  Tell(key);
}

void Cache::Remove(const json& object) {
  const absl::StatusOr<kubeapi::ObjectMeta> meta = kubeapi::ReadMeta(object);
  if (!meta.ok()) {
    ++counters_.malformed;
    return;
  }
  const auto found = objects_.find(meta->Key());
  // The end of an earlier object of this name is no news of the one that is there.
  if (found == objects_.end() || found->second->meta.uid != meta->uid) {
    ++counters_.unchanged;
    return;
  }
  objects_.erase(found);
  Tell(meta->Key());
}

void Cache::Tell(const ObjectKey& key) {
  ++counters_.changes;
  for (const Handler& handler : handlers_) handler(key);
}

}  // namespace ottoscale::kube
