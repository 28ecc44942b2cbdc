// Which kinds the embedded API server serves, and what is particular to each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "pkg/apiserver/schema.h"
#include "pkg/kubeapi/resource.h"

namespace ottoscale::apiserver {

// A list whose elements are objects told apart by one member; every other list is one value to server-side apply.
struct ListMap {
  std::vector<std::string> path;  // from the object's root: {"status", "conditions"}
  std::string key;                // "type"
};

// A column of `kubectl get`.
struct Column {
  std::string name;
  std::string type;      // string, integer, date
  std::string path;      // .status.target; .status.conditions[?(@.type=="Ready")].status
  int64_t priority = 0;  // above 0: only in `-o wide`
};

struct Served {
  kubeapi::Resource resource;
  std::string singular;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  // A custom kind: has /status, a generation that counts changes of what is wanted, and injected validation.
  bool custom = false;
  bool has_status = true;  // a custom kind that serves /status
  // A PUT without resourceVersion replaces whatever is there.
  bool unconditional_update = false;
  std::vector<ListMap> list_maps;
  // Of a kind that is read from its CustomResourceDefinition (crd.h); else empty: every field is taken as it is.
  std::shared_ptr<const Schema> schema = nullptr;
  std::shared_ptr<const nlohmann::json> openapi = nullptr;  // the same, for clients
  std::vector<Column> columns = {};                         // behind NAME; none: AGE alone
  std::vector<std::string> selectable = {};                 // by fieldSelector, besides metadata: "spec.target.type"
};

// The three kinds of ottoscale.dev, Secrets, Events and Leases.
std::vector<Served> DefaultServed();

}  // namespace ottoscale::apiserver
