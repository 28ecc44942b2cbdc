#include "operator/runtime_metrics.h"

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace ottoscale::operator_main {
namespace {

using telemetry::Family;
using telemetry::Labels;
using telemetry::MetricType;

// Those of client-go.
std::vector<double> RequestBuckets() { return {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60}; }

Labels With(Labels labels, const char* name, const char* value) {
  labels.push_back({name, value});
  return labels;
}

template <class Value>
void AddNumber(telemetry::Registry& registry, MetricType type, const char* name, const char* help, Labels labels,
               Value value) {
  registry.AddSampled({name, help, type}, std::move(labels), [value]() -> std::optional<double> {
    const auto now = value();
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(now)>, absl::Duration>) {
      return absl::ToDoubleSeconds(now);
    } else {
      return static_cast<double>(now);
    }
  });
}

telemetry::HistogramCounts CountsOf(const kube::DurationHistogram& histogram) {
  telemetry::HistogramCounts counts{.counts = histogram.counts, .sum = absl::ToDoubleSeconds(histogram.sum)};
  for (const absl::Duration bound : histogram.bounds) counts.bounds.push_back(absl::ToDoubleSeconds(bound));
  return counts;
}

void AddHistogram(telemetry::Registry& registry, const char* name, const char* help, const Labels& labels,
                  const kube::DurationHistogram& histogram) {
  registry.AddSampledHistogram({name, help, MetricType::kHistogram}, labels,
                               [&histogram] { return CountsOf(histogram); });
}

void AddReconcileMetrics(telemetry::Registry& registry, const Labels& labels, const kube::Controller& controller) {
  const kube::ControllerCounters& counters = controller.counters();
  const char* total = "controller_runtime_reconcile_total";
  const char* total_help = "Passes by their result.";
  const auto of_result = [&](const char* result, auto value) {
    AddNumber(registry, MetricType::kCounter, total, total_help, With(labels, "result", result), value);
  };
  of_result("success", [&counters] { return counters.success; });
  of_result("requeue_after", [&counters] { return counters.requeue_after; });
  of_result("error", [&counters] { return counters.error; });
  of_result("requeue", [] { return 0; });  // asks for backoff without an error: ours never do
  AddNumber(registry, MetricType::kCounter, "controller_runtime_reconcile_errors_total", "Passes that failed.", labels,
            [&counters] { return counters.error; });
  AddNumber(registry, MetricType::kCounter, "controller_runtime_terminal_reconcile_errors_total",
            "Passes that failed and are not tried again.", labels, [&counters] { return counters.terminal_errors; });
  AddNumber(registry, MetricType::kGauge, "controller_runtime_active_workers", "Passes under way.", labels,
            [&counters] { return counters.active_workers; });
  AddNumber(registry, MetricType::kGauge, "controller_runtime_max_concurrent_reconciles",
            "Passes that may be under way at once.", labels, [&controller] { return controller.workers(); });
  AddHistogram(registry, "controller_runtime_reconcile_time_seconds", "How long passes take.", labels,
               counters.durations);
}

void AddQueueMetrics(telemetry::Registry& registry, const Labels& labels,
                     const kube::WorkQueue<kubeapi::ObjectKey>& queue) {
  const kube::WorkQueueCounters& counters = queue.counters();
  AddNumber(registry, MetricType::kGauge, "workqueue_depth", "Keys that wait for a worker.", labels,
            [&queue] { return queue.depth(); });
  AddNumber(registry, MetricType::kCounter, "workqueue_adds_total", "Keys that became ready.", labels,
            [&counters] { return counters.adds; });
  AddNumber(registry, MetricType::kCounter, "workqueue_retries_total", "Keys that were tried again after a failure.",
            labels, [&counters] { return counters.retries; });
  AddNumber(registry, MetricType::kGauge, "workqueue_unfinished_work_seconds",
            "For how long the workers have had what they have not finished, together.", labels,
            [&queue] { return queue.unfinished(); });
  AddNumber(registry, MetricType::kGauge, "workqueue_longest_running_processor_seconds",
            "For how long the slowest worker has had its key.", labels, [&queue] { return queue.longest_running(); });
  AddHistogram(registry, "workqueue_queue_duration_seconds", "How long ready keys wait for a worker.", labels,
               counters.waited);
  AddHistogram(registry, "workqueue_work_duration_seconds", "How long workers have a key.", labels, counters.worked);
}

}  // namespace

void AddControllerMetrics(telemetry::Registry& registry, const std::string& name, kube::Controller& controller) {
  AddReconcileMetrics(registry, {{"controller", name}}, controller);
  AddQueueMetrics(registry, {{"name", name}, {"controller", name}}, controller.queue());
}

void AddLoopMetrics(telemetry::Registry& registry, async::AsioLoop& loop) {
  AddNumber(registry, MetricType::kGauge, "ottoscale_event_loop_longest_stall_seconds",
            "The longest that one callback has kept all others waiting since the scrape before.", {},
            [&loop] { return loop.TakeLongestStall(); });
}

void AddClientMetrics(telemetry::Registry& registry, const std::string& host, const kube::Client& client) {
  registry.AddSeries(
      {"rest_client_requests_total", "Requests to the API server by their answer.", MetricType::kCounter},
      [host, &client](absl::string_view after, telemetry::Samples& samples) -> std::optional<std::string> {
        if (!after.empty()) return std::nullopt;
        std::map<kube::ClientCounters::Request, uint64_t> requests = client.counters().requests;
        for (const char* method : {"GET", "PATCH"}) requests.try_emplace({method, "200"});
        requests.try_emplace({"POST", "201"});
        for (const auto& [request, count] : requests) {
          samples.Add({{"code", request.code}, {"method", request.method}, {"host", host}}, static_cast<double>(count));
        }
        return "all";
      });
  AddNumber(registry, MetricType::kCounter, "rest_client_request_retries_total", "Requests that were sent again.",
            {{"host", host}}, [&client] { return client.counters().retries; });
}

http::CountingTransport::OnDone RequestDurations(telemetry::Registry& registry, const std::string& host) {
  std::map<std::string, telemetry::Histogram> histograms;
  for (const char* verb : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
    histograms.emplace(verb, registry.AddHistogram("rest_client_request_duration_seconds",
                                                   "Requests to the API server, up to the response headers.",
                                                   RequestBuckets(), {{"verb", verb}, {"host", host}}));
  }
  return [histograms](const http::CountingTransport::Key& key, absl::Duration took) mutable {
    if (const auto found = histograms.find(key.method); found != histograms.end()) found->second.Observe(took);
  };
}

void AddLeaderMetrics(telemetry::Registry& registry, const std::string& name, std::function<bool()> leads,
                      std::function<uint64_t()> slow_paths) {
  AddNumber(registry, MetricType::kGauge, "leader_election_master_status", "1 while this process is the leader.",
            {{"name", name}}, std::move(leads));
  AddNumber(registry, MetricType::kCounter, "leader_election_slowpath_total",
            "Renewals of the lease that had to read it first.", {{"name", name}}, std::move(slow_paths));
}

std::string HostOf(absl::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme != absl::string_view::npos) url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.find('/')));
}

}  // namespace ottoscale::operator_main
