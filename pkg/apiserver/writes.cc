#include "pkg/apiserver/writes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "pkg/apiserver/body.h"
#include "pkg/apiserver/errors.h"
#include "pkg/apiserver/json_patch.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/kubeapi/time_format.h"

namespace ottoscale::apiserver {

using kubeapi::Cause;
using kubeapi::Find;
using kubeapi::TextAt;
using nlohmann::json;

namespace {

std::string NewUid(async::Random& random) {
  const uint64_t a = random.Next();
  const uint64_t b = random.Next();
  // Version 4, variant 1.
  return absl::StrFormat("%08x-%04x-4%03x-%04x-%012x", a >> 32, (a >> 16) & 0xffff, a & 0xfff,
                         0x8000 | ((b >> 48) & 0x3fff), b & 0xffffffffffff);
}

absl::Status CheckPreconditions(const Served& served, const Stored& live, absl::string_view uid,
                                absl::string_view resource_version) {
  const std::string live_uid = TextAt(*live.object, {"metadata", "uid"});
  if (!uid.empty() && uid != live_uid) {
    return Conflict(
        served.resource, live.key.name,
        absl::StrCat("Precondition failed: UID in precondition: ", uid, ", UID in object meta: ", live_uid));
  }
  if (!resource_version.empty() && resource_version != "0" && resource_version != std::to_string(live.revision)) {
    return Modified(served.resource, live.key.name);
  }
  return absl::OkStatus();
}

// A write to the status of a custom kind takes over nothing of the metadata: there another uid is no precondition.
absl::Status CheckMetadataPreconditions(const WriteRequest& request, const Stored& live, const json& input) {
  const bool uid_counts = !(request.status && request.served.custom);
  return CheckPreconditions(request.served, live, uid_counts ? TextAt(input, {"metadata", "uid"}) : "",
                            TextAt(input, {"metadata", "resourceVersion"}));
}

// "spec.a: message" has a field in front, a sentence has not.
Cause CauseOf(const std::string& problem) {
  const std::vector<std::string> parts = absl::StrSplit(problem, absl::MaxSplits(": ", 1));
  if (parts.size() < 2 || parts[0].find(' ') != std::string::npos) return {"FieldValueInvalid", problem, ""};
  return {"FieldValueInvalid", parts[1], parts[0]};
}

absl::Status RefusedConflicts(const std::vector<Cause>& causes) {
  std::string message =
      absl::StrCat("Apply failed with ", causes.size(), causes.size() == 1 ? " conflict: " : " conflicts: ");
  for (size_t i = 0; i < causes.size(); ++i) {
    absl::StrAppend(&message, i == 0 ? "" : ", ", causes[i].message, ": ", causes[i].field);
  }
  kubeapi::ApiError error = kubeapi::MakeApiError(kubeapi::ErrorReason::kConflict, message);
  error.causes = causes;
  return kubeapi::ToStatus(error);
}

bool Dying(const json& object) { return !TextAt(object, {"metadata", "deletionTimestamp"}).empty(); }
bool HasFinalizers(const json& object) {
  const json* finalizers = Find(object, {"metadata", "finalizers"});
  return finalizers != nullptr && finalizers->is_array() && !finalizers->empty();
}

json DeletedStatus(const Served& served, const Stored& last) {
  json details = json::object();
  details["name"] = last.key.name;
  if (!served.resource.group.empty()) details["group"] = served.resource.group;
  details["kind"] = served.resource.plural;
  details["uid"] = TextAt(*last.object, {"metadata", "uid"});
  json status = json::object();
  status["kind"] = "Status";
  status["apiVersion"] = "v1";
  status["metadata"] = json::object();
  status["status"] = "Success";
  status["details"] = std::move(details);
  return status;
}

bool DryRunIn(const json& options) {
  const json* dry_run = Find(options, "dryRun");
  return dry_run != nullptr && dry_run->is_array() && !dry_run->empty();
}

// Of an applied object, what a write to it (or to /status) is about.
json OnlyPart(const Served& served, json applied, bool status) {
  if (!served.custom) return applied;
  if (!status) {
    applied.erase("status");
    return applied;
  }
  json part = json::object();
  if (const json* given = Find(applied, "status")) part["status"] = *given;
  return part;
}

// What an applied object says about itself is not laid over the live one.
json WithoutIdentity(json applied) {
  applied.erase("apiVersion");
  applied.erase("kind");
  if (!applied.contains("metadata")) return applied;
  json& metadata = applied["metadata"];
  for (const char* member : {"name", "namespace", "generateName", "uid", "resourceVersion", "generation",
                             "creationTimestamp", "deletionTimestamp", "managedFields"}) {
    metadata.erase(member);
  }
  return applied;
}

// What the validator says of a field, with the schema's reason; and what only the schema says.
std::vector<Cause> Merged(std::vector<Cause> said, const std::vector<Cause>& shape) {
  for (const Cause& cause : shape) {
    const auto same =
        std::find_if(said.begin(), said.end(), [&](const Cause& each) { return each.field == cause.field; });
    if (same == said.end()) {
      said.push_back(cause);
    } else {
      same->reason = cause.reason;
    }
  }
  return said;
}

bool StatusChanged(const json& a, const json& b) {
  const json* before = Find(a, "status");
  const json* after = Find(b, "status");
  if (before == nullptr || after == nullptr) return after != nullptr;
  return *before != *after;
}

// A write of the store lost a race, which within one turn only another process can cause.
absl::Status StoreFailure(const Served& served, const std::string& name, const absl::Status& status) {
  return absl::IsAborted(status) ? Modified(served.resource, name) : Annotate("store", status);
}

}  // namespace

absl::StatusOr<Written> Writes::Create(WriteRequest request, const json& input) {
  RETURN_IF_ERROR(CheckEnvelope(request.served, request.key, input));
  const std::string version = TextAt(input, {"metadata", "resourceVersion"});
  if (!version.empty() && version != "0")
    return BadRequest("resourceVersion should not be set on objects to be created");
  request.key.name = TextAt(input, {"metadata", "name"});
  const std::string prefix = TextAt(input, {"metadata", "generateName"});
  if (request.key.name.empty() && !prefix.empty()) request.key.name = GeneratedName(prefix);
  return CreateAs(request, input, "Update");
}

absl::StatusOr<Written> Writes::CreateAs(const WriteRequest& request, json input, absl::string_view operation) {
  const Served& served = request.served;
  const bool apply = operation == "Apply";
  FieldSet wanted;
  ASSIGN_OR_RETURN(std::vector<std::string> warnings, Decode(request, input));
  RETURN_IF_ERROR(CheckKey(served, request.key));
  ASSIGN_OR_RETURN(const std::optional<Stored> live, store_.Get(served.resource, request.key));
  if (live) return AlreadyExists(served.resource, request.key.name);
  if (apply) wanted = FieldsOf(input, served.list_maps);
  if (served.schema != nullptr) ApplyDefaults(*served.schema, input);
  json object = NewObject(served, request.key, input, {.uid = NewUid(loop_.random()), .now = loop_.Now().wall});
  RETURN_IF_ERROR(CheckUserMetadata(served, request.key.name, nullptr, object));
  RETURN_IF_ERROR(ApplyKindRules(served, request.key.name, object));
  RETURN_IF_ERROR(Validate(served, request.key.name, object));
  Manager writer = WriterOf(request, operation);
  // An applier owns what it sent; a plain writer what came of it.
  writer.fields = apply ? std::move(wanted) : FieldsOf(object, served.list_maps);
  WriteManagers(object, {std::move(writer)});
  if (request.dry_run) {
    return Written{
        .code = 201, .object = std::make_shared<const json>(std::move(object)), .warnings = std::move(warnings)};
  }
  const absl::StatusOr<Stored> stored = store_.Put(served.resource, request.key, std::move(object), 0);
  if (!stored.ok()) return StoreFailure(served, request.key.name, stored.status());
  return Written{.code = 201, .object = stored->object, .warnings = std::move(warnings)};
}

absl::StatusOr<Written> Writes::Replace(const WriteRequest& request, const json& input) {
  RETURN_IF_ERROR(CheckEnvelope(request.served, request.key, input));
  ASSIGN_OR_RETURN(const Stored live, Existing(request));
  const std::string version = TextAt(input, {"metadata", "resourceVersion"});
  if ((version.empty() || version == "0") && !request.served.unconditional_update) {
    return Invalid(request.served.resource, request.key.name,
                   {{"FieldValueInvalid", "must be specified for an update: read the object first, or use a patch",
                     "metadata.resourceVersion"}});
  }
  return Update(request, live, input);
}

absl::StatusOr<Written> Writes::MergePatch(const WriteRequest& request, const json& patch) {
  if (!patch.is_object()) return BadRequest("a merge patch is one object");
  ASSIGN_OR_RETURN(const Stored live, Existing(request));
  json input = *live.object;
  input.merge_patch(patch);
  RETURN_IF_ERROR(CheckEnvelope(request.served, request.key, input));
  return Update(request, live, std::move(input));
}

absl::StatusOr<Written> Writes::JsonPatch(const WriteRequest& request, const json& patch) {
  ASSIGN_OR_RETURN(const Stored live, Existing(request));
  ASSIGN_OR_RETURN(json input, ApplyJsonPatch(*live.object, patch));
  RETURN_IF_ERROR(CheckEnvelope(request.served, request.key, input));
  return Update(request, live, std::move(input));
}

absl::StatusOr<Written> Writes::ServerSideApply(const WriteRequest& request, const json& input) {
  const Served& served = request.served;
  json applied = input;
  FoldStringData(served, applied);
  RETURN_IF_ERROR(CheckEnvelope(served, request.key, applied));
  const json* managed = Find(applied, {"metadata", "managedFields"});
  if (managed != nullptr && managed->is_structured() && !managed->empty()) {
    return BadRequest("metadata.managedFields must be nil");
  }
  ASSIGN_OR_RETURN(const std::optional<Stored> live, store_.Get(served.resource, request.key));
  if (!live) {
    if (request.status) return NotFound(served.resource, request.key.name);
    const Stored nothing{.key = request.key, .object = std::make_shared<const json>(json::object())};
    RETURN_IF_ERROR(CheckMetadataPreconditions(request, nothing, applied));
    return CreateAs(request, OnlyPart(served, applied, false), "Apply");
  }
  RETURN_IF_ERROR(CheckMetadataPreconditions(request, *live, applied));
  ASSIGN_OR_RETURN(std::vector<std::string> warnings, Decode(request, applied));
  const json part = OnlyPart(served, WithoutIdentity(applied), request.status);
  ApplyResult result = Apply(*live->object, ReadManagers(*live->object), WriterOf(request, "Apply"), part,
                             request.force, served.list_maps);
  if (!result.conflicts.empty()) return RefusedConflicts(result.conflicts);
  json next = NextObject(served, *live->object, result.object, request.status);
  if (served.schema != nullptr) ApplyDefaults(*served.schema, next);
  ASSIGN_OR_RETURN(Written written, Finish(request, *live, std::move(next), std::move(result.managers)));
  written.warnings = std::move(warnings);
  return written;
}

absl::StatusOr<Written> Writes::Update(const WriteRequest& request, const Stored& live, json input) {
  ASSIGN_OR_RETURN(std::vector<std::string> warnings, Decode(request, input));
  RETURN_IF_ERROR(CheckMetadataPreconditions(request, live, input));
  if (request.served.schema != nullptr) ApplyDefaults(*request.served.schema, input);
  json next = NextObject(request.served, *live.object, input, request.status);
  RETURN_IF_ERROR(ApplyKindRules(request.served, request.key.name, next));
  Managers managers = ReadManagers(*live.object);
  if (ContentChanged(*live.object, next)) {
    managers =
        AfterUpdate(std::move(managers), WriterOf(request, "Update"), *live.object, next, request.served.list_maps);
  }
  ASSIGN_OR_RETURN(Written written, Finish(request, live, std::move(next), std::move(managers)));
  written.warnings = std::move(warnings);
  return written;
}

absl::StatusOr<Written> Writes::Finish(const WriteRequest& request, const Stored& live, json next, Managers managers) {
  const Served& served = request.served;
  WriteManagers(next, std::move(managers));
  if (next == *live.object) return Written{.object = live.object};
  RETURN_IF_ERROR(CheckUserMetadata(served, request.key.name, live.object.get(), next));
  if (WantsChanged(*live.object, next)) {
    RETURN_IF_ERROR(ApplyKindRules(served, request.key.name, next));
    RETURN_IF_ERROR(CheckSecretChange(served, request.key.name, *live.object, next));
    RETURN_IF_ERROR(Validate(served, request.key.name, next));
  } else if (served.schema != nullptr && StatusChanged(*live.object, next)) {
    std::vector<Cause> causes = CheckSchema(*served.schema, next);
    std::erase_if(causes, [](const Cause& cause) { return !absl::StartsWith(cause.field, "status"); });
    if (!causes.empty()) return Invalid(served.resource, request.key.name, std::move(causes));
  }
  if (codec::Dump(next).size() > kMaxBodyBytes) {
    return Refusal(kubeapi::ErrorReason::kRequestEntityTooLarge, "the object becomes too large");
  }
  if (request.dry_run) return Written{.object = std::make_shared<const json>(std::move(next))};
  if (Dying(next) && !HasFinalizers(next)) {  // the last finalizer went: so does the object
    const absl::StatusOr<Stored> last = store_.Delete(served.resource, live.key, live.revision);
    if (!last.ok()) return StoreFailure(served, request.key.name, last.status());
    return Written{.object = std::make_shared<const json>(std::move(next))};
  }
  const absl::StatusOr<Stored> stored = store_.Put(served.resource, live.key, std::move(next), live.revision);
  if (!stored.ok()) return StoreFailure(served, request.key.name, stored.status());
  return Written{.object = stored->object};
}

absl::StatusOr<json> Writes::Delete(const WriteRequest& request, const json& options) {
  const Served& served = request.served;
  ASSIGN_OR_RETURN(const Stored live, Existing(request));
  RETURN_IF_ERROR(CheckPreconditions(served, live, TextAt(options, {"preconditions", "uid"}),
                                     TextAt(options, {"preconditions", "resourceVersion"})));
  if (HasFinalizers(*live.object)) {
    ASSIGN_OR_RETURN(const Written marked, MarkDeleted(request, live));
    return *marked.object;
  }
  if (request.dry_run || DryRunIn(options)) return DeletedStatus(served, live);
  const absl::StatusOr<Stored> last = store_.Delete(served.resource, live.key, live.revision);
  if (!last.ok()) return StoreFailure(served, request.key.name, last.status());
  return DeletedStatus(served, *last);
}

absl::StatusOr<Written> Writes::MarkDeleted(const WriteRequest& request, const Stored& live) {
  json next = *live.object;
  if (Dying(next)) return Written{.object = live.object};
  json& metadata = next["metadata"];
  metadata["deletionTimestamp"] = kubeapi::PrintTime(loop_.Now().wall);
  metadata["deletionGracePeriodSeconds"] = 0;
  if (request.served.custom) {
    metadata["generation"] = kubeapi::IntegerAt(next, {"metadata", "generation"}).value_or(0) + 1;
  }
  return Finish(request, live, next, ReadManagers(*live.object));
}

absl::StatusOr<Stored> Writes::Existing(const WriteRequest& request) {
  ASSIGN_OR_RETURN(std::optional<Stored> live, store_.Get(request.served.resource, request.key));
  if (!live) return NotFound(request.served.resource, request.key.name);
  return *std::move(live);
}

absl::StatusOr<std::vector<std::string>> Writes::Decode(const WriteRequest& request, json& object) {
  std::vector<std::string> warnings;
  if (request.served.schema == nullptr) return warnings;
  for (const std::string& field : UnknownFields(*request.served.schema, object)) {
    warnings.push_back(absl::StrCat("unknown field \"", Printable(Truncate(field, 200)), "\""));
  }
  if (request.validation == FieldValidation::kStrict && !warnings.empty()) {
    return BadRequest(absl::StrCat(request.served.resource.kind, " in version \"", request.served.resource.version,
                                   "\" cannot be handled as a ", request.served.resource.kind,
                                   ": strict decoding error: ", absl::StrJoin(warnings, ", ")));
  }
  Prune(*request.served.schema, object);
  if (request.validation == FieldValidation::kIgnore) warnings.clear();
  return warnings;
}

absl::Status Writes::Validate(const Served& served, const std::string& name, const json& object) const {
  if (!served.custom) return absl::OkStatus();
  std::vector<Cause> causes;
  if (validator_) {
    for (const std::string& problem : validator_(served.resource, object)) causes.push_back(CauseOf(problem));
  }
  if (served.schema != nullptr) causes = Merged(std::move(causes), CheckSchema(*served.schema, object));
  return causes.empty() ? absl::OkStatus() : Invalid(served.resource, name, std::move(causes));
}

Manager Writes::WriterOf(const WriteRequest& request, absl::string_view operation) {
  return {.name = request.manager.empty() ? "unknown" : request.manager,
          .operation = std::string(operation),
          .subresource = request.status ? "status" : "",
          .api_version = request.served.resource.ApiVersion(),
          .time = kubeapi::PrintTime(loop_.Now().wall)};
}

std::string Writes::GeneratedName(const std::string& prefix) {
  constexpr absl::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  std::string name = prefix;
  for (int i = 0; i < 5; ++i) name.push_back(kLetters[loop_.random().Below(kLetters.size())]);
  return name;
}

}  // namespace ottoscale::apiserver
