#include "pkg/providers/heroku/answers.h"

#include <algorithm>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/http/check_request.h"

namespace ottoscale::heroku {
namespace {

using decision::Refused;
using decision::TargetFailure;
using decision::TargetFault;
using decision::Unknown;
using decision::WriteResult;
using http::Failure;

constexpr char kPublicUrl[] = "https://api.heroku.com";
constexpr size_t kMaxMessage = 200;
constexpr size_t kMaxWord = 64;

// How a write ended; kUnknown is no refusal.
using Kind = Refused::Kind;
constexpr std::nullopt_t kUnknown = std::nullopt;

// Platform API reference, "Errors": branch on the status and the `id`; the first row that fits counts.
struct Row {
  int from;  // status, both ends included
  int to;
  const char* id;  // "": any
  TargetFault read;
  std::optional<Kind> write;
  const char* advice;  // "": Heroku's own words are enough
};
constexpr Row kRows[] = {
    {200, 399, "", TargetFault::kInvalidAnswer, kUnknown, "is this Heroku's API?"},
    {400, 400, "", TargetFault::kConfigInvalid, Kind::kInvalid, "Heroku did not understand the request"},
    {401, 401, "", TargetFault::kCredentialsInvalid, Kind::kCredentials,
     "the API key is wrong or was revoked: put a valid one into the Secret"},
    {402, 402, "", TargetFault::kForbidden, Kind::kCredentials, "a bill of the Heroku account is unpaid: settle it"},
    {403, 403, "suspended", TargetFault::kForbidden, Kind::kCredentials,
     "the Heroku account or the app is suspended: ask Heroku"},
    {403, 403, "two_factor", TargetFault::kForbidden, Kind::kCredentials,
     "this needs a second factor, which a key cannot give: use the key of an authorization (heroku "
     "authorizations:create)"},
    {403, 403, "", TargetFault::kForbidden, Kind::kCredentials,
     "the API key may not do this: give its owner access to the app, or use another key"},
    {404, 404, "", TargetFault::kTargetNotFound, Kind::kNotFound, ""},
    {406, 406, "", TargetFault::kConfigInvalid, Kind::kInvalid, "this API does not speak version 3"},
    {408, 408, "", TargetFault::kUnavailable, kUnknown, ""},
    {409, 409, "", TargetFault::kUnavailable, Kind::kBusy, "something else is changing the app: tried again soon"},
    {410, 410, "", TargetFault::kTargetNotFound, Kind::kNotFound, ""},
    {422, 422, "cannot_update_above_limit", TargetFault::kConfigInvalid, Kind::kLimit,
     "choose a dyno size that allows more, or lower maxCapacity"},
    {422, 422, "verification_needed", TargetFault::kConfigInvalid, Kind::kInvalid,
     "the Heroku account needs verification (a payment method)"},
    {422, 422, "", TargetFault::kConfigInvalid, Kind::kInvalid, ""},
    {429, 429, "", TargetFault::kRateLimited, Kind::kRateLimited, "too many requests of this account: waiting"},
    {400, 499, "", TargetFault::kInvalidAnswer, Kind::kInvalid, ""},
    {500, 599, "", TargetFault::kUnavailable, kUnknown, "Heroku has trouble: tried again"},
    {0, std::numeric_limits<int>::max(), "", TargetFault::kInvalidAnswer, kUnknown, ""},
};

// The error object of an answer; empty members when there is none (HTML, cut off).
struct ErrorObject {
  std::string id;
  std::string message;
  std::optional<int64_t> limit;
};

std::string Clean(const ports::Account& account, absl::string_view text, size_t max_bytes) {
  std::string out(text);
  const absl::string_view key = account.credential.Reveal();
  if (!key.empty()) out = absl::StrReplaceAll(out, {{key, "[key]"}});
  return Truncate(Printable(out), max_bytes);
}

ErrorObject ErrorOf(const ports::Account& account, const Answer& answer) {
  ErrorObject out;
  if (!answer.body.ok()) return out;
  const absl::StatusOr<nlohmann::json> json = codec::ReadJson(*answer.body);
  if (!json.ok()) return out;
  out.id = Clean(account, codec::StringOr(*json, {"id"}, ""), kMaxWord);
  out.message = Clean(account, codec::StringOr(*json, {"message"}, ""), kMaxMessage);
  if (absl::EndsWith(out.message, ".")) out.message.pop_back();  // it becomes part of a longer sentence
  out.limit = codec::FindInt64(*json, {"limit"});
  return out;
}

const Row& RowOf(int status, const std::string& id) {
  return *std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& row) {
    return row.from <= status && status <= row.to && (*row.id == '\0' || row.id == id);
  });
}

// "read app 'shop' with CloudAccount 'shop/heroku': 403 forbidden: You do not have access: ask ... (Request-Id 1f2e)".
std::string Sentence(const Errand& errand, const Answer& answer, const ErrorObject& error, absl::string_view advice,
                     absl::string_view detail) {
  std::string text = absl::StrCat(errand.what, " with CloudAccount '", errand.account.name, "': ", answer.status);
  if (!error.id.empty()) absl::StrAppend(&text, " ", error.id);
  for (const absl::string_view part : {absl::string_view(error.message), detail, advice}) {
    if (!part.empty()) absl::StrAppend(&text, ": ", part);
  }
  if (const std::optional<std::string> id = answer.headers.Get("Request-Id"); id && !id->empty()) {
    absl::StrAppend(&text, " (Request-Id ", Clean(errand.account, *id, kMaxWord), ")");
  }
  return text;
}

