#include "pkg/apiserver/crd.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "pkg/base/status.h"
#include "pkg/codec/json.h"
#include "pkg/kubeapi/object.h"

namespace ottoscale::apiserver {

using kubeapi::Find;
using kubeapi::TextAt;
using nlohmann::json;

namespace {

std::vector<std::string> Texts(const json* list) {
  std::vector<std::string> out;
  if (list == nullptr || !list->is_array()) return out;
  for (const json& each : *list) {
    if (each.is_string()) out.push_back(each.get<std::string>());
  }
  return out;
}

std::vector<Column> Columns(const json& version) {
  std::vector<Column> out;
  const json* columns = Find(version, "additionalPrinterColumns");
  if (columns == nullptr) return out;
  for (const json& column : *columns) {
    out.push_back({.name = TextAt(column, {"name"}),
                   .type = TextAt(column, {"type"}),
                   .path = TextAt(column, {"jsonPath"}),
                   .priority = codec::FindInt64(column, {"priority"}).value_or(0)});
  }
  return out;
}

// The lists that are maps by one key, wherever no other list is on the way.
void AddListMaps(const Schema& schema, std::vector<std::string> path, std::vector<ListMap>& out) {
  if (schema.list == Schema::List::kMap && schema.keys.size() == 1)
    out.push_back({.path = path, .key = schema.keys[0]});
  for (const auto& [name, child] : schema.properties) {
    path.push_back(name);
    AddListMaps(child, path, out);
    path.pop_back();
  }
}

std::vector<std::string> Selectable(const json& version) {
  std::vector<std::string> out;
  const json* fields = Find(version, "selectableFields");
  if (fields == nullptr) return out;
  for (const json& field : *fields) {
    const std::string path = TextAt(field, {"jsonPath"});
    if (!path.empty() && path[0] == '.') out.push_back(path.substr(1));
  }
  return out;
}

}  // namespace

absl::StatusOr<Served> ServedFromCrd(const json& crd) {
  const std::string name = TextAt(crd, {"metadata", "name"});
  const json* versions = Find(crd, {"spec", "versions"});
  if (versions == nullptr || !versions->is_array() || versions->size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat("CustomResourceDefinition ", name, ": must have one version"));
  }
  const json& version = versions->at(0);
  const json* source = Find(version, {"schema", "openAPIV3Schema"});
  if (source == nullptr) return absl::InvalidArgumentError(absl::StrCat(name, ": has no schema"));
  absl::StatusOr<Schema> schema = ParseSchema(*source);
  if (!schema.ok()) return Annotate(name, schema.status());

  Served served{.resource = {.group = TextAt(crd, {"spec", "group"}),
                             .version = TextAt(version, {"name"}),
                             .plural = TextAt(crd, {"spec", "names", "plural"}),
                             .kind = TextAt(crd, {"spec", "names", "kind"}),
                             .namespaced = TextAt(crd, {"spec", "scope"}) == "Namespaced"},
                .singular = TextAt(crd, {"spec", "names", "singular"}),
                .short_names = Texts(Find(crd, {"spec", "names", "shortNames"})),
                .categories = Texts(Find(crd, {"spec", "names", "categories"})),
                .custom = true,
                .has_status = Find(version, {"subresources", "status"}) != nullptr};
  AddListMaps(*schema, {}, served.list_maps);
  served.columns = Columns(version);
  served.selectable = Selectable(version);
  served.schema = std::make_shared<const Schema>(*std::move(schema));
  served.openapi = std::make_shared<const json>(*source);
  return served;
}

absl::StatusOr<std::vector<Served>> ServedWith(const std::vector<json>& crds) {
  std::vector<Served> served = DefaultServed();
  std::erase_if(served, [](const Served& each) { return each.custom; });
  std::vector<Served> out;
  for (const json& crd : crds) {
    ASSIGN_OR_RETURN(Served each, ServedFromCrd(crd));
    out.push_back(std::move(each));
  }
  out.insert(out.end(), std::make_move_iterator(served.begin()), std::make_move_iterator(served.end()));
  return out;
}

}  // namespace ottoscale::apiserver
