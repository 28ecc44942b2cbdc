// Errors of the Kubernetes API: the Status object as a value, as JSON, and as an absl::Status that carries it, so that
// callers branch on the reason and not on text.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ottoscale::kubeapi {

enum class ErrorReason {
  kUnknown,  // a reason that we have no word for; look at the code
  kBadRequest,
  kUnauthorized,
  kForbidden,
  kNotFound,
  kMethodNotAllowed,
  kNotAcceptable,
  kAlreadyExists,
  kConflict,
  kGone,
  kExpired,  // a resourceVersion or continue token that is too old: list again
  kRequestEntityTooLarge,
  kUnsupportedMediaType,
  kInvalid,
  kTooManyRequests,
  kInternalError,
  kServiceUnavailable,
  kServerTimeout,
  kTimeout,
};

// "NotFound"; "" for kUnknown. And back: kUnknown for what is not in the table.
absl::string_view ReasonName(ErrorReason reason);
ErrorReason ReasonFromName(absl::string_view name);
// The HTTP status that goes with it; 500 for kUnknown.
int HttpCode(ErrorReason reason);
// The reason that an HTTP status alone tells: 409 is kConflict, 410 kExpired, any other 4xx or 5xx kUnknown.
ErrorReason ReasonFromHttp(int code);

struct Cause {
  std::string reason;   // "FieldValueInvalid"
  std::string message;  // a sentence for the user
  std::string field;    // "spec.maxCapacity", or ""
  bool operator==(const Cause&) const = default;
};

struct ApiError {
  int code = 500;  // HTTP status
  ErrorReason reason = ErrorReason::kUnknown;
  std::string message;
  // Of what: all may be empty.
  std::string group;
  std::string kind;  // the plural for most reasons, the kind for Invalid, as the real server has it
  std::string name;
  std::vector<Cause> causes;
  std::optional<absl::Duration> retry_after;  // whole seconds on the wire, rounded up

  bool operator==(const ApiError&) const = default;
};

ApiError MakeApiError(ErrorReason reason, absl::string_view message);

// The Status object, `kind: Status, apiVersion: v1, status: Failure`.
nlohmann::json ToJson(const ApiError& error);
// nullopt when `body` is not a Status object that reports a failure.
std::optional<ApiError> ApiErrorFromJson(const nlohmann::json& body);
// For an answer with an error status whatever its body is: a Status object, a proxy's page, or nothing. `retry_after`
// is the value of the Retry-After header, "" when absent; the header wins over the body.
ApiError ApiErrorFromAnswer(int http_status, absl::string_view body, absl::string_view retry_after);

// Message as in `error`; the error itself travels as a payload. Codes: BadRequest, Invalid, NotAcceptable,
// UnsupportedMediaType and RequestEntityTooLarge InvalidArgument; Unauthorized Unauthenticated; Forbidden
// PermissionDenied; NotFound NotFound; MethodNotAllowed Unimplemented; AlreadyExists AlreadyExists; Conflict Aborted;
// Gone and Expired OutOfRange; TooManyRequests, ServiceUnavailable and ServerTimeout Unavailable; Timeout
// DeadlineExceeded; InternalError Internal; unknown reasons by their HTTP status: 5xx Unavailable, else Unknown.
absl::Status ToStatus(const ApiError& error);
// The error that ToStatus put there, also after Annotate; nullopt when there is none (the network failed).
std::optional<ApiError> ApiErrorOf(const absl::Status& status);
// The reason of that error; kUnknown when there is none.
ErrorReason ReasonOf(const absl::Status& status);

inline bool Is(const absl::Status& status, ErrorReason reason) { return ReasonOf(status) == reason; }
// Expired or Gone: what was asked for is too old, list again.
bool IsExpired(const absl::Status& status);

}  // namespace ottoscale::kubeapi
