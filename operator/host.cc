#include "operator/host.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "operator/runtime_metrics.h"
#include "pkg/base/status.h"
#include "pkg/http/client.h"
#include "pkg/providers/heartbeat/heartbeat.h"
#include "pkg/providers/heroku/heroku.h"
#include "pkg/telemetry/standard_metrics.h"

namespace ottoscale::operator_main {
namespace {

// Threads for name resolution: each may hang, and none may hold up the others.
constexpr size_t kResolverThreads = 256;

}  // namespace

ports::Providers MakeProviders(async::Loop& loop, http::Transport& cloud, http::Transport& probe,
                               const ProviderLimits& limits) {
  ports::Providers providers;
  providers.sources.push_back(heartbeat::MakeHeartbeatProvider(loop, probe, limits.allowed_probe_hosts));
  providers.targets.push_back(heroku::MakeHerokuProvider(loop, cloud, {.allowed_endpoints = limits.allowed_endpoints}));
  return providers;
}

Host::Host(async::AsioLoop& loop, const CommonOptions& options, telemetry::Sink sink, bool colour)
    : loop_(loop),
      options_(options),
      log_({.loop = loop,
            .sink = std::move(sink),
            .format = telemetry::ParseFormat(options.log_format).value_or(telemetry::Format::kText),
            .level = telemetry::ParseLevel(options.log_level).value_or(telemetry::Level::kInfo),
            .colour = colour,
            .scrubber = &scrubber_}),
      traffic_(loop, registry_),
      pool_(kResolverThreads) {}

absl::StatusOr<std::unique_ptr<Host>> Host::Make(async::AsioLoop& loop, const CommonOptions& options,
                                                 const Version& version, telemetry::Sink sink, bool colour) {
  std::unique_ptr<Host> self(new Host(loop, options, std::move(sink), colour));
  const std::string agent = absl::StrCat("ottoscale/", version.version);
  telemetry::AddProcessMetrics(self->registry_);
  AddLoopMetrics(self->registry_, loop);
  telemetry::AddBuildInfo(self->registry_, {version.version, version.revision});
  telemetry::AddLogMetrics(self->registry_, self->log_);
  self->cloud_ = http::MakeCloudTransport(loop, self->pool_, {.user_agent = agent, .ca_file = options.ca_file});
  auto probe = http::MakeProbeTransport(
      loop, self->pool_, {.user_agent = agent, .ca_file = options.ca_file, .allow_cidrs = options.probe_allow_cidrs});
  if (!probe.ok()) return Annotate("--probe-allow-cidr", probe.status());
  self->probe_ = *std::move(probe);
  self->providers_ = MakeProviders(loop, self->traffic_.Count("heroku", {"GET", "PATCH"}, *self->cloud_),
                                   self->traffic_.Count("heartbeat", {"GET"}, *self->probe_),
                                   {options.allow_endpoints, options.allow_probe_hosts});
  return self;
}

absl::Status Host::ServeStatus(std::function<std::string()> not_ready) {
  status_ = std::make_unique<StatusHandler>(registry_, log_, std::move(not_ready));
  auto server = http::Listen(loop_, *status_, {.address = options_.listen, .port = options_.metrics_port});
  if (!server.ok()) return Annotate("--metrics-port", server.status());
  status_server_ = *std::move(server);
  return absl::OkStatus();
}

async::Task<void> Host::Stop(async::BootTime deadline) {
  if (status_server_ != nullptr) {
    co_await status_server_->Stop(std::min(deadline, loop_.Now().boot + absl::Seconds(2)));
  }
}

reconcile::AdminLimits Host::limits() const {
  return {.max_capacity = options_.max_capacity,
          .max_step = options_.max_step,
          .frozen = options_.freeze,
          .allowed_clouds = options_.allow_clouds,
          .max_policies_per_namespace = static_cast<size_t>(options_.max_policies_per_namespace)};
}

std::string Host::metrics_url() const { return UrlOf(options_.listen, status_server_->port()); }

std::string UrlOf(const std::string& address, uint16_t port) {
  const bool any = address == "::" || address == "0.0.0.0";
  const bool v6 = absl::StrContains(address, ":");
  return absl::StrCat("http://", any ? "127.0.0.1" : v6 ? absl::StrCat("[", address, "]") : address, ":", port);
}

}  // namespace ottoscale::operator_main
