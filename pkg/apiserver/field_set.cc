#include "pkg/apiserver/field_set.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/kubeapi/object.h"

namespace ottoscale::apiserver {

using nlohmann::json;

namespace {

constexpr absl::string_view kField = "f:";
constexpr absl::string_view kElement = "k:";

bool SamePlace(const FieldPath& at, const std::vector<std::string>& names) {
  size_t matched = 0;
  for (const std::string& element : at) {
    if (absl::StartsWith(element, kElement)) continue;
    if (matched == names.size() || absl::string_view(element).substr(kField.size()) != names[matched]) return false;
    ++matched;
  }
  return matched == names.size();
}

const json* KeyValue(const json& element, const std::string& key) {
  const json* value = kubeapi::Find(element, key);
  return value != nullptr && value->is_primitive() && !value->is_null() ? value : nullptr;
}

// The member that tells the elements of the list at `at` apart; nullopt when it is one value, or not every element has
// it.
std::optional<std::string> KeyOf(const json& list, const FieldPath& at, const ListMaps& maps) {
  const auto map = std::find_if(maps.begin(), maps.end(), [&at](const ListMap& m) { return SamePlace(at, m.path); });
  if (map == maps.end()) return std::nullopt;
  std::set<json> seen;
  for (const json& element : list) {
    const json* value = KeyValue(element, map->key);
    if (value == nullptr || !seen.insert(*value).second) return std::nullopt;
  }
  return map->key;
}

std::string ElementName(const json& element, const std::string& key) {
  json name = json::object();
  name[key] = *KeyValue(element, key);
  return absl::StrCat(kElement, codec::Dump(name));
}

json::const_iterator FindElement(const json& list, absl::string_view name) {
  const json key = json::parse(Ssv(name.substr(kElement.size())), nullptr, /*allow_exceptions=*/false);
  if (!key.is_object() || key.size() != 1) return list.end();
  return std::find_if(list.begin(), list.end(), [&key](const json& element) {
    const json* value = kubeapi::Find(element, key.begin().key());
    return value != nullptr && *value == key.begin().value();
  });
}

void Collect(const json& value, FieldPath& at, const ListMaps& maps, FieldSet& out) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [name, member] : value.items()) {
      at.push_back(absl::StrCat(kField, name));
      Collect(member, at, maps, out);
      at.pop_back();
    }
    return;
  }
  const std::optional<std::string> key = value.is_array() && !value.empty() ? KeyOf(value, at, maps) : std::nullopt;
  if (!key) {
    out.insert(at);
    return;
  }
  for (const json& element : value) {
    at.push_back(ElementName(element, *key));
    out.insert(at);
    Collect(element, at, maps, out);
    at.pop_back();
  }
}

const json* Step(const json& value, const std::string& element) {
  if (absl::StartsWith(element, kField)) return kubeapi::Find(value, absl::string_view(element).substr(kField.size()));
  if (!value.is_array()) return nullptr;
  const auto found = FindElement(value, element);
  return found == value.end() ? nullptr : &*found;
}

void Erase(json& parent, const std::string& element) {
  if (absl::StartsWith(element, kField)) {
    if (parent.is_object()) parent.erase(element.substr(kField.size()));
  } else if (parent.is_array()) {
    const auto found = FindElement(parent, element);
    if (found != parent.end()) parent.erase(static_cast<size_t>(found - parent.cbegin()));
  }
}

void RemoveFrom(json& value, const FieldPath& path, size_t depth) {
  if (depth + 1 == path.size()) {
    Erase(value, path[depth]);
    return;
  }
  const json* found = Step(value, path[depth]);
  if (found == nullptr) return;
  json& child = const_cast<json&>(*found);  // NOLINT(cppcoreguidelines-pro-type-const-cast): `value` is ours to change
  RemoveFrom(child, path, depth + 1);
  if (child.is_structured() && child.empty() && absl::StartsWith(path[depth], kField)) Erase(value, path[depth]);
}

void OverlayAt(json& object, const json& applied, FieldPath& at, const ListMaps& maps);

void OverlayList(json& list, const json& applied, const std::string& key, FieldPath& at, const ListMaps& maps) {
  for (const json& element : applied) {
    const std::string name = ElementName(element, key);
    const auto found = FindElement(list, name);
    if (found == list.end()) {
      list.push_back(element);
      continue;
    }
    at.push_back(name);
    OverlayAt(list[static_cast<size_t>(found - list.cbegin())], element, at, maps);
    at.pop_back();
  }
}

