#include "pkg/apiserver/managed_fields.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/kubeapi/object.h"

namespace ottoscale::apiserver {

using kubeapi::Cause;
using kubeapi::TextAt;
using nlohmann::json;

namespace {

// The entry of `writer`, made when there is none.
Manager& EntryOf(Managers& managers, const Manager& writer) {
  for (Manager& manager : managers) {
    if (manager.SameAs(writer)) return manager;
  }
  managers.push_back(writer);
  managers.back().fields.clear();
  return managers.back();
}

void DropWithoutFields(Managers& managers) {
  std::erase_if(managers, [](const Manager& manager) { return manager.fields.empty(); });
}

// True when the value at `path` is another one in `next`, an element of a list map only when it is new.
bool Changed(const json& live, const json& next, const FieldPath& path) {
  const json* before = ValueAt(live, path);
  if (before == nullptr) return true;
  if (IsElement(path)) return false;
  const json* after = ValueAt(next, path);
  return after == nullptr || *before != *after;
}

void TakeFromOthers(Managers& managers, const Manager& writer, const FieldPath& path, const json& live) {
  for (Manager& manager : managers) {
    if (manager.SameAs(writer)) continue;
    while (const FieldPath* owned = Overlapping(manager.fields, path, live)) manager.fields.erase(FieldPath(*owned));
  }
}

std::string Describe(const Manager& manager) {
  std::string text = absl::StrCat("conflict with \"", manager.name, "\"");
  if (!manager.subresource.empty()) absl::StrAppend(&text, " with subresource \"", manager.subresource, "\"");
  if (manager.operation == "Update") absl::StrAppend(&text, " using ", manager.api_version);
  return text;
}

std::vector<Cause> Conflicts(const Managers& managers, const Manager& writer, const FieldSet& changed,
                             const json& live) {
  std::vector<Cause> conflicts;
  for (const Manager& manager : managers) {
    if (manager.SameAs(writer)) continue;
    for (const FieldPath& path : changed) {
      if (Overlapping(manager.fields, path, live) == nullptr) continue;
      conflicts.push_back({.reason = "FieldManagerConflict", .message = Describe(manager), .field = PathText(path)});
    }
  }
  return conflicts;
}

bool OthersOwn(const Managers& managers, const Manager& writer, const FieldPath& path, const json& object) {
  return std::any_of(managers.begin(), managers.end(), [&](const Manager& manager) {
    return !manager.SameAs(writer) && Overlapping(manager.fields, path, object) != nullptr;
  });
}

// In the order of the paths, so that an element which nobody else has anything in goes as a whole before its fields.
void RemoveAbandoned(json& object, const Managers& managers, const Manager& writer, const FieldSet& before,
                     const FieldSet& wanted) {
  for (const FieldPath& path : before) {
    if (IsKeyOfElement(path) || Overlapping(wanted, path, object) != nullptr) continue;
    if (!OthersOwn(managers, writer, path, object)) RemoveAt(object, path);
  }
}

}  // namespace

Managers ReadManagers(const json& object) {
  Managers managers;
  const json* entries = kubeapi::Find(object, {"metadata", "managedFields"});
  if (entries == nullptr || !entries->is_array()) return managers;
  for (const json& entry : *entries) {
    const json* fields = kubeapi::Find(entry, "fieldsV1");
    if (fields == nullptr) continue;
    managers.push_back({.name = TextAt(entry, {"manager"}),
                        .operation = TextAt(entry, {"operation"}),
                        .subresource = TextAt(entry, {"subresource"}),
                        .api_version = TextAt(entry, {"apiVersion"}),
                        .time = TextAt(entry, {"time"}),
                        .fields = FromFieldsV1(*fields)});
  }
  return managers;
}

void WriteManagers(json& object, Managers managers) {
  const auto order = [](const Manager& m) { return std::tie(m.operation, m.name, m.subresource); };
  std::sort(managers.begin(), managers.end(),
            [&order](const Manager& a, const Manager& b) { return order(a) < order(b); });
  json entries = json::array();
  for (const Manager& manager : managers) {
    json entry = json::object();
    entry["manager"] = manager.name;
    entry["operation"] = manager.operation;
    entry["apiVersion"] = manager.api_version;
    entry["time"] = manager.time;
    entry["fieldsType"] = "FieldsV1";
    entry["fieldsV1"] = ToFieldsV1(manager.fields);
    if (!manager.subresource.empty()) entry["subresource"] = manager.subresource;
    entries.push_back(std::move(entry));
  }
  if (entries.empty()) {
    object["metadata"].erase("managedFields");
  } else {
    object["metadata"]["managedFields"] = std::move(entries);
  }
}

Managers AfterUpdate(Managers managers, Manager writer, const json& live, const json& next, const ListMaps& maps) {
  const FieldSet before = FieldsOf(live, maps);
  const FieldSet after = FieldsOf(next, maps);
  FieldSet changed;
  for (const FieldPath& path : after) {
    if (Changed(live, next, path)) changed.insert(path);
  }
  Manager& entry = EntryOf(managers, writer);
  for (const FieldPath& path : before) {
    if (ValueAt(next, path) != nullptr) continue;
    for (Manager& manager : managers) manager.fields.erase(path);
  }
  for (const FieldPath& path : changed) TakeFromOthers(managers, writer, path, live);
  if (!changed.empty()) entry.time = writer.time;
  entry.fields.insert(changed.begin(), changed.end());
  DropWithoutFields(managers);
  return managers;
}

ApplyResult Apply(const json& live, Managers managers, Manager writer, const json& applied, bool force,
                  const ListMaps& maps) {
  ApplyResult result{.object = live, .managers = std::move(managers)};
  const FieldSet wanted = FieldsOf(applied, maps);
  Overlay(result.object, applied, maps);
  FieldSet changed;
  for (const FieldPath& path : wanted) {
    if (Changed(live, result.object, path)) changed.insert(path);
  }
  if (!force) result.conflicts = Conflicts(result.managers, writer, changed, live);
  if (!result.conflicts.empty()) return result;
  for (const FieldPath& path : changed) TakeFromOthers(result.managers, writer, path, live);

  Manager& entry = EntryOf(result.managers, writer);
  const FieldSet before = std::exchange(entry.fields, wanted);
  if (before != wanted || !changed.empty()) entry.time = writer.time;
  entry.api_version = writer.api_version;
  RemoveAbandoned(result.object, result.managers, writer, before, wanted);
  DropWithoutFields(result.managers);
  return result;
}

}  // namespace ottoscale::apiserver
