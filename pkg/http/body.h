// Bodies that the transports make.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "pkg/async/context.h"
#include "pkg/http/http.h"

namespace ottoscale::http {

// What came of a body: `text`, and then `end` if that is not OK. A body that came whole is a plain text.
Body BodyThatEnds(std::string text, absl::Status end);

// A failure of the context (Cancelled, DeadlineExceeded) as kCancelled or kTimeout; other errors as they are.
absl::Status FailureOfContext(const absl::Status& status, bool maybe_sent);

// OK while a request under `context` may still start; else kCancelled or kTimeout, nothing sent.
absl::Status StillWanted(const async::Context& context);

// The failure of a body longer than `max_bytes`.
absl::Status TooLarge(size_t max_bytes);

}  // namespace ottoscale::http