void OverlayAt(json& object, const json& applied, FieldPath& at, const ListMaps& maps) {
  if (applied.is_object()) {
    if (!object.is_object()) object = json::object();
    for (const auto& [name, member] : applied.items()) {
      at.push_back(absl::StrCat(kField, name));
      OverlayAt(object[name], member, at, maps);
      at.pop_back();
    }
    return;
  }
  if (applied.is_array() && object.is_array()) {
    const std::optional<std::string> key = KeyOf(applied, at, maps);
    if (key && KeyOf(object, at, maps)) return OverlayList(object, applied, *key, at, maps);
  }
  object = applied;
}

bool IsPrefix(const FieldPath& prefix, const FieldPath& path) {
  return prefix.size() <= path.size() && std::equal(prefix.begin(), prefix.end(), path.begin());
}

void Read(const json& fields, FieldPath& at, FieldSet& out) {
  if (!fields.is_object()) return;
  if (!at.empty() && (fields.empty() || fields.contains("."))) out.insert(at);
  for (const auto& [name, below] : fields.items()) {
    if (!absl::StartsWith(name, kField) && !absl::StartsWith(name, kElement)) continue;
    at.push_back(name);
    Read(below, at, out);
    at.pop_back();
  }
}

}  // namespace

FieldSet FieldsOf(const json& object, const ListMaps& maps) {
  FieldSet out;
  FieldPath at;
  for (const auto& [name, member] : object.items()) {
    if (name == "apiVersion" || name == "kind" || name == "metadata") continue;
    at = {absl::StrCat(kField, name)};
    Collect(member, at, maps, out);
  }
  for (const absl::string_view name : {"annotations", "finalizers", "labels", "ownerReferences"}) {
    const json* member = kubeapi::Find(object, {"metadata", name});
    if (member == nullptr) continue;
    at = {"f:metadata", absl::StrCat(kField, name)};
    Collect(*member, at, maps, out);
  }
  return out;
}

const json* ValueAt(const json& object, const FieldPath& path) {
  const json* at = &object;
  for (const std::string& element : path) {
    at = Step(*at, element);
    if (at == nullptr) return nullptr;
  }
  return at;
}

void RemoveAt(json& object, const FieldPath& path) {
  if (!path.empty()) RemoveFrom(object, path, 0);
}

void Overlay(json& object, const json& applied, const ListMaps& maps) {
  FieldPath at;
  OverlayAt(object, applied, at, maps);
}

bool IsElement(const FieldPath& path) { return !path.empty() && absl::StartsWith(path.back(), kElement); }

bool IsKeyOfElement(const FieldPath& path) {
  if (path.size() < 2 || !absl::StartsWith(path[path.size() - 2], kElement)) return false;
  const std::string& name = path[path.size() - 2];
  const json key = json::parse(name.substr(kElement.size()), nullptr, /*allow_exceptions=*/false);
  return key.is_object() && key.contains(path.back().substr(kField.size()));
}

const FieldPath* Overlapping(const FieldSet& set, const FieldPath& path, const json& object) {
  const auto below = set.lower_bound(path);
  if (below != set.end() && IsPrefix(path, *below)) return &*below;
  FieldPath above = path;
  while (!above.empty()) {
    above.pop_back();
    const auto found = IsElement(above) ? set.end() : set.find(above);
    if (found == set.end()) continue;
    const json* value = ValueAt(object, above);
    if (value == nullptr || !value->is_object()) return &*found;
  }
  return nullptr;
}

std::string PathText(const FieldPath& path) {
  std::string text;
  for (const std::string& element : path) {
    if (absl::StartsWith(element, kField)) {
      absl::StrAppend(&text, ".", absl::string_view(element).substr(kField.size()));
      continue;
    }
    const json key = json::parse(element.substr(kElement.size()), nullptr, /*allow_exceptions=*/false);
    if (!key.is_object() || key.empty()) continue;
    absl::StrAppend(&text, "[", key.begin().key(), "=", codec::Dump(key.begin().value()), "]");
  }
  return text;
}

json ToFieldsV1(const FieldSet& set) {
  json root = json::object();
  for (const FieldPath& path : set) {
    json* at = &root;
    for (const std::string& element : path) {
      // A leaf that gets something below it has to say that it is there itself.
      at = &(*at)[element];
      if (at->is_null()) *at = json::object();
    }
    const auto next = set.upper_bound(path);
    if (next != set.end() && IsPrefix(path, *next)) (*at)["."] = json::object();
  }
  return root;
}

FieldSet FromFieldsV1(const json& fields) {
  FieldSet out;
  FieldPath at;
  Read(fields, at, out);
  return out;
}

}  // namespace ottoscale::apiserver
