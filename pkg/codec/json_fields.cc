// The reading of single fields, and writing.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"

namespace ottoscale::codec {
namespace {

constexpr size_t kMaxShown = 64;

absl::Status Wrong(absl::string_view key, absl::string_view allowed, const nlohmann::json& found) {
  return absl::InvalidArgumentError(absl::StrCat("`", key, "` must be ", allowed, ", found ", Describe(found)));
}

absl::StatusOr<const nlohmann::json*> Member(const nlohmann::json& object, absl::string_view key) {
  const nlohmann::json* member = Find(object, key);
  if (member != nullptr) return member;
  if (!object.is_object())
    return absl::InvalidArgumentError(absl::StrCat("must be an object, found ", Describe(object)));
  return absl::InvalidArgumentError(absl::StrCat("`", key, "` is missing"));
}

std::string RangeText(int64_t min, int64_t max) {
  const bool lower = min > std::numeric_limits<int64_t>::min();
  const bool upper = max < std::numeric_limits<int64_t>::max();
  if (lower && upper) return absl::StrCat("an integer from ", min, " to ", max);
  if (lower) return absl::StrCat("an integer of at least ", min);
  if (upper) return absl::StrCat("an integer of at most ", max);
  return "an integer";
}

}  // namespace

std::string Dump(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string DumpIndented(const nlohmann::json& value) {
  return value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

const nlohmann::json* Find(const nlohmann::json& value, absl::string_view key) {
  if (!value.is_object()) return nullptr;
  const auto it = value.find(Ssv(key));
  return it == value.end() || it->is_null() ? nullptr : &*it;
}

const nlohmann::json* Find(const nlohmann::json& value, std::initializer_list<absl::string_view> keys) {
  const nlohmann::json* at = &value;
  for (const absl::string_view key : keys) {
    at = Find(*at, key);
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::string StringOr(const nlohmann::json& value, std::initializer_list<absl::string_view> keys,
                     absl::string_view fallback) {
  const nlohmann::json* found = Find(value, keys);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string(fallback);
}

std::optional<int64_t> FindInt64(const nlohmann::json& value, std::initializer_list<absl::string_view> keys) {
  const nlohmann::json* found = Find(value, keys);
  return found != nullptr ? ToInt64(*found) : std::nullopt;
}

std::optional<bool> FindBool(const nlohmann::json& value, std::initializer_list<absl::string_view> keys) {
  const nlohmann::json* found = Find(value, keys);
  if (found == nullptr || !found->is_boolean()) return std::nullopt;
  return found->get<bool>();
}

std::optional<int64_t> ToInt64(const nlohmann::json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  const bool fits = number >= -9223372036854775808.0 && number < 9223372036854775808.0;
  if (!fits || std::trunc(number) != number) return std::nullopt;
  return static_cast<int64_t>(number);
}

std::string Describe(const nlohmann::json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (value.is_string()) {
    return absl::StrCat("'", Truncate(Printable(value.get_ref<const std::string&>()), kMaxShown), "'");
  }
  return Dump(value);
}

absl::StatusOr<std::string> GetString(const nlohmann::json& object, absl::string_view key) {
  ASSIGN_OR_RETURN(const nlohmann::json* member, Member(object, key));
  if (!member->is_string()) return Wrong(key, "a string", *member);
  return member->get<std::string>();
}

absl::StatusOr<int64_t> GetInt64(const nlohmann::json& object, absl::string_view key, int64_t min, int64_t max) {
  ASSIGN_OR_RETURN(const nlohmann::json* member, Member(object, key));
  const std::optional<int64_t> value = ToInt64(*member);
  if (!value || *value < min || *value > max) return Wrong(key, RangeText(min, max), *member);
  return *value;
}

absl::StatusOr<double> GetDouble(const nlohmann::json& object, absl::string_view key) {
  ASSIGN_OR_RETURN(const nlohmann::json* member, Member(object, key));
  if (!member->is_number()) return Wrong(key, "a number", *member);
  return member->get<double>();
}

absl::StatusOr<bool> GetBool(const nlohmann::json& object, absl::string_view key) {
  ASSIGN_OR_RETURN(const nlohmann::json* member, Member(object, key));
  if (!member->is_boolean()) return Wrong(key, "true or false", *member);
  return member->get<bool>();
}

absl::StatusOr<const nlohmann::json*> GetObject(const nlohmann::json& object, absl::string_view key) {
  ASSIGN_OR_RETURN(const nlohmann::json* member, Member(object, key));
  if (!member->is_object()) return Wrong(key, "an object", *member);
  return member;
}

absl::StatusOr<const nlohmann::json*> GetArray(const nlohmann::json& object, absl::string_view key) {
  ASSIGN_OR_RETURN(const nlohmann::json* member, Member(object, key));
  if (!member->is_array()) return Wrong(key, "a list", *member);
  return member;
}

}  // namespace ottoscale::codec
