// What one request means as a sample. Pure: the whole table of outcomes is in here, and the source only asks and
// measures.
//
// The first row that fits decides. A status that is not expected decides whatever becomes of the body: a 404 that then
// hangs is still a 404, and evidence of slowness is only what would have counted as an answer.
//
// | What came                                                        | Sample                                      |
// |------------------------------------------------------------------|---------------------------------------------|
// | 5xx that is not expected                                         | onServerError: Hold missing ServerError,    |
// |                                                                  | Breach censored at the timeout              |
// | another status that is not expected                              | missing UnexpectedAnswer                    |
// | no complete answer within the timeout after the request was sent | onTimeout: Breach censored at the timeout,  |
// |                                                                  | Hold missing TimedOut                       |
// | the pass ended (or was cancelled) before that could be known     | missing NotRead                             |
// | no connection in time, does not resolve, refused, no route, TLS, | missing ProbeFailed                         |
// | address not allowed, our own limits                              |                                             |
// | the connection broke, not HTTP, too large                        | missing UnexpectedAnswer                    |
// | expected status, without `bodyContains` in the body              | missing UnexpectedAnswer                    |
// | expected status (and body) in time                               | valid: milliseconds                         |
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "pkg/decision/observation.h"
#include "pkg/providers/heartbeat/config.h"

namespace ottoscale::heartbeat {

// How long connecting (resolving and TLS included) may take before the timeout begins to count.
inline constexpr absl::Duration kConnectAllowance = absl::Seconds(5);
inline constexpr size_t kMaxBody = 64 * 1024;  // OUT-13

// One request and what came of it.
struct Attempt {
  absl::Status end;            // OK: the answer is complete; else the transport's failure
  int status = 0;              // 0: no answer began
  std::string location;        // where the answer points, "" when it does not
  bool body_matches = true;    // `bodyContains` was found
  absl::Duration answer_time;  // from the request sent to the end of the answer, when it is complete
  absl::Duration waited;       // from the start of the reading to its end
};

// The sample without its time. Its message never holds anything of a body, nor the path or query of the URL, which may
// be a secret.
decision::Sample Classify(const Config& config, const Attempt& attempt);

}  // namespace ottoscale::heartbeat
