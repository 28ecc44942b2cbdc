// An object as we hold it: the JSON that the API served, and its metadata read once.
#pragma once

#include <memory>

#include <nlohmann/json.hpp>

#include "pkg/kubeapi/object.h"

namespace ottoscale::kube {

struct Object {
  nlohmann::json json;
  kubeapi::ObjectMeta meta;
};

// Immutable and shared: a pass keeps the state that it began with while the cache moves on. Null: there is none.
using ObjectPtr = std::shared_ptr<const Object>;

}  // namespace ottoscale::kube
