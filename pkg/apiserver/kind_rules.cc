// The rules of the built-in kinds, as far as the real API server would refuse what breaks them.
#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "pkg/apiserver/errors.h"
#include "pkg/apiserver/object_rules.h"
#include "pkg/kubeapi/base64.h"
#include "pkg/kubeapi/time_format.h"

namespace ottoscale::apiserver {

using kubeapi::Cause;
using kubeapi::Find;
using kubeapi::TextAt;
using nlohmann::json;

namespace {

Cause Required(std::string field) { return {"FieldValueRequired", "is required", std::move(field)}; }
Cause Wrong(std::string field, std::string message) {
  return {"FieldValueInvalid", std::move(message), std::move(field)};
}

bool Given(const json* value) { return value != nullptr && !value->is_null(); }

bool IsSecretKey(absl::string_view key) {
  if (key.empty() || key.size() > 253 || key == "." || key == "..") return false;
  return std::all_of(key.begin(), key.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
}

void StringDataRules(const json& secret, std::vector<Cause>& causes) {
  const json* given = Find(secret, "stringData");
  if (!Given(given)) return;
  if (!given->is_object()) return causes.push_back(Wrong("stringData", "must be a map of texts"));
  for (const auto& [key, value] : given->items()) {
    if (!value.is_string()) causes.push_back(Wrong(absl::StrCat("stringData[", key, "]"), "must be a text: quote it"));
  }
}

void SecretRules(json& secret, std::vector<Cause>& causes) {
  if (Given(Find(secret, "data")) && !secret["data"].is_object()) {
    return causes.push_back(Wrong("data", "must be a map of texts in base64"));
  }
  StringDataRules(secret, causes);
  if (!Given(Find(secret, "type"))) secret["type"] = "Opaque";
  if (!Given(Find(secret, "data"))) return;
  for (const auto& [key, value] : secret["data"].items()) {
    if (!IsSecretKey(key)) {
      causes.push_back(Wrong(absl::StrCat("data[", key, "]"), "must consist of letters, digits, '-', '_' and '.'"));
    }
    if (!value.is_string() || !kubeapi::DecodeBase64(value.get_ref<const std::string&>()).ok()) {
      causes.push_back(Wrong(absl::StrCat("data[", key, "]"), "must be base64: use stringData for plain text"));
    }
  }
}

void TimeRule(const json& object, absl::string_view parent, absl::string_view member, std::vector<Cause>& causes) {
  const json* value = parent.empty() ? Find(object, member) : Find(object, {parent, member});
  if (!Given(value)) return;
  if (value->is_string() && kubeapi::ParseTime(value->get_ref<const std::string&>()).ok()) return;
  const std::string field = parent.empty() ? std::string(member) : absl::StrCat(parent, ".", member);
  causes.push_back(Wrong(field, "must be a time like 2026-01-31T09:00:00.000000Z"));
}

struct TextRule {
  absl::string_view field;
  size_t max_bytes;
  bool required;
};
constexpr std::array<TextRule, 5> kEventTexts = {{{"reportingController", 253, true},
                                                  {"reportingInstance", 128, true},
                                                  {"action", 128, true},
                                                  {"reason", 128, true},
                                                  {"note", 1024, false}}};

void EventRules(const json& event, std::vector<Cause>& causes) {
  if (!Given(Find(event, "eventTime"))) causes.push_back(Required("eventTime"));
  TimeRule(event, "", "eventTime", causes);
  for (const TextRule& rule : kEventTexts) {
    const std::string text = TextAt(event, {rule.field});
    if (text.empty() && rule.required) causes.push_back(Required(std::string(rule.field)));
    if (text.size() > rule.max_bytes) {
      causes.push_back(
          Wrong(std::string(rule.field), absl::StrCat("can have at most ", rule.max_bytes, " characters")));
    }
  }
  const std::string type = TextAt(event, {"type"});
  if (type != "Normal" && type != "Warning") causes.push_back(Wrong("type", "must be Normal or Warning"));
  if (const json* series = Find(event, "series"); Given(series)) {
    if (kubeapi::IntegerAt(*series, {"count"}).value_or(0) < 2)
      causes.push_back(Wrong("series.count", "must be at least 2"));
    if (!Given(Find(*series, "lastObservedTime"))) causes.push_back(Required("series.lastObservedTime"));
    TimeRule(event, "series", "lastObservedTime", causes);
  }
}

void LeaseRules(const json& lease, std::vector<Cause>& causes) {
  const json* seconds = Find(lease, {"spec", "leaseDurationSeconds"});
  if (Given(seconds) && kubeapi::IntegerAt(lease, {"spec", "leaseDurationSeconds"}).value_or(0) <= 0) {
    causes.push_back(Wrong("spec.leaseDurationSeconds", "must be greater than 0"));
  }
  const json* transitions = Find(lease, {"spec", "leaseTransitions"});
  if (Given(transitions) && kubeapi::IntegerAt(lease, {"spec", "leaseTransitions"}).value_or(-1) < 0) {
    causes.push_back(Wrong("spec.leaseTransitions", "must be greater than or equal to 0"));
  }
  TimeRule(lease, "spec", "acquireTime", causes);
  TimeRule(lease, "spec", "renewTime", causes);
}

}  // namespace

// stringData is a convenience for writing: it wins over data and is never stored.
void FoldStringData(const Served& served, json& object) {
  if (served.resource != kubeapi::Secrets() || !object.contains("stringData")) return;
  std::vector<Cause> causes;
  StringDataRules(object, causes);
  if (!causes.empty() || (Given(Find(object, "data")) && !object["data"].is_object())) return;
  const json given = object["stringData"];
  object.erase("stringData");
  for (const auto& [key, value] : given.items()) {
    object["data"][key] = kubeapi::EncodeBase64(value.get_ref<const std::string&>());
  }
}

absl::Status CheckSecretChange(const Served& served, const std::string& name, const json& live, const json& next) {
  if (served.resource != kubeapi::Secrets()) return absl::OkStatus();
  std::vector<Cause> causes;
  if (TextAt(live, {"type"}) != TextAt(next, {"type"})) causes.push_back(Wrong("type", "field is immutable"));
  const json* immutable = Find(live, "immutable");
  if (immutable != nullptr && *immutable == true) {
    const auto forbid = [&](const char* member) {
      const json* before = Find(live, member);
      const json* after = Find(next, member);
      const bool same = before == nullptr || after == nullptr ? before == after : *before == *after;
      if (!same) {
        causes.push_back({"FieldValueForbidden", "field is immutable when `immutable` is set", std::string(member)});
      }
    };
    forbid("immutable");
    forbid("data");
  }
  return causes.empty() ? absl::OkStatus() : Invalid(served.resource, name, std::move(causes));
}

absl::Status ApplyKindRules(const Served& served, const std::string& name, json& object) {
  FoldStringData(served, object);
  std::vector<Cause> causes;
  if (served.resource == kubeapi::Secrets()) SecretRules(object, causes);
  if (served.resource == kubeapi::Events()) EventRules(object, causes);
  if (served.resource == kubeapi::Leases()) LeaseRules(object, causes);
  return causes.empty() ? absl::OkStatus() : Invalid(served.resource, name, std::move(causes));
}

}  // namespace ottoscale::apiserver
