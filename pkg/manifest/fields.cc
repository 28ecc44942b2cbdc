#include "pkg/manifest/fields.h"

#include "absl/strings/str_cat.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"

namespace ottoscale::manifest {
namespace {

constexpr codec::Range kAnyLength = {.min = 0, .max = 1 << 20};  // the rule says more

std::string Quoted(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) out.push_back(absl::StrCat("'", name, "'"));
  return JoinWords(out, "or");
}

std::string Unsupported(const std::vector<std::string>& supported, absl::string_view found) {
  return absl::StrCat("must be ", Quoted(supported), " in this version, found '", found,
                      "', which is not supported yet");
}

}  // namespace

std::optional<std::string> Checked(ObjectReader& object, absl::string_view key, Rule rule) {
  std::optional<std::string> text = object.String(key, kAnyLength);
  if (!text) return std::nullopt;
  std::optional<std::string> problem = rule(*text);
  if (!problem) return text;
  object.Refuse(key, *std::move(problem));
  return std::nullopt;
}

std::string ReadRef(ObjectReader& object, absl::string_view key) {
  object.Require(key, "set its `name`");
  ObjectReader ref = object.Object(key);
  if (!ref.present()) return "";
  const std::optional<std::string> name = Checked(ref, "name", CheckName);
  ref.Require("name");
  ref.Finish();
  return name.value_or("");
}

policy::SecretKeyRef ReadSecretRef(ObjectReader& object, absl::string_view key, bool required) {
  if (required) object.Require(key, "set the `name` of a Secret in the same namespace and the `key` in it");
  ObjectReader ref = object.Object(key);
  if (!ref.present()) return {};
  policy::SecretKeyRef out;
  out.name = Checked(ref, "name", CheckName).value_or("");
  out.key = Checked(ref, "key", CheckSecretKey).value_or("");
  ref.Require("name");
  ref.Require("key");
  ref.Finish();
  return out;
}

std::optional<absl::Duration> ReadSeconds(ObjectReader& object, absl::string_view key, codec::Range range) {
  const std::optional<int64_t> seconds = object.Int64(key, range);
  if (!seconds) return std::nullopt;
  return absl::Seconds(*seconds);
}

std::optional<Alternative> ReadUnion(ObjectReader& object, const std::vector<Alternative>& alternatives,
                                     bool optional) {
  std::vector<std::string> types;
  std::vector<std::string> supported;
  for (const Alternative& alternative : alternatives) {
    types.emplace_back(alternative.type);
    if (alternative.supported) supported.emplace_back(alternative.type);
    if (*alternative.member != '\0') object.Allow({alternative.member});
  }
  if (!optional) object.Require("type", absl::StrCat("it names the one member that is set, ", Quoted(supported)));
  std::optional<size_t> index = object.OneOf("type", types);
  if (optional && !object.Has("type")) index = 0;
  if (!index) return std::nullopt;
  const Alternative& chosen = alternatives[*index];
  if (!chosen.supported) {
    object.Refuse("type", Unsupported(supported, chosen.type));
    return std::nullopt;
  }
  for (const Alternative& other : alternatives) {
    const bool extra = &other != &chosen && *other.member != '\0' && object.Has(other.member);
    if (extra) object.Refuse(other.member, absl::StrCat("must not be set when `type` is '", chosen.type, "'"));
  }
  if (*chosen.member == '\0') return chosen;
  if (object.Has(chosen.member)) return chosen;
  object.Require(chosen.member, absl::StrCat("`type` is '", chosen.type, "'"));
  return std::nullopt;
}

std::string Plain(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : codec::Dump(value);
}

std::optional<size_t> SupportedOf(ObjectReader& object, absl::string_view key,
                                  const std::vector<std::string>& supported,
                                  const std::vector<std::string>& unsupported) {
  std::vector<std::string> all = supported;
  all.insert(all.end(), unsupported.begin(), unsupported.end());
  const std::optional<size_t> index = object.OneOf(key, all);
  if (!index || *index < supported.size()) return index;
  object.Refuse(key, Unsupported(supported, all[*index]));
  return std::nullopt;
}

}  // namespace ottoscale::manifest
