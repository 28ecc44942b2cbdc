#include "pkg/apiserver/body.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/apiserver/errors.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/codec/yaml.h"

namespace ottoscale::apiserver {

using nlohmann::json;

namespace {

absl::StatusOr<json> OnlyObject(json body) {
  if (body.is_object()) return body;
  return BadRequest(absl::StrCat("the body must be one object, found ", body.is_array() ? "a list" : "a plain value"));
}

}  // namespace

absl::Status CheckSize(const http::ServerRequest& request) {
  if (request.body.size() <= kMaxBodyBytes) return absl::OkStatus();
  return Refusal(kubeapi::ErrorReason::kRequestEntityTooLarge,
                 absl::StrCat("the body has ", request.body.size(), " bytes: at most ", kMaxBodyBytes, " are allowed"));
}

std::string MediaType(const http::ServerRequest& request) {
  const std::string header = request.headers.Get("Content-Type").value_or("");
  const absl::string_view type = absl::string_view(header).substr(0, header.find(';'));
  return absl::AsciiStrToLower(absl::StripAsciiWhitespace(type));
}

absl::StatusOr<json> ReadObject(const http::ServerRequest& request) {
  const std::string type = MediaType(request);
  if (absl::EndsWith(type, "yaml")) return ReadYamlObject(request.body);
  if (!type.empty() && type != "application/json") return WrongMediaType(type, "application/json or application/yaml");
  ASSIGN_OR_RETURN(json body, ReadJsonBody(request.body));
  return OnlyObject(std::move(body));
}

absl::StatusOr<json> ReadJsonBody(absl::string_view body) {
  absl::StatusOr<json> read = codec::ReadJson(body, {.max_bytes = kMaxBodyBytes, .max_depth = kMaxDepth});
  if (read.ok()) return read;
  return BadRequest(absl::StrCat("the body cannot be read: ", read.status().message()));
}

absl::StatusOr<json> ReadYamlObject(absl::string_view body) {
  if (absl::StartsWith(absl::StripLeadingAsciiWhitespace(body), "{")) {
    ASSIGN_OR_RETURN(json read, ReadJsonBody(body));
    return OnlyObject(std::move(read));
  }
  codec::Documents documents = codec::ParseYaml(body, {.max_bytes = kMaxBodyBytes, .max_depth = kMaxDepth});
  if (!documents.problems.empty()) {
    return BadRequest(absl::StrCat("the body cannot be read: ", codec::FormatProblem("yaml", documents.problems[0])));
  }
  if (documents.documents.size() != 1) {
    return BadRequest(absl::StrCat("the body must be one object, found ", documents.documents.size(), " documents"));
  }
  return OnlyObject(std::move(documents.documents[0].value));
}

absl::Status WrongMediaType(absl::string_view found, absl::string_view allowed) {
  return Refusal(kubeapi::ErrorReason::kUnsupportedMediaType,
                 absl::StrCat("the body of the request was in an unknown format: Content-Type must be ", allowed,
                              ", found ", found.empty() ? "none" : Printable(Truncate(found, 80))));
}

}  // namespace ottoscale::apiserver
