#include "pkg/apiserver/schema.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "pkg/base/status.h"
#include "pkg/codec/json.h"
#include "pkg/kubeapi/object.h"

namespace ottoscale::apiserver {

using kubeapi::Find;
using nlohmann::json;

namespace {

constexpr std::array<absl::string_view, 16> kMetadata = {"name",
                                                         "namespace",
                                                         "generateName",
                                                         "uid",
                                                         "resourceVersion",
                                                         "generation",
                                                         "creationTimestamp",
                                                         "deletionTimestamp",
                                                         "deletionGracePeriodSeconds",
                                                         "labels",
                                                         "annotations",
                                                         "ownerReferences",
                                                         "finalizers",
                                                         "managedFields",
                                                         "selfLink",
                                                         "clusterName"};

std::string Below(const std::string& path, absl::string_view name) {
  return path.empty() ? std::string(name) : absl::StrCat(path, ".", name);
}
std::string Element(const std::string& path, size_t index) { return absl::StrCat(path, "[", index, "]"); }

absl::StatusOr<Schema::Type> ParseType(const json& source) {
  if (codec::FindBool(source, {"x-kubernetes-int-or-string"}).value_or(false)) return Schema::Type::kIntOrString;
  const std::string type = codec::StringOr(source, {"type"}, "");
  if (type == "object") return Schema::Type::kObject;
  if (type == "array") return Schema::Type::kArray;
  if (type == "string") return Schema::Type::kString;
  if (type == "integer") return Schema::Type::kInteger;
  if (type == "number") return Schema::Type::kNumber;
  if (type == "boolean") return Schema::Type::kBoolean;
  return absl::InvalidArgumentError(absl::StrCat("type '", type, "' is not known"));
}

std::optional<double> NumberAt(const json& source, absl::string_view key) {
  const json* value = Find(source, key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->get<double>();
}

std::vector<std::string> TextsAt(const json& source, absl::string_view key) {
  std::vector<std::string> out;
  const json* list = Find(source, key);
  if (list == nullptr || !list->is_array()) return out;
  for (const json& each : *list) {
    if (each.is_string()) out.push_back(each.get<std::string>());
  }
  return out;
}

absl::StatusOr<Schema> Parse(const json& source, const std::string& path);

absl::Status ParseMembers(const json& source, const std::string& path, Schema& out) {
  if (const json* properties = Find(source, "properties"); properties != nullptr && properties->is_object()) {
    for (const auto& [name, child] : properties->items()) {
      // The root's metadata is an object about which the schema says nothing.
      ASSIGN_OR_RETURN(out.properties[name], Parse(child, Below(path, name)));
    }
  }
  if (const json* items = Find(source, "items"); items != nullptr) {
    ASSIGN_OR_RETURN(Schema item, Parse(*items, absl::StrCat(path, "[]")));
    out.items = std::make_shared<const Schema>(std::move(item));
  }
  return absl::OkStatus();
}

absl::StatusOr<Schema> Parse(const json& source, const std::string& path) {
  Schema out;
  absl::StatusOr<Schema::Type> type = ParseType(source);
  if (!type.ok()) return Annotate(absl::StrCat("schema of ", path.empty() ? "the object" : path), type.status());
  out.type = *type;
  out.nullable = codec::FindBool(source, {"nullable"}).value_or(false);
  out.format = codec::StringOr(source, {"format"}, "");
  out.minimum = NumberAt(source, "minimum");
  out.maximum = NumberAt(source, "maximum");
  out.min_length = codec::FindInt64(source, {"minLength"});
  out.max_length = codec::FindInt64(source, {"maxLength"});
  out.min_items = codec::FindInt64(source, {"minItems"});
  out.max_items = codec::FindInt64(source, {"maxItems"});
  out.choices = TextsAt(source, "enum");
  out.required = TextsAt(source, "required");
  out.keys = TextsAt(source, "x-kubernetes-list-map-keys");
  const std::string list = codec::StringOr(source, {"x-kubernetes-list-type"}, "atomic");
  out.list = list == "map" ? Schema::List::kMap : list == "set" ? Schema::List::kSet : Schema::List::kAtomic;
  if (const json* fallback = Find(source, "default"); fallback != nullptr) out.fallback = *fallback;
  if (const std::string pattern = codec::StringOr(source, {"pattern"}, ""); !pattern.empty()) {
    absl::StatusOr<Pattern> compiled = Pattern::Compile(pattern);
    if (!compiled.ok()) return Annotate(absl::StrCat("schema of ", path), compiled.status());
    out.pattern = *std::move(compiled);
  }
  RETURN_IF_ERROR(ParseMembers(source, path, out));
  return out;
}

void FindUnknown(const Schema& schema, const json& value, const std::string& path, std::vector<std::string>& out) {
  if (value.is_array() && schema.items != nullptr) {
    for (size_t i = 0; i < value.size(); ++i) FindUnknown(*schema.items, value[i], Element(path, i), out);
  }
  if (!value.is_object() || schema.type != Schema::Type::kObject) return;
  for (const auto& [name, child] : value.items()) {
    const auto known = schema.properties.find(name);
    if (known == schema.properties.end()) {
      out.push_back(Below(path, name));
    } else if (!path.empty() || name != "metadata") {
      FindUnknown(known->second, child, Below(path, name), out);
    }
  }
}

void PruneBelow(const Schema& schema, json& value, bool root) {
  if (value.is_array() && schema.items != nullptr) {
    for (json& each : value) PruneBelow(*schema.items, each, false);
  }
  if (!value.is_object() || schema.type != Schema::Type::kObject) return;
  for (auto it = value.begin(); it != value.end();) {
    const auto known = schema.properties.find(it.key());
    if (known == schema.properties.end()) {
      it = value.erase(it);
      continue;
    }
    if (!root || it.key() != "metadata") PruneBelow(known->second, it.value(), false);
    ++it;
  }
}

void FillIn(const Schema& schema, json& value, bool root) {
  if (value.is_array() && schema.items != nullptr) {
    for (json& each : value) FillIn(*schema.items, each, false);
  }
  if (!value.is_object()) return;
  for (const auto& [name, child] : schema.properties) {
    if (root && name == "metadata") continue;
    auto member = value.find(name);
    if (member != value.end() && member->is_null() && !child.nullable) {
      value.erase(member);
      member = value.end();
    }
    if (member == value.end() && child.fallback) member = value.emplace(name, *child.fallback).first;
    if (member != value.end()) FillIn(child, *member, false);
  }
}

}  // namespace

absl::StatusOr<Schema> ParseSchema(const json& source) { return Parse(source, ""); }

std::vector<std::string> UnknownFields(const Schema& schema, const json& object) {
  std::vector<std::string> out;
  FindUnknown(schema, object, "", out);
  const json* metadata = Find(object, "metadata");
  if (metadata == nullptr || !metadata->is_object()) return out;
  for (const auto& [name, value] : metadata->items()) {
    const bool known = std::find(kMetadata.begin(), kMetadata.end(), name) != kMetadata.end();
    if (!known) out.push_back(absl::StrCat("metadata.", name));
  }
  return out;
}

void Prune(const Schema& schema, json& object) { PruneBelow(schema, object, true); }

void ApplyDefaults(const Schema& schema, json& object) { FillIn(schema, object, true); }

}  // namespace ottoscale::apiserver
