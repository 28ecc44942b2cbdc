#include "pkg/providers/heroku/platform_api.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "pkg/base/status.h"

namespace ottoscale::heroku {
namespace {

constexpr char kAccept[] = "application/vnd.heroku+json; version=3";
// A page of 1,000 dynos has about 0.6 MB; their commands can be long.
constexpr size_t kMaxBody = size_t{4} << 20;

// A whole number that is not negative, as these headers have it.
std::optional<int64_t> NumberIn(const http::Headers& headers, absl::string_view name) {
  const std::optional<std::string> text = headers.Get(name);
  int64_t number = 0;
  if (!text || !absl::SimpleAtoi(*text, &number) || number < 0) return std::nullopt;
  return number;
}

}  // namespace

void PlatformApi::HeedLimits(Answer& answer) {
  const async::BootTime now = dependencies_.loop.Now().boot;
  if (const std::optional<int64_t> remaining = NumberIn(answer.headers, "RateLimit-Remaining")) {
    budget_->Learn(*remaining, now);
  }
  if (answer.status != 429) {
    budget_->NotLimited(now);
    return;
  }
  std::optional<absl::Duration> retry_after;  // not promised by Heroku; a date is not used
  if (const std::optional<int64_t> seconds = NumberIn(answer.headers, "Retry-After"))
    retry_after = absl::Seconds(*seconds);
  answer.retry_at = budget_->Limited(retry_after, now, dependencies_.loop.random());
}

async::Task<absl::StatusOr<Answer>> PlatformApi::Send(Call call, async::BootTime deadline) {
  http::Request request{.method = std::move(call.method),
                        .url = absl::StrCat(account_.url, call.path),
                        .headers = std::move(call.headers),
                        .body = std::move(call.body),
                        .credential = account_.credential,
                        .max_body_bytes = kMaxBody};
  request.at_most_once = request.method != "GET";
  request.headers.Set("Accept", kAccept);
  request.headers.Set("User-Agent", dependencies_.user_agent);
  if (!request.body.empty()) request.headers.Set("Content-Type", "application/json");
  CO_ASSIGN_OR_RETURN(http::Response response, co_await dependencies_.cloud.Send(std::move(request), deadline));
  Answer answer{.status = response.status, .headers = std::move(response.headers), .body = std::string()};
  HeedLimits(answer);
  answer.body = co_await http::ReadAll(std::move(response.body), kMaxBody);
  co_return answer;
}

}  // namespace ottoscale::heroku
