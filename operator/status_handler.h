// /metrics, /healthz, /readyz and /log-level. The metrics are pulled slice by slice, with a turn of the loop between
// two slices, so that a scrape of ten thousand policies delays nobody.
#pragma once

#include <functional>
#include <string>

#include "pkg/http/http.h"
#include "pkg/telemetry/log.h"
#include "pkg/telemetry/metrics.h"

namespace ottoscale::operator_main {

class StatusHandler final : public http::Handler {
 public:
  // `not_ready` says what is still missing, "" when nothing is. Answering at all is what /healthz promises: the loop
  // that answers is the loop that works.
  StatusHandler(telemetry::Registry& registry, telemetry::Log& log, std::function<std::string()> not_ready)
      : registry_(registry), log_(log), not_ready_(std::move(not_ready)) {}

  async::Task<http::Response> Handle(http::ServerRequest request) override;

 private:
  http::Response LogLevel(const http::ServerRequest& request);

  telemetry::Registry& registry_;
  telemetry::Log& log_;
  std::function<std::string()> not_ready_;
};

}  // namespace ottoscale::operator_main
