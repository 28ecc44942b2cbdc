#include "operator/runtime_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "operator/provider_traffic.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"
#include "pkg/http/loopback.h"
#include "pkg/kubeapi/resource.h"
#include "pkg/telemetry/promtool.h"
#include "pkg/telemetry/text_stream.h"

namespace ottoscale::operator_main {
namespace {

using testing::HasSubstr;
using testing::Not;

// Passes that take two seconds; those of "bad" fail, those of "lost" for good, those of "periodic" come again.
async::Task<absl::StatusOr<kube::Requeue>> TakeTwoSeconds(kubeapi::ObjectKey key) {
  (void)co_await async::Sleep(absl::Seconds(2));
  if (key.name == "bad") co_return absl::UnavailableError("away");
  if (key.name == "lost") co_return kube::Terminal(absl::InvalidArgumentError("wrong"));
  if (key.name == "periodic") co_return kube::Requeue::After(absl::Hours(1));
  co_return kube::Requeue::Never();
}

struct World {
  World() { AddControllerMetrics(registry, "scalingpolicy", controller); }
  ~World() { loop.Run(controller.Stop(loop.Now().boot)); }
  std::string Text() { return telemetry::ExpositionText(registry); }

  async::SimulatedLoop loop{1};
  telemetry::Registry registry;
  kube::Controller controller{loop, {.workers = 2}, TakeTwoSeconds};
};

TEST(ControllerMetrics, HaveTheNamesOfControllerRuntimeAndExistFromTheStart) {
  World world;
  const std::string text = world.Text();
  for (const char* series :
       {"controller_runtime_reconcile_total{controller=\"scalingpolicy\",result=\"success\"} 0",
        "controller_runtime_reconcile_total{controller=\"scalingpolicy\",result=\"error\"} 0",
        "controller_runtime_reconcile_total{controller=\"scalingpolicy\",result=\"requeue\"} 0",
        "controller_runtime_reconcile_total{controller=\"scalingpolicy\",result=\"requeue_after\"} 0",
        "controller_runtime_reconcile_errors_total{controller=\"scalingpolicy\"} 0",
        "controller_runtime_terminal_reconcile_errors_total{controller=\"scalingpolicy\"} 0",
        "controller_runtime_active_workers{controller=\"scalingpolicy\"} 0",
        "controller_runtime_max_concurrent_reconciles{controller=\"scalingpolicy\"} 2",
        "controller_runtime_reconcile_time_seconds_bucket{controller=\"scalingpolicy\",le=\"0.005\"} 0",
        "controller_runtime_reconcile_time_seconds_bucket{controller=\"scalingpolicy\",le=\"60\"} 0",
        "controller_runtime_reconcile_time_seconds_count{controller=\"scalingpolicy\"} 0",
        "workqueue_depth{name=\"scalingpolicy\",controller=\"scalingpolicy\"} 0",
        "workqueue_adds_total{name=\"scalingpolicy\",controller=\"scalingpolicy\"} 0",
        "workqueue_retries_total{name=\"scalingpolicy\",controller=\"scalingpolicy\"} 0",
        "workqueue_unfinished_work_seconds{name=\"scalingpolicy\",controller=\"scalingpolicy\"} 0",
        "workqueue_longest_running_processor_seconds{name=\"scalingpolicy\",controller=\"scalingpolicy\"} 0",
        "workqueue_queue_duration_seconds_bucket{name=\"scalingpolicy\",controller=\"scalingpolicy\",le=\"1e-08\"} 0",
        "workqueue_queue_duration_seconds_bucket{name=\"scalingpolicy\",controller=\"scalingpolicy\",le=\"1000\"} 0",
        "workqueue_work_duration_seconds_count{name=\"scalingpolicy\",controller=\"scalingpolicy\"} 0"}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("\n", series, "\n")));
  }
}

