#include "pkg/providers/heartbeat/heartbeat.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/base/check.h"
#include "pkg/base/text.h"
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

bool Allows(const std::string& allowed, const std::string& host) {
  if (!absl::StartsWith(allowed, "*.")) return absl::EqualsIgnoreCase(allowed, host);
  return host.size() > allowed.size() - 1 && absl::EndsWithIgnoreCase(host, absl::string_view(allowed).substr(1));
}

std::vector<ports::ConfigProblem> Check(const std::vector<std::string>& allowed_hosts,
                                        const policy::ProviderConfig& config) {
  std::vector<ports::ConfigProblem> out;
  codec::Decoded<Config> parsed = ParseConfig(config);
  for (codec::Problem& problem : parsed.problems) {
    out.push_back({.path = std::move(problem.path), .message = std::move(problem.message)});
  }
  if (!parsed.ok() || allowed_hosts.empty()) return out;
  const std::string& host = parsed.value->parts.host;
  if (std::none_of(allowed_hosts.begin(), allowed_hosts.end(),
                   [&host](const std::string& allowed) { return Allows(allowed, host); })) {
    out.push_back({.path = "url",
                   .message = absl::StrCat("names the host '", Printable(host), "', and the administrator allows ",
                                           JoinWords(allowed_hosts, "and"), " only (--allow-probe-host)")});
  }
  return out;
}

}  // namespace

ports::SourceProvider MakeHeartbeatProvider(async::Loop& loop, http::Transport& probe,
                                            std::vector<std::string> allowed_hosts) {
  return {.type = "HTTPHeartbeat",
          .check =
              [hosts = std::move(allowed_hosts)](const policy::ProviderConfig& config) { return Check(hosts, config); },
          .make = [&loop, &probe](const policy::ProviderConfig& config) -> std::unique_ptr<ports::MetricSource> {
            codec::Decoded<Config> parsed = ParseConfig(config);
            CHECK(parsed.ok(), "a source is made of a configuration that was checked");
            return std::make_unique<Heartbeat>(loop, probe, *std::move(parsed.value));
          }};
}

}  // namespace ottoscale::heartbeat
