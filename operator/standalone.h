// The operator on one machine: an embedded API server over a memory store takes the place of a cluster. Used by `up`
// (real clouds) and by `demo` (simulated ones, behind real sockets).
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "operator/host.h"
#include "operator/program.h"
#include "pkg/apiserver/api_server.h"
#include "pkg/apiserver/memory_store.h"
#include "pkg/http/loopback.h"
#include "pkg/http/server.h"

namespace ottoscale::operator_main {

// What other programs and people reach over the socket: the API without the secrets in it, and only under a name of
// this machine, so that no page in a browser can reach it by a name of its own (DNS rebinding).
class GuardedApi final : public http::Handler {
 public:
  explicit GuardedApi(http::Handler& inner) : inner_(inner) {}
  async::Task<http::Response> Handle(http::ServerRequest request) override;

 private:
  http::Handler& inner_;
};

// The embedded API server's kinds, those of crds/, and its checks, those of the program.
apiserver::ApiServerOptions EmbeddedApi(const ports::Providers& providers);

class Standalone {
 public:
  // Opens the ports; nothing runs yet. `sink` takes the log; `colour` when it is a terminal.
  static absl::StatusOr<std::unique_ptr<Standalone>> Make(async::AsioLoop& loop, const CommonOptions& options,
                                                          const Version& version, telemetry::Sink sink, bool colour);
  ~Standalone();

  void Start() { program_->StartAlone(); }
  async::Task<void> Stop(async::BootTime deadline);

  Host& host() { return *host_; }
  telemetry::Log& log() { return host_->log(); }
  const kube::Client& client() const { return program_->client(); }
  const ports::Providers& providers() const { return host_->providers(); }
  const Program& program() const { return *program_; }
  std::string api_url() const;
  std::string metrics_url() const { return host_->metrics_url(); }

 private:
  explicit Standalone(std::unique_ptr<Host> host) : host_(std::move(host)) {}

  std::unique_ptr<Host> host_;
  apiserver::MemoryStore store_;
  std::unique_ptr<apiserver::ApiServer> api_;
  std::unique_ptr<http::Loopback> api_transport_;
  std::unique_ptr<Program> program_;
  std::unique_ptr<GuardedApi> guarded_api_;
  std::unique_ptr<http::Server> api_server_;
};

}  // namespace ottoscale::operator_main
