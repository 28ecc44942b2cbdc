#include "operator/standalone.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "pkg/apiserver/crd.h"
#include "pkg/async/gather.h"
#include "pkg/base/check.h"
#include "pkg/base/status.h"
#include "pkg/codec/json.h"
#include "pkg/http/client.h"
#include "pkg/kubeapi/api_error.h"
#include "pkg/manifest/crds.h"
#include "pkg/providers/heartbeat/heartbeat.h"
#include "pkg/providers/heroku/heroku.h"
#include "pkg/reconcile/provider_check.h"
#include "pkg/telemetry/standard_metrics.h"

namespace ottoscale::operator_main {
namespace {

// Threads for name resolution: each may hang, and none may hold up the others.
constexpr size_t kResolverThreads = 256;

// "127.0.0.1:8480", "[::1]:8480", "localhost:8480" and the same without a port: an address, or the machine itself.
bool NamesThisMachine(absl::string_view host) {
  if (absl::StartsWith(host, "[")) return true;
  host = host.substr(0, host.find(':'));
  return host == "localhost" || host.find_first_not_of("0123456789.") == absl::string_view::npos;
}

http::Response Refuse(absl::string_view message) {
  const kubeapi::ApiError error = kubeapi::MakeApiError(kubeapi::ErrorReason::kForbidden, message);
  http::Response response{.status = 403, .body = http::Body(codec::Dump(kubeapi::ToJson(error)))};
  response.headers.Set("Content-Type", "application/json");
  return response;
}

apiserver::ApiServerOptions ApiOptions(const ports::Providers& providers) {
  apiserver::ApiServerOptions options;
  absl::StatusOr<std::vector<apiserver::Served>> served = apiserver::ServedWith(manifest::Crds());
  CHECK(served.ok(), "the program serves its own kinds");
  options.served = *std::move(served);
  options.validator = [check = reconcile::CheckWith(providers)](const kubeapi::Resource&,
                                                                const nlohmann::json& object) {
    std::vector<std::string> problems;
    for (const codec::Problem& problem : manifest::CheckManifest(object, nullptr, check)) {
      problems.push_back(codec::FormatProblem(problem));
    }
    return problems;
  };
  return options;
}

}  // namespace

async::Task<http::Response> GuardedApi::Handle(http::ServerRequest request) {
  if (!NamesThisMachine(request.headers.Get("Host").value_or(""))) {
    co_return Refuse("this API answers to an address of this machine only, not to another name");
  }
  if (absl::StrContains(absl::StrCat(request.path, "/"), "/secrets/")) {
    co_return Refuse("secrets are not served outside the process: give them with --secret");
  }
  co_return co_await inner_.Handle(std::move(request));
}

ports::Providers MakeProviders(async::Loop& loop, http::Transport& cloud, http::Transport& probe,
                               const std::vector<std::string>& allowed_endpoints) {
  ports::Providers providers;
  providers.sources.push_back(heartbeat::MakeHeartbeatProvider(loop, probe));
  providers.targets.push_back(heroku::MakeHerokuProvider(loop, cloud, {.allowed_endpoints = allowed_endpoints}));
  return providers;
}

Standalone::Standalone(async::AsioLoop& loop, const CommonOptions& options, telemetry::Sink sink, bool colour)
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

absl::StatusOr<std::unique_ptr<Standalone>> Standalone::Make(async::AsioLoop& loop, const CommonOptions& options,
                                                             const Version& version, telemetry::Sink sink,
                                                             bool colour) {
  std::unique_ptr<Standalone> self(new Standalone(loop, options, std::move(sink), colour));
  const std::string agent = absl::StrCat("ottoscale/", version.version);
  telemetry::AddProcessMetrics(self->registry_);
  telemetry::AddBuildInfo(self->registry_, {version.version, version.revision});
  telemetry::AddLogMetrics(self->registry_, self->log_);
  self->cloud_ = http::MakeCloudTransport(loop, self->pool_, {.user_agent = agent, .ca_file = options.ca_file});
  auto probe = http::MakeProbeTransport(
      loop, self->pool_, {.user_agent = agent, .ca_file = options.ca_file, .allow_cidrs = options.probe_allow_cidrs});
  if (!probe.ok()) return Annotate("--probe-allow-cidr", probe.status());
  self->probe_ = *std::move(probe);
  self->providers_ = MakeProviders(loop, self->traffic_.Count("heroku", {"GET", "PATCH"}, *self->cloud_),
                                   self->traffic_.Count("heartbeat", {"GET"}, *self->probe_), options.allow_endpoints);

  self->api_ = std::make_unique<apiserver::ApiServer>(loop, self->store_, ApiOptions(self->providers_));
  self->api_transport_ = std::make_unique<http::Loopback>(loop, *self->api_);
  self->guarded_api_ = std::make_unique<GuardedApi>(*self->api_);
  auto api_server = http::Listen(loop, *self->guarded_api_, {.address = options.listen, .port = options.api_port});
  if (!api_server.ok()) return Annotate("--api-port", api_server.status());
  self->api_server_ = *std::move(api_server);
  self->program_ = std::make_unique<Program>(Program::Parts{
      .loop = loop,
      .kube = *self->api_transport_,
      .kube_url = "http://embedded",
      .providers = self->providers_,
      .log = self->log_,
      .registry = self->registry_,
      .limits = {.max_capacity = options.max_capacity, .max_step = options.max_step},
      .on_secret = [scrubber = &self->scrubber_](const Secret& secret) { (void)scrubber->Add(secret); }});
  self->status_ = std::make_unique<StatusHandler>(self->registry_,
                                                  [program = self->program_.get()] { return program->NotReady(); });
  auto status_server = http::Listen(loop, *self->status_, {.address = options.listen, .port = options.metrics_port});
  if (!status_server.ok()) return Annotate("--metrics-port", status_server.status());
  self->status_server_ = *std::move(status_server);
  return self;
}

Standalone::~Standalone() = default;

async::Task<void> Standalone::Stop(async::BootTime deadline) {
  co_await program_->Stop(deadline);
  const async::BootTime soon = std::min(deadline, loop_.Now().boot + absl::Seconds(2));
  co_await api_server_->Stop(soon);
  co_await status_server_->Stop(soon);
}

namespace {

std::string UrlOf(const std::string& address, uint16_t port) {
  const bool any = address == "::" || address == "0.0.0.0";
  const bool v6 = absl::StrContains(address, ":");
  return absl::StrCat("http://", any ? "127.0.0.1" : v6 ? absl::StrCat("[", address, "]") : address, ":", port);
}

}  // namespace

std::string Standalone::api_url() const { return UrlOf(options_.listen, api_server_->port()); }
std::string Standalone::metrics_url() const { return UrlOf(options_.listen, status_server_->port()); }

}  // namespace ottoscale::operator_main
