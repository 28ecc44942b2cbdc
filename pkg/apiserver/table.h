// Objects as rows of a table (meta.k8s.io/v1 Table), for `kubectl get`. Pure: `now` tells how old things are.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pkg/apiserver/reads.h"
#include "pkg/apiserver/served.h"

namespace ottoscale::apiserver {

struct TableOptions {
  bool headers = true;
  enum class Object { kMetadata, kObject, kNone } include = Object::kMetadata;
};

// True when the Accept header asks for one before anything else that this server can give.
bool WantsTable(absl::string_view accept);
// includeObject=Object|Metadata|None of a query; Metadata when it says something else.
TableOptions::Object IncludeOf(absl::string_view query);

nlohmann::json TableOf(const Served& served, const ListPage& page, absl::Time now, const TableOptions& options);
// Of one object. A bookmark, which is no object that somebody wrote, makes no row.
nlohmann::json TableOf(const Served& served, const nlohmann::json& object, absl::Time now, const TableOptions& options);

// The value at a column's path: members, and [?(@.type=="Ready")] for the element of a list; null when it is absent.
nlohmann::json ValueAtPath(const nlohmann::json& object, absl::string_view path);
// "45s", "3m10s", "2d", "3y": as kubectl writes ages. "<invalid>" for what is to come.
std::string HumanDuration(absl::Duration duration);

}  // namespace ottoscale::apiserver
