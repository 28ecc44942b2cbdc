#include "pkg/providers/heartbeat/outcome.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "pkg/base/text.h"
#include "pkg/http/http.h"

namespace ottoscale::heartbeat {
namespace {

using decision::MissingReason;
using decision::Sample;
using decision::SampleState;
using http::Failure;

constexpr size_t kMaxLocation = 200;
constexpr size_t kMaxDetail = 160;

int64_t Milliseconds(absl::Duration d) { return absl::ToInt64Milliseconds(d); }

Sample Missing(MissingReason reason, std::string message) {
  return {.state = SampleState::kMissing, .missing = reason, .message = std::move(message)};
}

// A breach without a number: "more than the timeout", or nothing.
Sample Breach(const Config& config, bool breaches, MissingReason otherwise, std::string message) {
  if (!breaches) return Missing(otherwise, std::move(message));
  return {.state = SampleState::kCensored,
          .value = absl::ToDoubleMilliseconds(config.timeout),
          .message = absl::StrCat(message, ", which counts as above ", Milliseconds(config.timeout), " ms")};
}

// What a transport says is its own words, but parts of it (a certificate's name, a header) may come from the other
// side.
std::string Detail(const absl::Status& status) { return Truncate(Printable(status.message()), kMaxDetail); }

// Without the query, which is where tokens are.
std::string Place(absl::string_view location) {
  return Truncate(Printable(location.substr(0, std::min(location.find_first_of("?#"), location.size()))), kMaxLocation);
}

Sample UnexpectedStatus(const Config& config, const Attempt& attempt) {
  const std::string answered = absl::StrCat("answered ", attempt.status);
  if (attempt.status >= 500) return Breach(config, config.server_error_breaches, MissingReason::kServerError, answered);
  std::string message = absl::StrCat(answered, ", expected ", config.ExpectedText());
  if (attempt.status >= 300 && attempt.status < 400) {
    message = attempt.location.empty()
                  ? absl::StrCat(answered,
                                 " without saying where to look: redirects are not followed, set `url` to the "
                                 "final address")
                  : absl::StrCat(answered, ", which points to '", Place(attempt.location),
                                 "': redirects are not followed, set `url` to the final address");
  }
  return Missing(MissingReason::kUnexpectedAnswer, std::move(message));
}

// The request was under way when time ended. Only a full timeout after the allowance for connecting proves that the
// answer took longer than the timeout; when the pass ended sooner, nothing is proven.
Sample OutOfTime(const Config& config, const Attempt& attempt, bool sent) {
  const absl::Duration full = sent ? kConnectAllowance + config.timeout : kConnectAllowance;
  if (attempt.waited < full) {
    return Missing(MissingReason::kNotRead, absl::StrCat("the pass ended after ", Milliseconds(attempt.waited),
                                                         " ms, before there was an answer"));
  }
  if (!sent) {
    return Missing(MissingReason::kProbeFailed, absl::StrCat("no connection to ", config.parts.Authority(), " within ",
                                                             Milliseconds(attempt.waited), " ms"));
  }
  return Breach(config, config.timeout_breaches, MissingReason::kTimeout,
                absl::StrCat("no complete answer within ", Milliseconds(config.timeout), " ms"));
}

// No complete answer: one sentence for each way.
Sample Failed(const Config& config, const Attempt& attempt) {
  const http::FailureDetail failure = http::FailureOf(attempt.end);
  const std::string where = config.parts.Authority();
  const std::string detail = Detail(attempt.end);
  const auto probe_failed = [](std::string message) {
    return Missing(MissingReason::kProbeFailed, std::move(message));
  };
  const auto unexpected = [](std::string message) {
    return Missing(MissingReason::kUnexpectedAnswer, std::move(message));
  };
  switch (failure.kind) {
    case Failure::kTimeout: return OutOfTime(config, attempt, failure.maybe_sent);
    case Failure::kCancelled:
      return Missing(MissingReason::kNotRead, "the reading was cancelled before there was an answer");
    case Failure::kInvalidRequest: return probe_failed(absl::StrCat("the request could not be made: ", detail));
    case Failure::kResolve:
      return probe_failed(
          absl::StrCat("the name ", config.parts.host, " does not resolve (", detail, "): check `url`"));
    case Failure::kAddressDenied:
      return probe_failed(absl::StrCat("the address is not allowed (", detail,
                                       "): an administrator can allow it with --probe-allow-cidr"));
    case Failure::kConnect: return probe_failed(absl::StrCat("could not connect to ", where, " (", detail, ")"));
    case Failure::kTls: return probe_failed(absl::StrCat("TLS with ", where, " failed (", detail, ")"));
    case Failure::kLocalLimit:
      return probe_failed(
          absl::StrCat("a limit of our own was reached, nothing is known about ", where, " (", detail, ")"));
    case Failure::kDisconnected:
      return unexpected(absl::StrCat(where, " broke the connection before the answer was complete"));
    case Failure::kProtocol: return unexpected(absl::StrCat(where, " did not answer with valid HTTP (", detail, ")"));
    case Failure::kBodyTooLarge: return unexpected(absl::StrCat("the answer is larger than ", kMaxBody / 1024, " KiB"));
  }
  return probe_failed(detail);
}

Sample Answered(const Config& config, const Attempt& attempt) {
  if (attempt.answer_time > config.timeout) {
    return Breach(config, config.timeout_breaches, MissingReason::kTimeout,
                  absl::StrCat("the answer took ", Milliseconds(absl::Ceil(attempt.answer_time, absl::Milliseconds(1))),
                               " ms, allowed are ", Milliseconds(config.timeout), " ms"));
  }
  if (!attempt.body_matches) {
    return Missing(
        MissingReason::kUnexpectedAnswer,
        absl::StrCat("answered ", attempt.status, ", but the body does not contain the text of `bodyContains`"));
  }
  return {.state = SampleState::kValid, .value = absl::ToDoubleMilliseconds(attempt.answer_time)};
}

Sample Row(const Config& config, const Attempt& attempt) {
  if (attempt.status != 0 && !config.Expects(attempt.status)) return UnexpectedStatus(config, attempt);
  if (!attempt.end.ok()) return Failed(config, attempt);
  return Answered(config, attempt);
}

}  // namespace

Sample Classify(const Config& config, const Attempt& attempt) {
  Sample sample = Row(config, attempt);
  sample.unit = "ms";
  sample.took = attempt.waited;
  return sample;
}

}  // namespace ottoscale::heartbeat
