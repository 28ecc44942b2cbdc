#include "pkg/kubeapi/api_error.h"

#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "pkg/base/text.h"
#include "pkg/kubeapi/object.h"

namespace ottoscale::kubeapi {

using nlohmann::json;

namespace {

constexpr absl::string_view kPayloadUrl = "ottoscale.dev/kubeapi.ApiError";
constexpr absl::Duration kLongestRetryAfter = absl::Hours(24);

struct ReasonRow {
  ErrorReason reason;
  absl::string_view name;
  int http;
  absl::StatusCode code;
  bool from_http;  // the HTTP status alone means this reason
};

constexpr std::array<ReasonRow, 18> kReasons = {{
    {ErrorReason::kBadRequest, "BadRequest", 400, absl::StatusCode::kInvalidArgument, true},
    {ErrorReason::kUnauthorized, "Unauthorized", 401, absl::StatusCode::kUnauthenticated, true},
    {ErrorReason::kForbidden, "Forbidden", 403, absl::StatusCode::kPermissionDenied, true},
    {ErrorReason::kNotFound, "NotFound", 404, absl::StatusCode::kNotFound, true},
    {ErrorReason::kMethodNotAllowed, "MethodNotAllowed", 405, absl::StatusCode::kUnimplemented, true},
    {ErrorReason::kNotAcceptable, "NotAcceptable", 406, absl::StatusCode::kInvalidArgument, true},
    {ErrorReason::kAlreadyExists, "AlreadyExists", 409, absl::StatusCode::kAlreadyExists, false},
    {ErrorReason::kConflict, "Conflict", 409, absl::StatusCode::kAborted, true},
    {ErrorReason::kExpired, "Expired", 410, absl::StatusCode::kOutOfRange, true},
    {ErrorReason::kGone, "Gone", 410, absl::StatusCode::kOutOfRange, false},
    {ErrorReason::kRequestEntityTooLarge, "RequestEntityTooLarge", 413, absl::StatusCode::kInvalidArgument, true},
    {ErrorReason::kUnsupportedMediaType, "UnsupportedMediaType", 415, absl::StatusCode::kInvalidArgument, true},
    {ErrorReason::kInvalid, "Invalid", 422, absl::StatusCode::kInvalidArgument, true},
    {ErrorReason::kTooManyRequests, "TooManyRequests", 429, absl::StatusCode::kUnavailable, true},
    {ErrorReason::kInternalError, "InternalError", 500, absl::StatusCode::kInternal, true},
    {ErrorReason::kServiceUnavailable, "ServiceUnavailable", 503, absl::StatusCode::kUnavailable, true},
    {ErrorReason::kServerTimeout, "ServerTimeout", 500, absl::StatusCode::kUnavailable, false},
    {ErrorReason::kTimeout, "Timeout", 504, absl::StatusCode::kDeadlineExceeded, true},
}};

const ReasonRow* RowOf(ErrorReason reason) {
  for (const ReasonRow& row : kReasons) {
    if (row.reason == reason) return &row;
  }
  return nullptr;
}

absl::StatusCode CodeOf(const ApiError& error) {
  if (const ReasonRow* row = RowOf(error.reason)) return row->code;
  return error.code >= 500 ? absl::StatusCode::kUnavailable : absl::StatusCode::kUnknown;
}

std::optional<absl::Duration> Seconds(std::optional<int64_t> seconds) {
  if (!seconds || *seconds <= 0) return std::nullopt;
  return std::min(absl::Seconds(*seconds), kLongestRetryAfter);
}

json DetailsOf(const ApiError& error) {
  json details = json::object();
  if (!error.name.empty()) details["name"] = error.name;
  if (!error.group.empty()) details["group"] = error.group;
  if (!error.kind.empty()) details["kind"] = error.kind;
  for (const Cause& cause : error.causes) {
    json entry = json::object();
    if (!cause.reason.empty()) entry["reason"] = cause.reason;
    if (!cause.message.empty()) entry["message"] = cause.message;
    if (!cause.field.empty()) entry["field"] = cause.field;
    details["causes"].push_back(std::move(entry));
  }
  if (error.retry_after) {
    details["retryAfterSeconds"] = absl::ToInt64Seconds(absl::Ceil(*error.retry_after, absl::Seconds(1)));
  }
  return details;
}

std::vector<Cause> CausesOf(const json& body) {
  std::vector<Cause> causes;
  const json* list = Find(body, {"details", "causes"});
  if (list == nullptr || !list->is_array()) return causes;
  for (const json& entry : *list) {
    causes.push_back({.reason = TextAt(entry, {"reason"}),
                      .message = TextAt(entry, {"message"}),
                      .field = TextAt(entry, {"field"})});
  }
  return causes;
}

int HttpCodeIn(const json& body, ErrorReason reason) {
  const std::optional<int64_t> code = IntegerAt(body, {"code"});
  return code && *code >= 400 && *code <= 599 ? static_cast<int>(*code) : HttpCode(reason);
}

// What a page that is no Status object is cut to in a message.
std::string Excerpt(absl::string_view body) { return Printable(Truncate(absl::StripAsciiWhitespace(body), 200)); }

}  // namespace

absl::string_view ReasonName(ErrorReason reason) {
  const ReasonRow* row = RowOf(reason);
  return row == nullptr ? absl::string_view() : row->name;
}

ErrorReason ReasonFromName(absl::string_view name) {
  for (const ReasonRow& row : kReasons) {
    if (row.name == name) return row.reason;
  }
  return ErrorReason::kUnknown;
}

int HttpCode(ErrorReason reason) {
  const ReasonRow* row = RowOf(reason);
  return row == nullptr ? 500 : row->http;
}

ErrorReason ReasonFromHttp(int code) {
  for (const ReasonRow& row : kReasons) {
    if (row.from_http && row.http == code) return row.reason;
  }
  return ErrorReason::kUnknown;
}

ApiError MakeApiError(ErrorReason reason, absl::string_view message) {
  return {.code = HttpCode(reason), .reason = reason, .message = std::string(message)};
}

json ToJson(const ApiError& error) {
  json body = json::object();
  body["kind"] = "Status";
  body["apiVersion"] = "v1";
  body["metadata"] = json::object();
  body["status"] = "Failure";
  body["message"] = error.message;
  if (error.reason != ErrorReason::kUnknown) body["reason"] = std::string(ReasonName(error.reason));
  if (json details = DetailsOf(error); !details.empty()) body["details"] = std::move(details);
  body["code"] = error.code;
  return body;
}

std::optional<ApiError> ApiErrorFromJson(const json& body) {
  if (TextAt(body, {"kind"}) != "Status" || TextAt(body, {"status"}) == "Success") return std::nullopt;
  ApiError error;
  error.reason = ReasonFromName(TextAt(body, {"reason"}));
  error.code = HttpCodeIn(body, error.reason);
  if (TextAt(body, {"reason"}).empty()) error.reason = ReasonFromHttp(error.code);
  error.message = TextAt(body, {"message"});
  error.group = TextAt(body, {"details", "group"});
  error.kind = TextAt(body, {"details", "kind"});
  error.name = TextAt(body, {"details", "name"});
  error.causes = CausesOf(body);
  error.retry_after = Seconds(IntegerAt(body, {"details", "retryAfterSeconds"}));
  return error;
}

ApiError ApiErrorFromAnswer(int http_status, absl::string_view body, absl::string_view retry_after) {
  const json parsed = json::parse(body.begin(), body.end(), nullptr, /*allow_exceptions=*/false);
  std::optional<ApiError> error = ApiErrorFromJson(parsed);
  if (!error) {
    error.emplace();
    error->reason = ReasonFromHttp(http_status);
    const std::string excerpt = Excerpt(body);
    error->message = absl::StrCat("the server answered ", http_status, excerpt.empty() ? "" : ": ", excerpt);
  }
  error->code = http_status;
  int64_t seconds = 0;
  if (absl::SimpleAtoi(absl::StripAsciiWhitespace(retry_after), &seconds)) {
    if (const auto wait = Seconds(seconds)) error->retry_after = wait;
  }
  return *std::move(error);
}

absl::Status ToStatus(const ApiError& error) {
  absl::Status status(CodeOf(error), error.message);
  const std::string text = ToJson(error).dump(-1, ' ', false, json::error_handler_t::replace);
  status.SetPayload(kPayloadUrl, absl::Cord(absl::string_view(text)));
  return status;
}

std::optional<ApiError> ApiErrorOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayloadUrl);
  if (!payload) return std::nullopt;
  return ApiErrorFromJson(json::parse(std::string(*payload), nullptr, /*allow_exceptions=*/false));
}

ErrorReason ReasonOf(const absl::Status& status) {
  const std::optional<ApiError> error = ApiErrorOf(status);
  return error ? error->reason : ErrorReason::kUnknown;
}

bool IsExpired(const absl::Status& status) {
  const ErrorReason reason = ReasonOf(status);
  return reason == ErrorReason::kExpired || reason == ErrorReason::kGone;
}

}  // namespace ottoscale::kubeapi