std::string NoAnswer(const Errand& errand, const absl::Status& failure) {
  return absl::StrCat(errand.what, " with CloudAccount '", errand.account.name, "': no answer from ",
                      errand.account.url, ": ", Clean(errand.account, failure.message(), kMaxMessage));
}

// What the body of a success lacks counts only there: an error has its own words.
absl::string_view DetailOf(const Answer& answer, absl::string_view detail) {
  if (answer.status >= 200 && answer.status < 300 && !answer.body.ok()) return "the answer broke off or is too large";
  return detail;
}

// The limit is for one process type, or for the whole app, whose other types then have a share in it; that Heroku does
// not say. When as much as was asked for lies within the limit, it can only be the app's: what stands is all there is.
std::optional<int> CeilingOf(std::optional<int64_t> limit, int asked, int standing) {
  if (!limit || *limit < 0 || *limit > std::numeric_limits<int>::max()) return std::nullopt;
  return *limit < asked ? static_cast<int>(*limit) : standing;
}

bool SameOrigin(const http::Url& a, const http::Url& b) {
  return a.scheme == b.scheme && a.host == b.host && a.port == b.port;
}

bool EndpointAllowed(const http::Url& url, const std::vector<std::string>& allowed_endpoints) {
  const auto matches = [&url](const std::string& text) {
    const absl::StatusOr<http::Url> allowed = http::ParseUrl(text);
    return allowed.ok() && SameOrigin(*allowed, url);
  };
  return matches(kPublicUrl) || std::any_of(allowed_endpoints.begin(), allowed_endpoints.end(), matches);
}

}  // namespace

std::optional<TargetFailure> CheckAccount(const ports::Account& account,
                                          const std::vector<std::string>& allowed_endpoints) {
  const std::string who = absl::StrCat("CloudAccount '", account.name, "': ");
  const absl::StatusOr<http::Url> url = http::ParseUrl(account.url);
  if (!url.ok() || !url->query.empty()) {
    return TargetFailure{
        .fault = TargetFault::kConfigInvalid,
        .message = absl::StrCat(who, "`apiURL` is not the URL of an API: ",
                                url.ok() ? "it has a query" : absl::string_view(url.status().message()))};
  }
  if (!EndpointAllowed(*url, allowed_endpoints)) {
    const std::string origin = absl::StrCat(url->scheme, "://", url->Authority());
    return TargetFailure{.fault = TargetFault::kConfigInvalid,
                         .message = absl::StrCat(who, "the endpoint ", origin, " is not allowed, only ", kPublicUrl,
                                                 " is: an administrator can allow it with --allow-endpoint ", origin)};
  }
  if (!http::IsCredential(account.credential.Reveal())) {
    return TargetFailure{.fault = TargetFault::kCredentialsInvalid,
                         .message = absl::StrCat(who,
                                                 "the API key is empty or has a blank, a line break or another "
                                                 "character that no key has: put the key alone into the Secret. "
                                                 "Nothing was sent")};
  }
  return std::nullopt;
}

TargetFailure FailedRead(const Errand& errand, const Answer& answer, absl::string_view detail) {
  const ErrorObject error = ErrorOf(errand.account, answer);
  const Row& row = RowOf(answer.status, error.id);
  return {.fault = row.read,
          .message = Sentence(errand, answer, error, row.advice, DetailOf(answer, detail)),
          .retry_at = answer.retry_at};
}

TargetFailure FailedRead(const Errand& errand, const absl::Status& failure) {
  TargetFault fault = TargetFault::kUnavailable;
  switch (http::FailureOf(failure).kind) {
    case Failure::kInvalidRequest: fault = TargetFault::kConfigInvalid; break;
    case Failure::kProtocol:
    case Failure::kBodyTooLarge: fault = TargetFault::kInvalidAnswer; break;
    case Failure::kResolve:
    case Failure::kAddressDenied:
    case Failure::kConnect:
    case Failure::kTls:
    case Failure::kTimeout:
    case Failure::kCancelled:
    case Failure::kDisconnected:
    case Failure::kLocalLimit: break;
  }
  return {.fault = fault, .message = NoAnswer(errand, failure)};
}

WriteResult FailedWrite(const Errand& errand, const Answer& answer, int asked, int standing, absl::string_view detail) {
  const ErrorObject error = ErrorOf(errand.account, answer);
  const Row& row = RowOf(answer.status, error.id);
  std::string message = Sentence(errand, answer, error, row.advice, DetailOf(answer, detail));
  if (!row.write) return Unknown{.message = std::move(message)};
  Refused refused{.kind = *row.write, .message = std::move(message), .retry_at = answer.retry_at};
  if (refused.kind == Kind::kLimit) refused.ceiling = CeilingOf(error.limit, asked, standing);
  return refused;
}

WriteResult FailedWrite(const Errand& errand, const absl::Status& failure) {
  const http::FailureDetail detail = http::FailureOf(failure);
  std::string message = NoAnswer(errand, failure);
  if (detail.maybe_sent) return Unknown{.message = absl::StrCat(message, ": it may have been done")};
  const bool ours = detail.kind == Failure::kInvalidRequest;
  return Refused{.kind = ours ? Kind::kInvalid : Kind::kBusy, .message = absl::StrCat(message, ": nothing was sent")};
}

}  // namespace ottoscale::heroku
