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
  StatusHandler handler(registry, [&missing] { return missing; });
  http::Loopback transport(loop, handler);
  EXPECT_TRUE(absl::StrContains(loop.Run(Ask(transport, "GET", "/metrics")).body, "ottoscale_things_total 0\n"));
  EXPECT_EQ(loop.Run(Ask(transport, "GET", "/healthz")).status, 200);
  EXPECT_EQ(loop.Run(Ask(transport, "GET", "/readyz")).body, "not ready: the list of policies\n");
  missing.clear();
  EXPECT_EQ(loop.Run(Ask(transport, "GET", "/readyz")).status, 200);
  EXPECT_EQ(loop.Run(Ask(transport, "GET", "/nothing")).status, 404);
  EXPECT_EQ(loop.Run(Ask(transport, "POST", "/metrics")).status, 405);
}

}  // namespace
}  // namespace ottoscale::operator_main
