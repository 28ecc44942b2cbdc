// Whether an object has the shape that its schema asks for, in the words of pkg/codec.
#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "pkg/apiserver/schema.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/kubeapi/time_format.h"

namespace ottoscale::apiserver {

using kubeapi::Cause;
using nlohmann::json;

namespace {

class Checker {
 public:
  void Check(const Schema& schema, const json& value, const std::string& path) {
    if (value.is_null() && schema.nullable) return;
    if (!HasType(schema.type, value)) return Wrong("FieldValueTypeInvalid", TypeWords(schema.type), value, path);
    if (value.is_string()) CheckText(schema, value.get_ref<const std::string&>(), path);
    if (value.is_number()) CheckNumber(schema, value, path);
    if (value.is_object()) CheckObject(schema, value, path);
    if (value.is_array()) CheckList(schema, value, path);
  }

  void CheckObject(const Schema& schema, const json& object, const std::string& path) {
    const bool root = path.empty();
    for (const std::string& name : schema.required) {
      const auto member = object.find(name);
      if (member == object.end()) Add("FieldValueRequired", "is required", Below(path, name));
    }
    for (const auto& [name, child] : schema.properties) {
      if (root && (name == "metadata" || name == "apiVersion" || name == "kind")) continue;
      const auto member = object.find(name);
      if (member != object.end()) Check(child, *member, Below(path, name));
    }
  }

  std::vector<Cause> Take() { return std::move(causes_); }

 private:
  static std::string Below(const std::string& path, const std::string& name) {
    return path.empty() ? name : absl::StrCat(path, ".", name);
  }

  static bool HasType(Schema::Type type, const json& value) {
    switch (type) {
      case Schema::Type::kObject: return value.is_object();
      case Schema::Type::kArray: return value.is_array();
      case Schema::Type::kString: return value.is_string();
      case Schema::Type::kInteger: return codec::ToInt64(value).has_value();
      case Schema::Type::kNumber: return value.is_number();
      case Schema::Type::kBoolean: return value.is_boolean();
      case Schema::Type::kIntOrString: return value.is_string() || codec::ToInt64(value).has_value();
    }
    return false;
  }

  static const char* TypeWords(Schema::Type type) {
    switch (type) {
      case Schema::Type::kObject: return "an object";
      case Schema::Type::kArray: return "a list";
      case Schema::Type::kString: return "a string";
      case Schema::Type::kInteger: return "an integer";
      case Schema::Type::kNumber: return "a number";
      case Schema::Type::kBoolean: return "true or false";
      case Schema::Type::kIntOrString: return "an integer or a string";
    }
    return "something else";
  }

  void Add(const char* reason, std::string message, const std::string& path) {
    causes_.push_back({.reason = reason, .message = std::move(message), .field = path});
  }
  void Wrong(const char* reason, absl::string_view allowed, const json& found, const std::string& path) {
    Add(reason, absl::StrCat("must be ", allowed, ", found ", codec::Describe(found)), path);
  }

  void CheckText(const Schema& schema, const std::string& text, const std::string& path) {
    if (!schema.choices.empty()) {
      if (std::find(schema.choices.begin(), schema.choices.end(), text) != schema.choices.end()) return;
      std::vector<std::string> names;
      for (const std::string& choice : schema.choices) names.push_back(absl::StrCat("'", choice, "'"));
      return Wrong("FieldValueNotSupported", JoinWords(names, "or"), text, path);
    }
    const int64_t length =
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
    if (schema.max_length && length > *schema.max_length) {
      return Add("FieldValueTooLong",
                 absl::StrCat("must be at most ", *schema.max_length, " characters long, found ", length), path);
    }
    if (schema.min_length && length < *schema.min_length) {
      return Add("FieldValueInvalid",
                 length == 0
                     ? "must not be empty"
                     : absl::StrCat("must be at least ", *schema.min_length, " characters long, found ", length),
                 path);
    }
    if (schema.pattern && !schema.pattern->Matches(text)) {
      return Wrong("FieldValueInvalid", absl::StrCat("a text that matches ", schema.pattern->text()), text, path);
    }
    if (schema.format == "date-time" && !kubeapi::ParseTime(text).ok()) {
      Wrong("FieldValueInvalid", "a time such as \"2026-12-01T00:00:00Z\"", text, path);
    }
  }

  void CheckNumber(const Schema& schema, const json& value, const std::string& path) {
    const double number = value.get<double>();
    const bool low = schema.minimum && number < *schema.minimum;
    const bool high = schema.maximum && number > *schema.maximum;
    const bool wide = schema.format == "int32" && (number < -2147483648.0 || number > 2147483647.0);
    if (!low && !high && !wide) return;
    const auto word = [](double bound) { return codec::Dump(codec::ToInt64(json(bound)).value_or(0)); };
    std::string allowed = schema.type == Schema::Type::kInteger ? "an integer" : "a number";
    if (schema.minimum) absl::StrAppend(&allowed, " from ", word(*schema.minimum));
    if (schema.maximum) absl::StrAppend(&allowed, " to ", word(*schema.maximum));
    if (wide) absl::StrAppend(&allowed, " of 32 bits");
    Wrong("FieldValueInvalid", allowed, value, path);
  }

  void CheckList(const Schema& schema, const json& list, const std::string& path) {
    const auto size = static_cast<int64_t>(list.size());
    const bool many = schema.max_items && size > *schema.max_items;
    if (many || (schema.min_items && size < *schema.min_items)) {
      Add(many ? "FieldValueTooMany" : "FieldValueInvalid",
          absl::StrCat("must have ", schema.min_items.value_or(0), " to ", schema.max_items.value_or(size),
                       " items, found ", size),
          path);
    }
    std::set<std::string> seen;
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string element = absl::StrCat(path, "[", i, "]");
      const std::optional<std::string> key = KeyOf(schema, list[i]);
      if (key && !seen.insert(*key).second) {
        Add("FieldValueDuplicate", absl::StrCat("must be listed once, found ", *key, " again"), element);
      }
      if (schema.items != nullptr) Check(*schema.items, list[i], element);
    }
  }

  // What tells an element apart; nullopt where equal ones may stand side by side.
  static std::optional<std::string> KeyOf(const Schema& schema, const json& element) {
    if (schema.list == Schema::List::kSet) return codec::Dump(element);
    if (schema.list != Schema::List::kMap || !element.is_object()) return std::nullopt;
    json key = json::object();
    for (const std::string& name : schema.keys) {
      const auto member = element.find(name);
      if (member != element.end()) key[name] = *member;
    }
    return codec::Dump(key);
  }

  std::vector<Cause> causes_;
};

}  // namespace

std::vector<Cause> CheckSchema(const Schema& schema, const json& object) {
  Checker checker;
  if (object.is_object()) checker.CheckObject(schema, object, "");
  return checker.Take();
}

}  // namespace ottoscale::apiserver
