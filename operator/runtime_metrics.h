// The generic numbers of an operator, under the names and labels that dashboards know from controller-runtime, its work
// queues, client-go and its leader election. What has no counterpart here is not exported: passes that panic or run out
// of time (a defect ends the process, and every wait inside a pass has its deadline), webhooks, a rate limiter of the
// client, certificate watchers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "pkg/async/asio_loop.h"
#include "pkg/http/counting.h"
#include "pkg/kube/client.h"
#include "pkg/kube/controller.h"
#include "pkg/telemetry/metrics.h"

namespace ottoscale::operator_main {

// controller_runtime_* and workqueue_*. The controller outlives the scrapes; so do all others below.
void AddControllerMetrics(telemetry::Registry& registry, const std::string& name, kube::Controller& controller);

// ottoscale_event_loop_longest_stall_seconds: of one callback, since the last scrape.
void AddLoopMetrics(telemetry::Registry& registry, async::AsioLoop& loop);

// rest_client_requests_total and rest_client_request_retries_total.
void AddClientMetrics(telemetry::Registry& registry, const std::string& host, const kube::Client& client);

// rest_client_request_duration_seconds, up to the response headers: for a CountingTransport below the client.
http::CountingTransport::OnDone RequestDurations(telemetry::Registry& registry, const std::string& host);

// leader_election_master_status{name}: 1 while `leads` says so, and leader_election_slowpath_total. Only where there is
// an election.
void AddLeaderMetrics(telemetry::Registry& registry, const std::string& name, std::function<bool()> leads,
                      std::function<uint64_t()> slow_paths);

// "10.0.0.1:443" of "https://10.0.0.1:443": how client-go names a server in its metrics.
std::string HostOf(absl::string_view url);

}  // namespace ottoscale::operator_main
