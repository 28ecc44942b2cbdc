// The structural schema of a custom kind, as its CustomResourceDefinition has it, and what an API server does with it:
// finds unknown fields, prunes them, fills in defaults, and refuses what has the wrong shape. CEL rules are not read:
// the injected validator knows them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "pkg/apiserver/pattern.h"
#include "pkg/kubeapi/api_error.h"

namespace ottoscale::apiserver {

struct Schema {
  enum class Type { kObject, kArray, kString, kInteger, kNumber, kBoolean, kIntOrString };
  enum class List { kAtomic, kSet, kMap };

  Type type = Type::kObject;
  bool nullable = false;
  std::string format;  // date-time, int32, int64
  std::optional<double> minimum;
  std::optional<double> maximum;
  std::optional<int64_t> min_length;  // in characters
  std::optional<int64_t> max_length;
  std::optional<int64_t> min_items;
  std::optional<int64_t> max_items;
  std::optional<Pattern> pattern;
  std::vector<std::string> choices;  // enum; empty: any
  std::vector<std::string> required;
  std::map<std::string, Schema> properties;
  std::shared_ptr<const Schema> items;  // of an array
  List list = List::kAtomic;
  std::vector<std::string> keys;  // of a list that is a map
  std::optional<nlohmann::json> fallback;
};

// `source` is an openAPIV3Schema. InvalidArgument, with the path, for what this reader does not know.
absl::StatusOr<Schema> ParseSchema(const nlohmann::json& source);

// All of them take a whole object. Its apiVersion, kind and metadata are not the schema's; only unknown fields of
// metadata are.
//
// Paths of fields that are not in the schema, "spec.metrics[0].nmae", in the order of the object.
std::vector<std::string> UnknownFields(const Schema& schema, const nlohmann::json& object);
// Removes them.
void Prune(const Schema& schema, nlohmann::json& object);
// Removes nulls where none are allowed, and fills in what is absent from objects that are there.
void ApplyDefaults(const Schema& schema, nlohmann::json& object);
// What has the wrong type, is out of bounds, is missing, or is there twice. The fields' names are those of a
// kube-apiserver.
std::vector<kubeapi::Cause> CheckSchema(const Schema& schema, const nlohmann::json& object);

}  // namespace ottoscale::apiserver
