// What every object has: its key and its metadata, read from the JSON that the API serves.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ottoscale::kubeapi {

// Ordered by namespace, then name: the order of a list.
struct ObjectKey {
  std::string ns;  // "" when the resource has no namespaces
  std::string name;

  std::string ToString() const;  // "ns/name", or "name"
  bool operator==(const ObjectKey&) const = default;
  auto operator<=>(const ObjectKey&) const = default;
};

struct ObjectMeta {
  std::string name;
  std::string ns;
  std::string uid;
  std::string resource_version;
  int64_t generation = 0;  // 0: the kind has none
  std::optional<absl::Time> creation_time;
  std::optional<absl::Time> deletion_time;  // set: somebody asked for its end
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;

  ObjectKey Key() const { return {ns, name}; }
  bool operator==(const ObjectMeta&) const = default;
};

// InvalidArgument when `object` is no object, its metadata lacks a name, or a field has the wrong type. Absent fields
// keep their defaults.
absl::StatusOr<ObjectMeta> ReadMeta(const nlohmann::json& object);

// The member, or null when `object` is no object or has no such member. Never throws.
const nlohmann::json* Find(const nlohmann::json& object, absl::string_view member);
// Follows members one after the other: Find(object, {"metadata", "name"}).
const nlohmann::json* Find(const nlohmann::json& object, std::initializer_list<absl::string_view> path);
// The text at a path; "" when it is absent or no text.
std::string TextAt(const nlohmann::json& object, std::initializer_list<absl::string_view> path);
// The whole number at a path; nullopt when it is absent, has another type, or is outside int64.
std::optional<int64_t> IntegerAt(const nlohmann::json& object, std::initializer_list<absl::string_view> path);

}  // namespace ottoscale::kubeapi
