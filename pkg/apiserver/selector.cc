#include "pkg/apiserver/selector.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "pkg/apiserver/errors.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/kubeapi/object.h"

namespace ottoscale::apiserver {

using nlohmann::json;
using Operator = Requirement::Operator;

namespace {

// Splits at commas that stand outside parentheses.
std::vector<absl::string_view> Parts(absl::string_view text) {
  std::vector<absl::string_view> parts;
  size_t start = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      const absl::string_view part = absl::StripAsciiWhitespace(text.substr(start, i - start));
      if (!part.empty()) parts.push_back(part);
      start = i + 1;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')') {
      --depth;
    }
  }
  return parts;
}

// "a=b", "a==b", "a!=b".
std::optional<Requirement> Equality(absl::string_view part) {
  const size_t equals = part.find('=');
  if (equals == absl::string_view::npos) return std::nullopt;
  absl::string_view key = part.substr(0, equals);
  absl::string_view value = part.substr(equals + 1);
  const bool negated = absl::ConsumeSuffix(&key, "!");
  if (!negated) absl::ConsumePrefix(&value, "=");
  key = absl::StripAsciiWhitespace(key);
  if (value.find('=') != absl::string_view::npos) return std::nullopt;
  return Requirement{.key = std::string(key),
                     .op = negated ? Operator::kNotIn : Operator::kIn,
                     .values = {std::string(absl::StripAsciiWhitespace(value))}};
}

// "a in (b,c)", "a notin (b,c)".
std::optional<Requirement> Membership(absl::string_view part) {
  const std::vector<absl::string_view> words = absl::StrSplit(part, absl::MaxSplits(absl::ByAnyChar(" ("), 1));
  if (words.size() != 2 || !absl::ConsumeSuffix(&part, ")")) return std::nullopt;
  absl::string_view rest = absl::StripAsciiWhitespace(part.substr(words[0].size()));
  Requirement requirement{.key = std::string(words[0])};
  if (absl::ConsumePrefix(&rest, "notin")) {
    requirement.op = Operator::kNotIn;
  } else if (absl::ConsumePrefix(&rest, "in")) {
    requirement.op = Operator::kIn;
  } else {
    return std::nullopt;
  }
  rest = absl::StripAsciiWhitespace(rest);
  if (!absl::ConsumePrefix(&rest, "(")) return std::nullopt;
  for (const absl::string_view value : absl::StrSplit(rest, ',')) {
    requirement.values.emplace(absl::StripAsciiWhitespace(value));
  }
  return requirement;
}

std::optional<Requirement> Existence(absl::string_view part) {
  const bool absent = absl::ConsumePrefix(&part, "!");
  part = absl::StripAsciiWhitespace(part);
  if (part.empty() || part.find_first_of(" ()!=") != absl::string_view::npos) return std::nullopt;
  return Requirement{.key = std::string(part), .op = absent ? Operator::kAbsent : Operator::kExists};
}

absl::Status Unreadable(absl::string_view parameter, absl::string_view part) {
  return BadRequest(
      absl::StrCat("query parameter ", parameter, ": unable to read '", Printable(Truncate(part, 80)), "'"));
}

bool Holds(const Requirement& requirement, const json* value) {
  const bool text = value != nullptr && value->is_string();
  const bool listed = text && requirement.values.contains(value->get_ref<const std::string&>());
  switch (requirement.op) {
    case Operator::kIn: return listed;
    case Operator::kNotIn: return !listed;
    case Operator::kExists: return text;
    case Operator::kAbsent: return !text;
  }
  return false;
}

}  // namespace

bool Selector::Matches(const json& object) const {
  for (const Requirement& requirement : labels) {
    if (!Holds(requirement, kubeapi::Find(object, {"metadata", "labels", requirement.key}))) return false;
  }
  for (const Requirement& requirement : fields) {
    const json* at = &object;
    for (const absl::string_view step : absl::StrSplit(requirement.key, '.')) {
      if (at != nullptr) at = kubeapi::Find(*at, step);
    }
    if (!Holds(requirement, at)) return false;
  }
  return true;
}

absl::StatusOr<Selector> ParseSelector(absl::string_view labels, absl::string_view fields,
                                       const std::vector<std::string>& selectable) {
  std::vector<std::string> known = {"metadata.name", "metadata.namespace"};
  known.insert(known.end(), selectable.begin(), selectable.end());
  Selector selector;
  for (const absl::string_view part : Parts(labels)) {
    std::optional<Requirement> requirement = Membership(part);
    if (!requirement) requirement = Equality(part);
    if (!requirement) requirement = Existence(part);
    if (!requirement || requirement->key.empty()) return Unreadable("labelSelector", part);
    selector.labels.push_back(*std::move(requirement));
  }
  for (const absl::string_view part : Parts(fields)) {
    std::optional<Requirement> requirement = Equality(part);
    if (!requirement) return Unreadable("fieldSelector", part);
    if (std::find(known.begin(), known.end(), requirement->key) == known.end()) {
      return BadRequest(absl::StrCat("query parameter fieldSelector: '", Printable(Truncate(requirement->key, 80)),
                                     "' is not a selectable field, only ", JoinWords(known, "and"), " are"));
    }
    selector.fields.push_back(*std::move(requirement));
  }
  return selector;
}

}  // namespace ottoscale::apiserver
