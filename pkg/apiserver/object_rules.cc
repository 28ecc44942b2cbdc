#include "pkg/apiserver/object_rules.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "pkg/apiserver/errors.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/kubeapi/time_format.h"

namespace ottoscale::apiserver {

using kubeapi::Cause;
using kubeapi::Find;
using kubeapi::ObjectKey;
using kubeapi::TextAt;
using nlohmann::json;

namespace {

constexpr std::array<absl::string_view, 4> kUserMetadata = {"annotations", "finalizers", "labels", "ownerReferences"};
constexpr std::array<absl::string_view, 9> kServerMetadata = {
    "name",         "namespace",         "generateName",      "uid",
    "generation",   "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
    "managedFields"};

bool IsLabel(absl::string_view text) {
  const auto alnum = [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) || (c >= '0' && c <= '9');
  };
  if (text.empty() || text.size() > 63 || !alnum(text.front()) || !alnum(text.back())) return false;
  return std::all_of(text.begin(), text.end(), [&alnum](char c) { return alnum(c) || c == '-'; });
}

bool IsSubdomain(absl::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  const std::vector<absl::string_view> labels = absl::StrSplit(text, '.');
  return std::all_of(labels.begin(), labels.end(), [](absl::string_view label) { return IsLabel(label); });
}

bool IsNamePart(absl::string_view text) {
  const auto alnum = [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); };
  if (text.empty() || text.size() > 63 || !alnum(text.front()) || !alnum(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [&alnum](char c) { return alnum(c) || c == '-' || c == '_' || c == '.'; });
}

// "app", "example.com/app".
bool IsQualifiedName(absl::string_view text) {
  const size_t slash = text.find('/');
  if (slash == absl::string_view::npos) return IsNamePart(text);
  return IsSubdomain(text.substr(0, slash)) && IsNamePart(text.substr(slash + 1));
}

void CheckKeys(const json& metadata, absl::string_view member, bool values, std::vector<Cause>& causes) {
  const json* map = Find(metadata, member);
  if (map == nullptr || !map->is_object()) return;
  const std::string field = absl::StrCat("metadata.", member);
  for (const auto& [key, value] : map->items()) {
    if (!IsQualifiedName(key)) {
      causes.push_back({"FieldValueInvalid",
                        absl::StrCat("'", Printable(Truncate(key, 80)),
                                     "' must be letters, digits, '-', '_' and '.', begin and end with a letter or "
                                     "digit, have at most 63 bytes, and may have a DNS name and '/' in front"),
                        field});
    }
    if (!values || !value.is_string()) continue;
    const std::string& text = value.get_ref<const std::string&>();
    if (text.empty() || IsNamePart(text)) continue;
    causes.push_back(
        {"FieldValueInvalid",
         absl::StrCat("'", Printable(Truncate(text, 80)),
                      "' must be empty or letters, digits, '-', '_' and '.', begin and end with a letter or "
                      "digit, and have at most 63 bytes"),
         field});
  }
}

std::vector<std::string> FinalizersOf(const json& object) {
  std::vector<std::string> out;
  const json* list = Find(object, {"metadata", "finalizers"});
  if (list == nullptr || !list->is_array()) return out;
  for (const json& each : *list) {
    if (each.is_string()) out.push_back(each.get<std::string>());
  }
  return out;
}

absl::Status CheckMember(const json& input, absl::string_view member, absl::string_view wanted) {
  const std::string found = TextAt(input, {member});
  if (found == wanted) return absl::OkStatus();
  if (found.empty()) return BadRequest(absl::StrCat(member, " is missing: must be ", wanted));
  return BadRequest(absl::StrCat(member, " must be ", wanted, " here, found ", Printable(Truncate(found, 80))));
}

absl::Status CheckTexts(const json& metadata, absl::string_view member) {
  const json* map = Find(metadata, member);
  if (map == nullptr || map->is_null()) return absl::OkStatus();
  if (!map->is_object()) return BadRequest(absl::StrCat("metadata.", member, " must be a map of texts"));
  for (const auto& [key, value] : map->items()) {
    if (value.is_string()) continue;
    return BadRequest(absl::StrCat("metadata.", member, ".", Printable(key), " must be a text: quote it"));
  }
  return absl::OkStatus();
}

absl::Status CheckList(const json& metadata, absl::string_view member, json::value_t type, absl::string_view of) {
  const json* list = Find(metadata, member);
  if (list == nullptr || list->is_null()) return absl::OkStatus();
  const bool good = list->is_array() &&
                    std::all_of(list->begin(), list->end(), [type](const json& each) { return each.type() == type; });
  return good ? absl::OkStatus() : BadRequest(absl::StrCat("metadata.", member, " must be a list of ", of));
}

absl::Status CheckMetadata(const json& metadata) {
  if (!metadata.is_object()) return BadRequest("metadata must be an object");
  for (const absl::string_view member : {"name", "namespace", "generateName", "uid", "resourceVersion"}) {
    const json* value = Find(metadata, member);
    if (value == nullptr || value->is_null() || value->is_string()) continue;
    return BadRequest(absl::StrCat("metadata.", member, " must be a text"));
  }
  RETURN_IF_ERROR(CheckTexts(metadata, "labels"));
  RETURN_IF_ERROR(CheckTexts(metadata, "annotations"));
  RETURN_IF_ERROR(CheckList(metadata, "finalizers", json::value_t::string, "texts"));
  return CheckList(metadata, "ownerReferences", json::value_t::object, "objects");
}

absl::Status CheckSame(absl::string_view what, absl::string_view in_body, absl::string_view in_path) {
  if (in_body.empty() || in_path.empty() || in_body == in_path) return absl::OkStatus();
  return BadRequest(absl::StrCat("the ", what, " of the object (", Printable(Truncate(in_body, 80)),
                                 ") does not match the ", what, " of the request (", in_path, ")"));
}

void CopyMember(const json& from, json& to, absl::string_view member) {
  const json* value = Find(from, member);
  if (value != nullptr && !value->is_null() && !(value->is_structured() && value->empty())) {
    to[std::string(member)] = *value;
  }
}

// Equal in all members but these, without copying.
bool EqualBut(const json& a, const json& b, std::initializer_list<absl::string_view> ignored) {
  const auto ignore = [&ignored](absl::string_view name) {
    return std::find(ignored.begin(), ignored.end(), name) != ignored.end();
  };
  for (const auto& [name, member] : a.items()) {
    const json* other = ignore(name) ? &member : Find(b, name);
    if (other == nullptr || *other != member) return false;
  }
  for (const auto& [name, member] : b.items()) {
    if (!ignore(name) && Find(a, name) == nullptr) return false;
  }
  return true;
}

int64_t Generation(const json& object) { return kubeapi::IntegerAt(object, {"metadata", "generation"}).value_or(0); }

}  // namespace

