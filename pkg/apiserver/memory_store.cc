#include "pkg/apiserver/memory_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "pkg/base/check.h"
#include "pkg/base/status.h"

namespace ottoscale::apiserver {

using kubeapi::ObjectKey;
using kubeapi::Resource;
using nlohmann::json;

namespace {

ObjectPtr Stamped(json object, int64_t revision) {
  object["metadata"]["resourceVersion"] = std::to_string(revision);
  return std::make_shared<const json>(std::move(object));
}

absl::Status Changed(const ObjectKey& key, int64_t expected, int64_t found) {
  return absl::AbortedError(absl::StrCat(key.ToString(), " is at revision ", found, ", not ", expected));
}

}  // namespace

absl::StatusOr<std::optional<Stored>> MemoryStore::Get(const Resource& resource, const ObjectKey& key) {
  const Objects& objects = collections_[resource].objects;
  const auto found = objects.find(key);
  if (found == objects.end()) return std::nullopt;
  return found->second;
}

absl::StatusOr<std::vector<Stored>> MemoryStore::List(const Resource& resource, absl::string_view ns,
                                                      std::optional<int64_t> at) {
  const Collection& collection = collections_[resource];
  Objects past;
  if (at) {
    RETURN_IF_ERROR(Reaches(collection, *at));
    past = ObjectsAt(collection, *at);
  }
  const Objects& objects = at ? past : collection.objects;
  std::vector<Stored> out;
  for (auto i = objects.lower_bound({std::string(ns), ""}); i != objects.end(); ++i) {
    if (!ns.empty() && i->first.ns != ns) break;
    out.push_back(i->second);
  }
  return out;
}

absl::StatusOr<Stored> MemoryStore::Put(const Resource& resource, const ObjectKey& key, json object, int64_t expected) {
  Collection& collection = collections_[resource];
  const auto found = collection.objects.find(key);
  const int64_t present = found == collection.objects.end() ? 0 : found->second.revision;
  if (present != expected) return Changed(key, expected, present);
  const int64_t revision = ++revision_;
  Stored stored{.key = key, .revision = revision, .object = Stamped(std::move(object), revision)};
  Change change{.revision = revision, .key = key, .object = stored.object};
  if (present != 0) change.previous = found->second.object;
  collection.objects.insert_or_assign(key, stored);
  Record(collection, std::move(change));
  return stored;
}

absl::StatusOr<Stored> MemoryStore::Delete(const Resource& resource, const ObjectKey& key, int64_t expected) {
  Collection& collection = collections_[resource];
  const auto found = collection.objects.find(key);
  const int64_t present = found == collection.objects.end() ? 0 : found->second.revision;
  if (present == 0 || present != expected) return Changed(key, expected, present);
  const int64_t revision = ++revision_;
  const ObjectPtr previous = found->second.object;
  Stored last{.key = key, .revision = revision, .object = Stamped(*previous, revision)};
  collection.objects.erase(found);
  Record(collection, {.revision = revision, .key = key, .object = last.object, .previous = previous, .deleted = true});
  return last;
}

absl::StatusOr<std::vector<Change>> MemoryStore::ChangesAfter(const Resource& resource, int64_t revision,
                                                              size_t limit) {
  const Collection& collection = collections_[resource];
  RETURN_IF_ERROR(Reaches(collection, revision));
  const auto first = std::upper_bound(collection.history.begin(), collection.history.end(), revision,
                                      [](int64_t r, const Change& change) { return r < change.revision; });
  const size_t count = std::min(limit, static_cast<size_t>(collection.history.end() - first));
  return std::vector<Change>(first, first + static_cast<std::ptrdiff_t>(count));
}

void MemoryStore::Listen(const Resource& resource, async::Signal& signal) {
  collections_[resource].listeners.push_back(&signal);
}

void MemoryStore::Forget(const Resource& resource, async::Signal& signal) {
  CHECK(std::erase(collections_[resource].listeners, &signal) == 1, "only a listener can be forgotten");
}

void MemoryStore::Compact(int64_t revision) {
  for (auto& [resource, collection] : collections_) {
    while (!collection.history.empty() && collection.history.front().revision <= revision) {
      collection.forgotten = collection.history.front().revision;
      collection.history.pop_front();
    }
  }
}

size_t MemoryStore::listeners() const {
  size_t count = 0;
  for (const auto& [resource, collection] : collections_) count += collection.listeners.size();
  return count;
}

void MemoryStore::Record(Collection& collection, Change change) {
  collection.history.push_back(std::move(change));
  while (collection.history.size() > history_) {
    collection.forgotten = collection.history.front().revision;
    collection.history.pop_front();
  }
  for (async::Signal* listener : collection.listeners) listener->Notify();
}

absl::Status MemoryStore::Reaches(const Collection& collection, int64_t revision) {
  if (revision >= collection.forgotten) return absl::OkStatus();
  return absl::OutOfRangeError(
      absl::StrCat("too old resource version: ", revision, " (oldest: ", collection.forgotten, ")"));
}

MemoryStore::Objects MemoryStore::ObjectsAt(const Collection& collection, int64_t revision) {
  Objects objects = collection.objects;
  for (auto change = collection.history.rbegin(); change != collection.history.rend(); ++change) {
    if (change->revision <= revision) break;
    if (change->previous == nullptr) {
      objects.erase(change->key);
      continue;
    }
    // The revision of a previous state stands in the object itself.
    const std::string text = kubeapi::TextAt(*change->previous, {"metadata", "resourceVersion"});
    int64_t then = 0;
    CHECK(absl::SimpleAtoi(text, &then), "a stored object has a decimal resourceVersion");
    objects.insert_or_assign(change->key, Stored{.key = change->key, .revision = then, .object = change->previous});
  }
  return objects;
}

}  // namespace ottoscale::apiserver
