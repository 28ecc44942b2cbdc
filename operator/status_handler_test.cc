#include "operator/status_handler.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/http/loopback.h"

namespace ottoscale::operator_main {
namespace {

struct Answer {
  int status = 0;
  std::string body;
};

async::Task<Answer> Ask(http::Transport& transport, std::string method, std::string path) {
  http::Request request{.method = std::move(method), .url = absl::StrCat("http://localhost", path)};
  auto response = co_await transport.Send(std::move(request), async::BootTime::Infinite());
  if (!response.ok()) co_return Answer{0, response.status().ToString()};
  auto body = co_await http::ReadAll(std::move(response->body), 1 << 20);
  co_return Answer{response->status, body.value_or("")};
}

TEST(StatusHandler, AnswersEachPath) {
  async::SimulatedLoop loop(1);
  telemetry::Registry registry;
  registry.AddCounter("ottoscale_things_total", "Things.");
  std::string missing = "the list of policies";
  telemetry::Log log({.loop = loop, .sink = [](telemetry::Level, absl::string_view) {}});
  StatusHandler handler(registry, log, [&missing] { return missing; });
  http::Loopback transport(loop, handler);
  EXPECT_TRUE(absl::StrContains(loop.Run(Ask(transport, "GET", "/metrics")).body, "ottoscale_things_total 0\n"));
  EXPECT_EQ(loop.Run(Ask(transport, "GET", "/healthz")).status, 200);
  EXPECT_EQ(loop.Run(Ask(transport, "GET", "/readyz")).body, "not ready: the list of policies\n");
  missing.clear();
  EXPECT_EQ(loop.Run(Ask(transport, "GET", "/readyz")).status, 200);
  EXPECT_EQ(loop.Run(Ask(transport, "GET", "/nothing")).status, 404);
  EXPECT_EQ(loop.Run(Ask(transport, "POST", "/metrics")).status, 405);
}

TEST(StatusHandler, TheLogLevelIsSetFromThisMachineOnly) {
  async::SimulatedLoop loop(1);
  telemetry::Registry registry;
  telemetry::Log log({.loop = loop, .sink = [](telemetry::Level, absl::string_view) {}});
  StatusHandler handler(registry, log, [] { return ""; });
  const auto ask = [&](std::string method, std::string body, std::string peer) {
    return loop.Run(handler.Handle({.method = method, .path = "/log-level", .body = body, .peer = peer}));
  };
  EXPECT_EQ(ask("GET", "", "10.0.0.7").body.text, "info\n");
  EXPECT_EQ(ask("PUT", "debug\n", "10.0.0.7").status, 403);
  EXPECT_EQ(ask("PUT", "loud", "127.0.0.1").status, 400);
  EXPECT_EQ(ask("DELETE", "", "127.0.0.1").status, 405);
  EXPECT_EQ(log.level(), telemetry::Level::kInfo);
  EXPECT_EQ(ask("PUT", "debug\n", "127.0.0.1").status, 200);
  EXPECT_EQ(log.level(), telemetry::Level::kDebug);
  EXPECT_EQ(ask("GET", "", "::1").body.text, "debug\n");
}

}  // namespace
}  // namespace ottoscale::operator_main