absl::Status CheckEnvelope(const Served& served, const ObjectKey& key, const json& input) {
  RETURN_IF_ERROR(CheckMember(input, "apiVersion", served.resource.ApiVersion()));
  RETURN_IF_ERROR(CheckMember(input, "kind", served.resource.kind));
  const json* metadata = Find(input, "metadata");
  if (metadata == nullptr) return BadRequest("metadata is missing: it must have a name");
  RETURN_IF_ERROR(CheckMetadata(*metadata));
  RETURN_IF_ERROR(CheckSame("namespace", TextAt(*metadata, {"namespace"}), key.ns));
  return CheckSame("name", TextAt(*metadata, {"name"}), key.name);
}

absl::Status CheckUserMetadata(const Served& served, const std::string& name, const json* live, const json& next) {
  std::vector<Cause> causes;
  CheckKeys(next["metadata"], "labels", true, causes);
  CheckKeys(next["metadata"], "annotations", false, causes);
  const std::vector<std::string> before = live == nullptr ? std::vector<std::string>() : FinalizersOf(*live);
  const bool dying = live != nullptr && !TextAt(*live, {"metadata", "deletionTimestamp"}).empty();
  for (const std::string& finalizer : FinalizersOf(next)) {
    if (!IsQualifiedName(finalizer)) {
      causes.push_back({"FieldValueInvalid",
                        absl::StrCat("'", Printable(Truncate(finalizer, 80)), "' must be a name like example.com/hold"),
                        "metadata.finalizers"});
    } else if (dying && std::find(before.begin(), before.end(), finalizer) == before.end()) {
      causes.push_back({"FieldValueForbidden", "no new finalizers can be added if the object is being deleted",
                        "metadata.finalizers"});
    }
  }
  return causes.empty() ? absl::OkStatus() : Invalid(served.resource, name, std::move(causes));
}

