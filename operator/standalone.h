// The operator on one machine: an embedded API server over a memory store takes the place of a cluster. Used by `up`
// (real clouds) and by `demo` (simulated ones, behind real sockets).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "operator/command_line.h"
#include "operator/program.h"
#include "operator/provider_traffic.h"
#include "operator/status_handler.h"
#include "pkg/apiserver/api_server.h"
#include "pkg/apiserver/memory_store.h"
#include "pkg/async/asio_loop.h"
#include "pkg/async/blocking_pool.h"
#include "pkg/http/loopback.h"
#include "pkg/http/server.h"
#include "pkg/telemetry/log.h"
#include "pkg/telemetry/scrubber.h"

namespace ottoscale::operator_main {

struct Version {
  std::string version;
  std::string revision;
};

// What other programs and people reach over the socket: the API without the secrets in it, and only under a name of
// this machine, so that no page in a browser can reach it by a name of its own (DNS rebinding).
class GuardedApi final : public http::Handler {
 public:
  explicit GuardedApi(http::Handler& inner) : inner_(inner) {}
  async::Task<http::Response> Handle(http::ServerRequest request) override;

 private:
  http::Handler& inner_;
};

// The providers of this binary: the whole list of clouds and sources.
ports::Providers MakeProviders(async::Loop& loop, http::Transport& cloud, http::Transport& probe,
                               const std::vector<std::string>& allowed_endpoints);

class Standalone {
 public:
  // Opens the ports; nothing runs yet. `sink` takes the log; `colour` when it is a terminal.
  static absl::StatusOr<std::unique_ptr<Standalone>> Make(async::AsioLoop& loop, const CommonOptions& options,
                                                          const Version& version, telemetry::Sink sink, bool colour);
  ~Standalone();

  void Start() { program_->Start(); }
  async::Task<void> Stop(async::BootTime deadline);

  telemetry::Log& log() { return log_; }
  telemetry::Scrubber& scrubber() { return scrubber_; }
  const kube::Client& client() const { return program_->client(); }
  const ports::Providers& providers() const { return providers_; }
  const Program& program() const { return *program_; }
  std::string api_url() const;
  std::string metrics_url() const;

 private:
  Standalone(async::AsioLoop& loop, const CommonOptions& options, telemetry::Sink sink, bool colour);

  async::AsioLoop& loop_;
  CommonOptions options_;
  telemetry::Scrubber scrubber_;
  telemetry::Log log_;
  telemetry::Registry registry_;
  ProviderTraffic traffic_;
  async::BlockingPool pool_;
  std::unique_ptr<http::Transport> cloud_;
  std::unique_ptr<http::Transport> probe_;
  ports::Providers providers_;
  apiserver::MemoryStore store_;
  std::unique_ptr<apiserver::ApiServer> api_;
  std::unique_ptr<http::Loopback> api_transport_;
  std::unique_ptr<Program> program_;
  std::unique_ptr<GuardedApi> guarded_api_;
  std::unique_ptr<StatusHandler> status_;
  std::unique_ptr<http::Server> api_server_;
  std::unique_ptr<http::Server> status_server_;
};

}  // namespace ottoscale::operator_main
