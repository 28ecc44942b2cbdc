#include "pkg/kubeapi/object.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/kubeapi/time_format.h"

namespace ottoscale::kubeapi {

using nlohmann::json;

namespace {

absl::Status WrongType(absl::string_view field, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat("metadata.", field, " is not ", wanted));
}

absl::Status ReadText(const json& meta, absl::string_view field, std::string& out) {
  const json* value = Find(meta, field);
  if (value == nullptr || value->is_null()) return absl::OkStatus();
  if (!value->is_string()) return WrongType(field, "a text");
  out = value->get_ref<const std::string&>();
  return absl::OkStatus();
}

absl::Status ReadTime(const json& meta, absl::string_view field, std::optional<absl::Time>& out) {
  std::string text;
  RETURN_IF_ERROR(ReadText(meta, field, text));
  if (text.empty()) return absl::OkStatus();
  const absl::StatusOr<absl::Time> time = ParseTime(text);
  if (!time.ok()) return WrongType(field, "a time");
  out = *time;
  return absl::OkStatus();
}

absl::Status ReadTexts(const json& meta, absl::string_view field, std::map<std::string, std::string>& out) {
  const json* map = Find(meta, field);
  if (map == nullptr || map->is_null()) return absl::OkStatus();
  if (!map->is_object()) return WrongType(field, "a map of texts");
  for (const auto& [key, value] : map->items()) {
    if (!value.is_string()) return WrongType(field, "a map of texts");
    out.emplace(key, value.get_ref<const std::string&>());
  }
  return absl::OkStatus();
}

absl::Status ReadGeneration(const json& meta, int64_t& out) {
  const json* value = Find(meta, "generation");
  if (value == nullptr || value->is_null()) return absl::OkStatus();
  const std::optional<int64_t> number = IntegerAt(meta, {"generation"});
  if (!number) return WrongType("generation", "a whole number");
  out = *number;
  return absl::OkStatus();
}

}  // namespace

std::string ObjectKey::ToString() const { return ns.empty() ? name : absl::StrCat(ns, "/", name); }

absl::StatusOr<ObjectMeta> ReadMeta(const json& object) {
  const json* meta = Find(object, "metadata");
  if (meta == nullptr || !meta->is_object()) return absl::InvalidArgumentError("the object has no metadata");
  ObjectMeta out;
  RETURN_IF_ERROR(ReadText(*meta, "name", out.name));
  RETURN_IF_ERROR(ReadText(*meta, "namespace", out.ns));
  RETURN_IF_ERROR(ReadText(*meta, "uid", out.uid));
  RETURN_IF_ERROR(ReadText(*meta, "resourceVersion", out.resource_version));
  RETURN_IF_ERROR(ReadGeneration(*meta, out.generation));
  RETURN_IF_ERROR(ReadTime(*meta, "creationTimestamp", out.creation_time));
  RETURN_IF_ERROR(ReadTime(*meta, "deletionTimestamp", out.deletion_time));
  RETURN_IF_ERROR(ReadTexts(*meta, "labels", out.labels));
  RETURN_IF_ERROR(ReadTexts(*meta, "annotations", out.annotations));
  if (out.name.empty()) return absl::InvalidArgumentError("metadata.name is missing");
  return out;
}

const json* Find(const json& object, absl::string_view member) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(Ssv(member));
  return found == object.end() ? nullptr : &*found;
}

const json* Find(const json& object, std::initializer_list<absl::string_view> path) {
  const json* at = &object;
  for (const absl::string_view member : path) {
    at = Find(*at, member);
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::string TextAt(const json& object, std::initializer_list<absl::string_view> path) {
  const json* value = Find(object, path);
  return value != nullptr && value->is_string() ? value->get_ref<const std::string&>() : "";
}

std::optional<int64_t> IntegerAt(const json& object, std::initializer_list<absl::string_view> path) {
  const json* value = Find(object, path);
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  if (value->is_number_unsigned() &&
      value->get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return std::nullopt;
  }
  return value->get<int64_t>();
}

}  // namespace ottoscale::kubeapi