absl::Status CheckKey(const Served& served, const ObjectKey& key) {
  std::vector<Cause> causes;
  if (key.name.empty()) {
    causes.push_back({"FieldValueRequired", "name or generateName is required", "metadata.name"});
  } else if (!IsSubdomain(key.name)) {
    causes.push_back(
        {"FieldValueInvalid",
         absl::StrCat("must consist of lower case letters, digits, '-' and '.', begin and end with a letter "
                      "or digit, and have at most 253 bytes, found '",
                      Printable(Truncate(key.name, 80)), "'"),
         "metadata.name"});
  }
  if (served.resource.namespaced && !IsLabel(key.ns)) {
    causes.push_back({"FieldValueInvalid",
                      absl::StrCat("must consist of lower case letters, digits and '-', begin and end with a letter or "
                                   "digit, and have at most 63 bytes, found '",
                                   Printable(Truncate(key.ns, 80)), "'"),
                      "metadata.namespace"});
  }
  return causes.empty() ? absl::OkStatus() : Invalid(served.resource, key.name, std::move(causes));
}

json NewObject(const Served& served, const ObjectKey& key, const json& input, const Birth& birth) {
  json object = input;
  json metadata = json::object();
  const json* given = Find(input, "metadata");
  if (given != nullptr) {
    for (const absl::string_view member : kUserMetadata) CopyMember(*given, metadata, member);
    CopyMember(*given, metadata, "generateName");
  }
  metadata["name"] = key.name;
  if (served.resource.namespaced) metadata["namespace"] = key.ns;
  metadata["uid"] = birth.uid;
  metadata["creationTimestamp"] = kubeapi::PrintTime(birth.now);
  if (served.custom) {
    metadata["generation"] = 1;
    object.erase("status");
  }
  object["metadata"] = std::move(metadata);
  return object;
}

json NextObject(const Served& served, const json& live, const json& input, bool status) {
  if (status) {
    json next = live;
    const json* given = Find(input, "status");
    if (given == nullptr || given->is_null()) {
      next.erase("status");
    } else {
      next["status"] = *given;
    }
    return next;
  }
  json next = input;
  json metadata = json::object();
  for (const absl::string_view member : kServerMetadata) CopyMember(live["metadata"], metadata, member);
  if (const json* given = Find(input, "metadata")) {
    for (const absl::string_view member : kUserMetadata) CopyMember(*given, metadata, member);
  }
  metadata["resourceVersion"] = live["metadata"]["resourceVersion"];
  next["metadata"] = std::move(metadata);
  if (served.custom) {
    next.erase("status");
    if (const json* kept = Find(live, "status")) next["status"] = *kept;
    if (WantsChanged(live, next)) next["metadata"]["generation"] = Generation(live) + 1;
  }
  return next;
}

bool WantsChanged(const json& a, const json& b) { return !EqualBut(a, b, {"metadata", "status"}); }

bool ContentChanged(const json& a, const json& b) {
  return !EqualBut(a, b, {"metadata"}) || !EqualBut(a["metadata"], b["metadata"], {"managedFields", "resourceVersion"});
}

}  // namespace ottoscale::apiserver
