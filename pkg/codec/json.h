// Strict JSON: reading what others sent without being overwhelmed by it, reading fields without surprises, writing.
//
// nlohmann's own reading keeps the last of two equal keys, and its dump and copy overflow the stack on deep trees; its
// get<int>() truncates silently; its dump throws on invalid UTF-8. Use these instead.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "pkg/codec/problem.h"
#include "pkg/codec/yaml.h"

namespace ottoscale::codec {

struct JsonLimits {
  size_t max_bytes = size_t{16} << 20;
  int max_depth = 128;
  size_t max_nodes = 2'000'000;
};

// One JSON document with positions, as for files. Refused: anything but one value, duplicate keys (at the second),
// invalid UTF-8, numbers that do not fit, and what exceeds a limit, before a tree of it is built.
Decoded<Document> ParseJson(absl::string_view text, const JsonLimits& limits = {});

// The same rules without positions, for bodies: faster. InvalidArgument (ResourceExhausted for a limit) says where and
// what in one sentence, without quoting the text, which may be secret.
absl::StatusOr<nlohmann::json> ReadJson(absl::string_view text, const JsonLimits& limits = {});

// Compact and canonical: keys sorted, equal trees give equal text. Invalid UTF-8 is replaced, never an exception.
std::string Dump(const nlohmann::json& value);
// For people: indented by two.
std::string DumpIndented(const nlohmann::json& value);

// The member, or nullptr when `value` is no object, has no such member, or the member is null.
const nlohmann::json* Find(const nlohmann::json& value, absl::string_view key);
// Find, again and again: Find(pod, {"metadata", "name"}).
const nlohmann::json* Find(const nlohmann::json& value, std::initializer_list<absl::string_view> keys);

// The member when it is there and of this type, else nullopt or "".
std::string StringOr(const nlohmann::json& value, std::initializer_list<absl::string_view> keys,
                     absl::string_view fallback);
std::optional<int64_t> FindInt64(const nlohmann::json& value, std::initializer_list<absl::string_view> keys);
std::optional<bool> FindBool(const nlohmann::json& value, std::initializer_list<absl::string_view> keys);

// Required members. InvalidArgument: "`quantity` must be an integer from 0 to 100, found 'x'", "`id` is missing".
absl::StatusOr<std::string> GetString(const nlohmann::json& object, absl::string_view key);
absl::StatusOr<int64_t> GetInt64(const nlohmann::json& object, absl::string_view key,
                                 int64_t min = std::numeric_limits<int64_t>::min(),
                                 int64_t max = std::numeric_limits<int64_t>::max());
absl::StatusOr<double> GetDouble(const nlohmann::json& object, absl::string_view key);
absl::StatusOr<bool> GetBool(const nlohmann::json& object, absl::string_view key);
// Borrowed from `object`. Never null.
absl::StatusOr<const nlohmann::json*> GetObject(const nlohmann::json& object, absl::string_view key);
absl::StatusOr<const nlohmann::json*> GetArray(const nlohmann::json& object, absl::string_view key);

// The integer that a number is, when it is one and fits: 3 and 3.0, not 3.5, "3", or 2^64.
std::optional<int64_t> ToInt64(const nlohmann::json& value);

// A value in a message: 'text' (cut, printable), 5, true, null, "an object", "a list".
std::string Describe(const nlohmann::json& value);

}  // namespace ottoscale::codec
