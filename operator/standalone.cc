#include "operator/standalone.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/apiserver/crd.h"
#include "pkg/base/check.h"
#include "pkg/base/status.h"
#include "pkg/codec/json.h"
#include "pkg/kubeapi/api_error.h"
#include "pkg/manifest/crds.h"
#include "pkg/reconcile/provider_check.h"

namespace ottoscale::operator_main {
namespace {

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

}  // namespace

apiserver::ApiServerOptions EmbeddedApi(const ports::Providers& providers) {
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

async::Task<http::Response> GuardedApi::Handle(http::ServerRequest request) {
  if (!NamesThisMachine(request.headers.Get("Host").value_or(""))) {
    co_return Refuse("this API answers to an address of this machine only, not to another name");
  }
  if (absl::StrContains(absl::StrCat(request.path, "/"), "/secrets/")) {
    co_return Refuse("secrets are not served outside the process: give them with --secret");
  }
  co_return co_await inner_.Handle(std::move(request));
}

absl::StatusOr<std::unique_ptr<Standalone>> Standalone::Make(async::AsioLoop& loop, const CommonOptions& options,
                                                             const Version& version, telemetry::Sink sink,
                                                             bool colour) {
  auto made = Host::Make(loop, options, version, std::move(sink), colour);
  RETURN_IF_ERROR(made.status());
  std::unique_ptr<Standalone> self(new Standalone(*std::move(made)));
  Host& host = *self->host_;
  self->api_ = std::make_unique<apiserver::ApiServer>(loop, self->store_, EmbeddedApi(host.providers()));
  self->api_transport_ = std::make_unique<http::Loopback>(loop, *self->api_);
  self->guarded_api_ = std::make_unique<GuardedApi>(*self->api_);
  auto api_server = http::Listen(loop, *self->guarded_api_, {.address = options.listen, .port = options.api_port});
  if (!api_server.ok()) return Annotate("--api-port", api_server.status());
  self->api_server_ = *std::move(api_server);
  self->program_ = std::make_unique<Program>(Program::Parts{.loop = loop,
                                                            .kube = *self->api_transport_,
                                                            .kube_url = "http://embedded",
                                                            .providers = host.providers(),
                                                            .log = host.log(),
                                                            .registry = host.registry(),
                                                            .limits = host.limits(),
                                                            .on_secret = host.on_secret()});
  RETURN_IF_ERROR(host.ServeStatus([program = self->program_.get()] { return program->NotReady(); }));
  return self;
}

Standalone::~Standalone() = default;

async::Task<void> Standalone::Stop(async::BootTime deadline) {
  co_await program_->Stop(deadline);
  co_await api_server_->Stop(std::min(deadline, host_->loop().Now().boot + absl::Seconds(2)));
  co_await host_->Stop(deadline);
}

std::string Standalone::api_url() const { return UrlOf(host_->options().listen, api_server_->port()); }

}  // namespace ottoscale::operator_main
