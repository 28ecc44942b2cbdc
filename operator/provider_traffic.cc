#include "operator/provider_traffic.h"

#include <optional>
#include <utility>

#include "pkg/base/check.h"

namespace ottoscale::operator_main {
namespace {

// The answers that alerts ask for: these series exist before the first of them has come.
constexpr const char* kCodes[] = {"200", "401", "403", "404", "422", "429", "500", "503", "error"};

}  // namespace

ProviderTraffic::ProviderTraffic(async::Loop& loop, telemetry::Registry& registry) : loop_(loop), registry_(registry) {
  registry.AddSeries({"ottoscale_provider_requests_total", "Requests to clouds and heartbeats by their answer.",
                      telemetry::MetricType::kCounter},
                     [this](absl::string_view after, telemetry::Samples& samples) -> std::optional<std::string> {
                       if (!after.empty()) return std::nullopt;
                       Write(samples);
                       return "all";
                     });
}

void ProviderTraffic::Write(telemetry::Samples& samples) const {
  for (const auto& [provider, counted] : providers_) {
    std::map<Key, uint64_t> requests = counted.transport->requests();
    for (const std::string& method : counted.methods) {
      for (const char* code : kCodes) requests.try_emplace({method, code});
    }
    for (const auto& [key, count] : requests) {
      samples.Add({{"provider", provider}, {"operation", key.method}, {"code", key.code}}, static_cast<double>(count));
    }
  }
}

http::Transport& ProviderTraffic::Count(const std::string& provider, const std::vector<std::string>& methods,
                                        http::Transport& inner) {
  std::map<std::string, telemetry::Histogram> durations;
  for (const std::string& method : methods) {
    durations.emplace(
        method, registry_.AddHistogram("ottoscale_provider_request_duration_seconds",
                                       "Requests to clouds and heartbeats, up to the response headers.",
                                       telemetry::LatencyBuckets(), {{"provider", provider}, {"operation", method}}));
  }
  auto transport =
      std::make_unique<http::CountingTransport>(loop_, inner, [durations](const Key& key, absl::Duration took) mutable {
        if (const auto found = durations.find(key.method); found != durations.end()) found->second.Observe(took);
      });
  const auto [counted, added] = providers_.emplace(provider, Counted{methods, std::move(transport)});
  CHECK(added, "a provider is counted once");
  return *counted->second.transport;
}

}  // namespace ottoscale::operator_main