TEST(ControllerMetrics, CountWhatTheControllerDoes) {
  World world;
  for (const char* name : {"good", "fine", "lost", "periodic", "bad"}) world.controller.Enqueue({"shop", name});
  world.controller.Start();
  world.loop.RunFor(absl::Seconds(1));
  const std::string during = world.Text();
  for (const char* series : {"controller_runtime_active_workers{controller=\"scalingpolicy\"} 2",
                             "workqueue_depth{name=\"scalingpolicy\",controller=\"scalingpolicy\"} 3",
                             "workqueue_unfinished_work_seconds{name=\"scalingpolicy\",controller=\"scalingpolicy\"} 2",
                             "workqueue_longest_running_processor_seconds{name=\"scalingpolicy\","
                             "controller=\"scalingpolicy\"} 1"}) {
    EXPECT_THAT(during, HasSubstr(absl::StrCat("\n", series, "\n")));
  }
  world.loop.RunFor(absl::Seconds(5) + absl::Milliseconds(2));
  const std::string after = world.Text();
  for (const char* series :
       {"controller_runtime_reconcile_total{controller=\"scalingpolicy\",result=\"success\"} 2",
        "controller_runtime_reconcile_total{controller=\"scalingpolicy\",result=\"requeue_after\"} 1",
        "controller_runtime_terminal_reconcile_errors_total{controller=\"scalingpolicy\"} 1",
        "workqueue_retries_total{name=\"scalingpolicy\",controller=\"scalingpolicy\"} 1",
        "controller_runtime_reconcile_time_seconds_bucket{controller=\"scalingpolicy\",le=\"1.75\"} 0",
        "controller_runtime_reconcile_time_seconds_bucket{controller=\"scalingpolicy\",le=\"2\"} 5",
        "controller_runtime_reconcile_time_seconds_sum{controller=\"scalingpolicy\"} 10",
        "workqueue_queue_duration_seconds_sum{name=\"scalingpolicy\",controller=\"scalingpolicy\"} 8",
        "workqueue_work_duration_seconds_sum{name=\"scalingpolicy\",controller=\"scalingpolicy\"} 10"}) {
    EXPECT_THAT(after, HasSubstr(absl::StrCat("\n", series, "\n")));
  }
}

// Answers after a quarter of a second; what is not there is a 404.
class Slow final : public http::Handler {
 public:
  async::Task<http::Response> Handle(http::ServerRequest request) override {
    (void)co_await async::Sleep(absl::Milliseconds(250));
    co_return http::Response{.status = request.path == "/there" || request.method == "PATCH" ? 200 : 404,
                             .body = http::Body("{}")};
  }
};

TEST(ClientMetrics, CountRequestsAndTimeThemByVerb) {
  async::SimulatedLoop loop(1);
  Slow api;
  http::Loopback transport(loop, api);
  telemetry::Registry registry;
  const std::string host = HostOf("https://10.0.0.1:443");
  http::CountingTransport counting(loop, transport, RequestDurations(registry, host));
  const kube::Client client(counting, {.base_url = "https://10.0.0.1:443"});
  AddClientMetrics(registry, host, client);
  for (const char* series : {"rest_client_requests_total{code=\"200\",method=\"GET\",host=\"10.0.0.1:443\"} 0",
                             "rest_client_requests_total{code=\"200\",method=\"PATCH\",host=\"10.0.0.1:443\"} 0",
                             "rest_client_requests_total{code=\"201\",method=\"POST\",host=\"10.0.0.1:443\"} 0",
                             "rest_client_request_retries_total{host=\"10.0.0.1:443\"} 0"}) {
    EXPECT_THAT(telemetry::ExpositionText(registry), HasSubstr(absl::StrCat("\n", series, "\n")));
  }
  const async::BootTime deadline = loop.Now().boot + absl::Seconds(9);
  EXPECT_FALSE(loop.Run(client.Get(kubeapi::Secrets(), {"shop", "a"}, deadline)).ok());
  EXPECT_TRUE(loop.Run(client.ApplyStatus(kubeapi::ScalingPolicies(), {"shop", "a"}, {}, deadline)).ok());
  for (const char* series :
       {"rest_client_requests_total{code=\"404\",method=\"GET\",host=\"10.0.0.1:443\"} 1",
        "rest_client_requests_total{code=\"200\",method=\"PATCH\",host=\"10.0.0.1:443\"} 1",
        "rest_client_request_duration_seconds_bucket{host=\"10.0.0.1:443\",verb=\"GET\",le=\"0.1\"} 0",
        "rest_client_request_duration_seconds_bucket{host=\"10.0.0.1:443\",verb=\"GET\",le=\"0.25\"} 1",
        "rest_client_request_duration_seconds_sum{host=\"10.0.0.1:443\",verb=\"PATCH\"} 0.25",
        "rest_client_request_duration_seconds_count{host=\"10.0.0.1:443\",verb=\"POST\"} 0"}) {
    EXPECT_THAT(telemetry::ExpositionText(registry), HasSubstr(absl::StrCat("\n", series, "\n")));
  }
}

