// Which kinds the embedded API server serves, and what is particular to each.
#pragma once

#include <string>
#include <vector>

#include "pkg/kubeapi/resource.h"

namespace ottoscale::apiserver {

// A list whose elements are objects told apart by one member; every other list is one value to server-side apply.
struct ListMap {
  std::vector<std::string> path;  // from the object's root: {"status", "conditions"}
  std::string key;                // "type"
};

struct Served {
  kubeapi::Resource resource;
  std::string singular;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  // A custom kind: has /status, a generation that counts changes of what is wanted, and injected validation.
  bool custom = false;
  // A PUT without resourceVersion replaces whatever is there.
  bool unconditional_update = false;
  std::vector<ListMap> list_maps;
};

// The three kinds of ottoscale.dev, Secrets, Events and Leases.
std::vector<Served> DefaultServed();

}  // namespace ottoscale::apiserver
