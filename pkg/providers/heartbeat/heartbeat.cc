#include "pkg/providers/heartbeat/heartbeat.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "pkg/base/check.h"
#include "pkg/providers/heartbeat/config.h"
#include "pkg/providers/heartbeat/outcome.h"

namespace ottoscale::heartbeat {
namespace {

class Heartbeat final : public ports::MetricSource {
 public:
  Heartbeat(async::Loop& loop, http::Transport& probe, Config config)
      : loop_(loop), probe_(probe), config_(std::move(config)) {}

  async::Task<decision::Sample> Read(async::BootTime deadline) override {
    Attempt attempt = co_await Ask(deadline);
    decision::Sample sample = Classify(config_, attempt);
    sample.measured_at = loop_.Now();
    co_return sample;
  }

 private:
  async::Task<Attempt> Ask(async::BootTime deadline);

  async::Loop& loop_;
  http::Transport& probe_;
  const Config config_;
};

async::Task<Attempt> Heartbeat::Ask(async::BootTime deadline) {
  const async::BootTime start = loop_.Now().boot;
  http::Request request{.url = config_.url, .max_body_bytes = kMaxBody};
  // The transport has one deadline for all; a slow connection must not shorten the time that the answer has.
  const async::BootTime limit = std::min(deadline, start + kConnectAllowance + config_.timeout);
  absl::StatusOr<http::Response> response = co_await probe_.Send(std::move(request), limit);
  Attempt attempt;
  if (response.ok()) {
    attempt.status = response->status;
    attempt.location = response->headers.Get("Location").value_or("");
    const absl::StatusOr<std::string> body = co_await http::ReadAll(std::move(response->body), kMaxBody);
    attempt.end = body.status();
    attempt.body_matches = body.ok() && absl::StrContains(*body, config_.body_contains);
  } else {
    attempt.end = response.status();
  }
  attempt.waited = loop_.Now().boot - start;
  if (response.ok()) {
    // Measured at the socket; a body that was pulled has ended just now.
    const http::Times& times = response->times;
    attempt.answer_time = times.total > absl::ZeroDuration() ? times.total : attempt.waited - times.sent;
  }
  co_return attempt;
}

std::vector<ports::ConfigProblem> Check(const policy::ProviderConfig& config) {
  std::vector<ports::ConfigProblem> out;
  for (codec::Problem& problem : ParseConfig(config).problems) {
    out.push_back({.path = std::move(problem.path), .message = std::move(problem.message)});
  }
  return out;
}

}  // namespace

ports::SourceProvider MakeHeartbeatProvider(async::Loop& loop, http::Transport& probe) {
  return {.type = "HTTPHeartbeat",
          .check = Check,
          .make = [&loop, &probe](const policy::ProviderConfig& config) -> std::unique_ptr<ports::MetricSource> {
            codec::Decoded<Config> parsed = ParseConfig(config);
            CHECK(parsed.ok(), "a source is made of a configuration that was checked");
            return std::make_unique<Heartbeat>(loop, probe, *std::move(parsed.value));
          }};
}

}  // namespace ottoscale::heartbeat