TEST(ClientMetrics, NameTheServerAsClientGoDoes) {
  EXPECT_EQ(HostOf("https://10.0.0.1:443"), "10.0.0.1:443");
  EXPECT_EQ(HostOf("https://kube.example/prefix"), "kube.example");
  EXPECT_EQ(HostOf("http://[::1]:8080"), "[::1]:8080");
  EXPECT_EQ(HostOf("embedded"), "embedded");
}

TEST(LeaderMetrics, FollowTheElection) {
  telemetry::Registry registry;
  bool leads = false;
  AddLeaderMetrics(registry, "ottoscale", [&leads] { return leads; }, [] { return 3; });
  EXPECT_THAT(telemetry::ExpositionText(registry),
              HasSubstr("\nleader_election_master_status{name=\"ottoscale\"} 0\n"));
  leads = true;
  EXPECT_THAT(telemetry::ExpositionText(registry),
              HasSubstr("\nleader_election_master_status{name=\"ottoscale\"} 1\n"));
  EXPECT_THAT(telemetry::ExpositionText(registry),
              HasSubstr("\nleader_election_slowpath_total{name=\"ottoscale\"} 3\n"));
}

TEST(ProviderTraffic, CountsEachProviderByItsOperationsFromTheStart) {
  async::SimulatedLoop loop(1);
  Slow api;
  http::Loopback transport(loop, api);
  telemetry::Registry registry;
  ProviderTraffic traffic(loop, registry);
  http::Transport& heroku = traffic.Count("heroku", {"GET", "PATCH"}, transport);
  http::Transport& heartbeat = traffic.Count("heartbeat", {"GET"}, transport);
  const std::string total = "ottoscale_provider_requests_total";
  const auto text = [&registry] { return telemetry::ExpositionText(registry); };
  for (const char* code : {"200", "401", "403", "429", "500", "error"}) {
    EXPECT_THAT(text(), HasSubstr(absl::StrCat("\n", total, "{provider=\"heroku\",operation=\"PATCH\",code=\"", code,
                                               "\"} 0\n")));
  }
  const async::BootTime deadline = loop.Now().boot + absl::Seconds(9);
  (void)loop.Run(heroku.Send({.method = "GET", .url = "http://api/there"}, deadline));
  (void)loop.Run(heroku.Send({.method = "DELETE", .url = "http://api/there"}, deadline));
  (void)loop.Run(heartbeat.Send({.method = "GET", .url = "http://api/gone"}, deadline));
  for (const char* series : {"{provider=\"heroku\",operation=\"GET\",code=\"200\"} 1",
                             "{provider=\"heroku\",operation=\"DELETE\",code=\"200\"} 1",
                             "{provider=\"heroku\",operation=\"PATCH\",code=\"200\"} 0",
                             "{provider=\"heartbeat\",operation=\"GET\",code=\"404\"} 1"}) {
    EXPECT_THAT(text(), HasSubstr(absl::StrCat("\n", total, series, "\n")));
  }
  const std::string sum = "ottoscale_provider_request_duration_seconds_sum";
  EXPECT_THAT(text(), HasSubstr(absl::StrCat("\n", sum, "{operation=\"GET\",provider=\"heroku\"} 0.25\n")));
  EXPECT_THAT(text(), HasSubstr(absl::StrCat("\n", sum, "{operation=\"PATCH\",provider=\"heroku\"} 0\n")));
}

TEST(RuntimeMetrics, PassPromtool) {
  NEEDS_PROMTOOL();
  World world;
  Slow api;
  http::Loopback transport(world.loop, api);
  const kube::Client client(transport, {.base_url = "https://kube"});
  AddClientMetrics(world.registry, "kube", client);
  (void)RequestDurations(world.registry, "kube");
  AddLeaderMetrics(world.registry, "ottoscale", [] { return true; }, [] { return 0; });
  ProviderTraffic traffic(world.loop, world.registry);
  (void)traffic.Count("heroku", {"GET"}, transport);
  const telemetry::PromtoolResult result = telemetry::Promtool(world.Text());
  EXPECT_EQ(result.output, "");
  EXPECT_EQ(result.exit_code, 0);
}

}  // namespace
}  // namespace ottoscale::operator_main
