// Small helpers around absl::Status. Messages are lower case, outermost first: `otter group 7f3c: execute policy: 409`.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ottoscale {

// The same code and payloads with `what: ` in front of the message; OK stays OK.
absl::Status Annotate(absl::string_view what, const absl::Status& status);

// True for Cancelled, DeadlineExceeded and Unavailable: nothing was learned, waiting may help.
bool IsTransient(const absl::Status& status);

}  // namespace ottoscale

// Leaves the function with the status when it is not OK. The CO_ forms are for coroutines.
#define OTTO_RETURN_IF_ERROR_IMPL(keyword, expression)                \
  do {                                                                \
    if (absl::Status otto_status = (expression); !otto_status.ok()) { \
      keyword otto_status;                                            \
    }                                                                 \
  } while (false)
#define RETURN_IF_ERROR(expression) OTTO_RETURN_IF_ERROR_IMPL(return, expression)
#define CO_RETURN_IF_ERROR(expression) OTTO_RETURN_IF_ERROR_IMPL(co_return, expression)

// `ASSIGN_OR_RETURN(const Config config, Parse(text));`
#define OTTO_CONCAT_INNER(a, b) a##b
#define OTTO_CONCAT(a, b) OTTO_CONCAT_INNER(a, b)
#define OTTO_ASSIGN_IMPL(keyword, name, left, expression) \
  auto name = (expression);                               \
  if (!name.ok()) keyword std::move(name).status();       \
  left = *std::move(name)
#define ASSIGN_OR_RETURN(left, expression) OTTO_ASSIGN_IMPL(return, OTTO_CONCAT(otto_or_, __LINE__), left, expression)
#define CO_ASSIGN_OR_RETURN(left, expression) \
  OTTO_ASSIGN_IMPL(co_return, OTTO_CONCAT(otto_or_, __LINE__), left, expression)
