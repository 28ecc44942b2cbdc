// Who owns which field (metadata.managedFields), and server-side apply on top of it. Pure.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "pkg/apiserver/field_set.h"
#include "pkg/apiserver/served.h"
#include "pkg/kubeapi/api_error.h"

namespace ottoscale::apiserver {

struct Manager {
  std::string name;
  std::string operation;    // "Apply" or "Update"
  std::string subresource;  // "status" or ""
  std::string api_version;
  std::string time;
  FieldSet fields;

  bool SameAs(const Manager& other) const {
    return name == other.name && operation == other.operation && subresource == other.subresource;
  }
  bool operator==(const Manager&) const = default;
};
using Managers = std::vector<Manager>;

// Of an object; entries that cannot be read are left out.
Managers ReadManagers(const nlohmann::json& object);
// Replaces metadata.managedFields; no managers, no member. Apply before Update, then by name.
void WriteManagers(nlohmann::json& object, Managers managers);

// `writer` (whose fields are not looked at) turned `live` into `next` by a plain write: what it changed is its own now
// and nobody else's.
Managers AfterUpdate(Managers managers, Manager writer, const nlohmann::json& live, const nlohmann::json& next,
                     const ListMaps& maps);

struct ApplyResult {
  nlohmann::json object;
  Managers managers;
  std::vector<kubeapi::Cause> conflicts;  // not empty: nothing was applied
};

// `applied` says all that `writer` wants: it is laid over `live`, and what the writer wanted before and wants no more
// is removed unless somebody else owns it too. Changing what others own is a conflict; with `force` it becomes the
// writer's.
ApplyResult Apply(const nlohmann::json& live, Managers managers, Manager writer, const nlohmann::json& applied,
                  bool force, const ListMaps& maps);

}  // namespace ottoscale::apiserver
