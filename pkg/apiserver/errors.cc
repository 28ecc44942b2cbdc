#include "pkg/apiserver/errors.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ottoscale::apiserver {

using kubeapi::ApiError;
using kubeapi::Cause;
using kubeapi::ErrorReason;
using kubeapi::Resource;

namespace {

absl::Status About(ErrorReason reason, const Resource& resource, absl::string_view name, std::string message) {
  ApiError error = kubeapi::MakeApiError(reason, message);
  error.group = resource.group;
  error.kind = resource.plural;
  error.name = std::string(name);
  return kubeapi::ToStatus(error);
}

std::string Quoted(const Resource& resource, absl::string_view name) {
  return absl::StrCat(resource.GroupResource(), " \"", name, "\"");
}

std::string Sentence(const Cause& cause) {
  return cause.field.empty() ? cause.message : absl::StrCat(cause.field, ": ", cause.message);
}

std::string Sentences(const std::vector<Cause>& causes) {
  if (causes.size() == 1) return Sentence(causes.front());
  const auto append = [](std::string* out, const Cause& cause) { absl::StrAppend(out, Sentence(cause)); };
  return absl::StrCat("[", absl::StrJoin(causes, ", ", append), "]");
}

}  // namespace

absl::Status Refusal(ErrorReason reason, absl::string_view message) {
  return kubeapi::ToStatus(kubeapi::MakeApiError(reason, message));
}

absl::Status BadRequest(absl::string_view message) { return Refusal(ErrorReason::kBadRequest, message); }

absl::Status NotFound(const Resource& resource, absl::string_view name) {
  return About(ErrorReason::kNotFound, resource, name, absl::StrCat(Quoted(resource, name), " not found"));
}

absl::Status AlreadyExists(const Resource& resource, absl::string_view name) {
  return About(ErrorReason::kAlreadyExists, resource, name, absl::StrCat(Quoted(resource, name), " already exists"));
}

absl::Status Conflict(const Resource& resource, absl::string_view name, absl::string_view why) {
  return About(ErrorReason::kConflict, resource, name,
               absl::StrCat("Operation cannot be fulfilled on ", Quoted(resource, name), ": ", why));
}

absl::Status Modified(const Resource& resource, absl::string_view name) {
  return Conflict(resource, name,
                  "the object has been modified; please apply your changes to the latest version and try again");
}

absl::Status Invalid(const Resource& resource, absl::string_view name, std::vector<Cause> causes) {
  const std::string kind = resource.group.empty() ? resource.kind : absl::StrCat(resource.kind, ".", resource.group);
  ApiError error = kubeapi::MakeApiError(ErrorReason::kInvalid,
                                         absl::StrCat(kind, " \"", name, "\" is invalid: ", Sentences(causes)));
  error.group = resource.group;
  error.kind = resource.kind;
  error.name = std::string(name);
  error.causes = std::move(causes);
  return kubeapi::ToStatus(error);
}

absl::Status NoSuchPath() {
  return Refusal(ErrorReason::kNotFound, "the server could not find the requested resource");
}

ApiError AsApiError(const absl::Status& status) {
  if (std::optional<ApiError> error = kubeapi::ApiErrorOf(status)) return *std::move(error);
  return kubeapi::MakeApiError(ErrorReason::kInternalError, absl::StrCat("Internal error: ", status.message()));
}

}  // namespace ottoscale::apiserver
