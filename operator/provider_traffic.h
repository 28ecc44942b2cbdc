// Counts what goes out to clouds and heartbeats: ottoscale_provider_requests_total and
// ottoscale_provider_request_duration_seconds, by provider and operation (the method of the request).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pkg/async/loop.h"
#include "pkg/http/counting.h"
#include "pkg/telemetry/metrics.h"

namespace ottoscale::operator_main {

class ProviderTraffic {
 public:
  // Both outlive it; it outlives the scrapes.
  ProviderTraffic(async::Loop& loop, telemetry::Registry& registry);

  // A transport that sends what it is given through `inner`, which outlives it, and counts it. It lives as long as
  // this. The series of `methods` exist from here on. Once a provider.
  http::Transport& Count(const std::string& provider, const std::vector<std::string>& methods, http::Transport& inner);

 private:
  using Key = http::CountingTransport::Key;
  struct Counted {
    std::vector<std::string> methods;
    std::unique_ptr<http::CountingTransport> transport;
  };
  void Write(telemetry::Samples& samples) const;

  async::Loop& loop_;
  telemetry::Registry& registry_;
  std::map<std::string, Counted> providers_;
};

}  // namespace ottoscale::operator_main
