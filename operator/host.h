// What every way of running the operator has: the log, the metrics, the way to the clouds, and the port that tells how
// it is doing. On top stand Standalone (an embedded API server) and Cluster (a real one).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "operator/command_line.h"
#include "operator/provider_traffic.h"
#include "operator/status_handler.h"
#include "pkg/async/asio_loop.h"
#include "pkg/async/blocking_pool.h"
#include "pkg/http/http.h"
#include "pkg/http/server.h"
#include "pkg/ports/ports.h"
#include "pkg/reconcile/write_gate.h"
#include "pkg/telemetry/log.h"
#include "pkg/telemetry/metrics.h"
#include "pkg/telemetry/scrubber.h"

namespace ottoscale::operator_main {

struct Version {
  std::string version;
  std::string revision;
};

struct ProviderLimits {
  std::vector<std::string> allowed_endpoints;    // API URLs beyond the public ones
  std::vector<std::string> allowed_probe_hosts;  // of heartbeats; empty: any
};
// The providers of this binary: the whole list of clouds and sources.
ports::Providers MakeProviders(async::Loop& loop, http::Transport& cloud, http::Transport& probe,
                               const ProviderLimits& limits);

class Host {
 public:
  // `sink` takes the log; `colour` when it is a terminal.
  static absl::StatusOr<std::unique_ptr<Host>> Make(async::AsioLoop& loop, const CommonOptions& options,
                                                    const Version& version, telemetry::Sink sink, bool colour);

  // Opens the port of /metrics, /healthz and /readyz.
  absl::Status ServeStatus(std::function<std::string()> not_ready);
  async::Task<void> Stop(async::BootTime deadline);

  async::AsioLoop& loop() { return loop_; }
  async::BlockingPool& pool() { return pool_; }
  telemetry::Log& log() { return log_; }
  telemetry::Scrubber& scrubber() { return scrubber_; }
  telemetry::Registry& registry() { return registry_; }
  const ports::Providers& providers() const { return providers_; }
  const CommonOptions& options() const { return options_; }
  reconcile::AdminLimits limits() const;
  // Keeps a credential out of the log from now on.
  std::function<void(const Secret&)> on_secret() {
    return [this](const Secret& secret) { (void)scrubber_.Add(secret); };
  }
  std::string metrics_url() const;

 private:
  Host(async::AsioLoop& loop, const CommonOptions& options, telemetry::Sink sink, bool colour);

  async::AsioLoop& loop_;
  const CommonOptions options_;
  telemetry::Scrubber scrubber_;
  telemetry::Log log_;
  telemetry::Registry registry_;
  ProviderTraffic traffic_;
  async::BlockingPool pool_;
  std::unique_ptr<http::Transport> cloud_;
  std::unique_ptr<http::Transport> probe_;
  ports::Providers providers_;
  std::unique_ptr<StatusHandler> status_;
  std::unique_ptr<http::Server> status_server_;
};

// "http://127.0.0.1:8480": where something that listens there is reached from this machine.
std::string UrlOf(const std::string& address, uint16_t port);

}  // namespace ottoscale::operator_main
