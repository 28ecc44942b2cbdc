// An object as we hold it: what the API served, as text, since a parsed tree is ten times as large and only a changed
// object is read again; and its metadata, read once.
#pragma once

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "pkg/kubeapi/object.h"

namespace ottoscale::kube {

struct Object {
  std::string text;  // JSON
  kubeapi::ObjectMeta meta;
  // Of `spec`. A store that is put back to an older state counts generations anew: two specs of one object and one
  // generation differ at least here.
  size_t spec_hash = 0;

  nlohmann::json Json() const { return nlohmann::json::parse(text); }
};

inline bool SameSpec(const Object& a, const Object& b) {
  return a.meta.uid == b.meta.uid && a.meta.generation == b.meta.generation && a.spec_hash == b.spec_hash;
}

// Immutable and shared: a pass keeps the state that it began with while the cache moves on. Null: there is none.
using ObjectPtr = std::shared_ptr<const Object>;

}  // namespace ottoscale::kube
