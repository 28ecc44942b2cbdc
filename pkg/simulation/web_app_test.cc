#include "pkg/simulation/web_app.h"

#include <gtest/gtest.h>

#include "pkg/async/simulated_loop.h"
#include "pkg/http/loopback.h"
#include "pkg/simulation/demo_world.h"
#include "pkg/simulation/faults.h"

namespace ottoscale::simulation {
namespace {

TEST(ResponseTime, GrowsWithLoadAndFallsWithDynos) {
  absl::Duration last;
  for (int rate = 0; rate < 12; ++rate) {
    const absl::Duration now = SimulatedApp::ResponseTime(absl::Milliseconds(80), rate, 1);
    EXPECT_GT(now, last);
    EXPECT_LE(SimulatedApp::ResponseTime(absl::Milliseconds(80), rate, 2), now);
    last = now;
  }
  EXPECT_EQ(SimulatedApp::ResponseTime(absl::Milliseconds(100), 5, 1), absl::Milliseconds(200));
  EXPECT_EQ(SimulatedApp::ResponseTime(absl::Milliseconds(100), 10, 1), absl::InfiniteDuration());
  EXPECT_EQ(SimulatedApp::ResponseTime(absl::Milliseconds(100), 0, 0), absl::InfiniteDuration());
}

TEST(LoadCurve, IsAFunctionOfTime) {
  const LoadCurve steps = Repeat(Steps({{absl::ZeroDuration(), 1}, {absl::Seconds(10), 5}}), absl::Seconds(20));
  EXPECT_EQ(steps(absl::Seconds(9)), 1);
  EXPECT_EQ(steps(absl::Seconds(10)), 5);
  EXPECT_EQ(steps(absl::Seconds(20)), 1);
  EXPECT_EQ(Sum(Constant(2), Constant(3))(absl::Hours(1)), 5);
  EXPECT_EQ(Sine(1, 5, absl::Seconds(4))(absl::Seconds(3)), 0);
}

struct Got {
  int status = 0;
  absl::Status error;
};

async::Task<Got> Get(http::Transport& transport, async::BootTime deadline) {
  http::Request request{.url = "http://shop.example/heartbeat"};
  const auto response = co_await transport.Send(std::move(request), deadline);
  co_return response.ok() ? Got{response->status, absl::OkStatus()} : Got{0, response.status()};
}

TEST(SimulatedApp, BeatsAsSlowlyAsItsQueue) {
  async::SimulatedLoop loop(1);
  int dynos = 1;
  bool open = true;
  SimulatedApp app(loop, {.service_time = absl::Milliseconds(100), .noise = 0}, Constant(5), [&] { return dynos; },
                   [&] { return open; });
  http::Loopback transport(loop, app);
  const async::BootTime start = loop.Now().boot;
  EXPECT_EQ(loop.Run(Get(transport, async::BootTime::Infinite())).status, 200);
  EXPECT_EQ(loop.Now().boot - start, absl::Milliseconds(200));
  open = false;
  EXPECT_EQ(loop.Run(Get(transport, async::BootTime::Infinite())).status, 503);
  open = true;
  dynos = 0;
  EXPECT_EQ(loop.Run(Get(transport, async::BootTime::Infinite())).status, 503);
}

TEST(DemoLoad, NeedsThreeDynosAtThePeakAndOneAtTheTrough) {
  const auto response = [](double second, int dynos) {
    return SimulatedApp::ResponseTime(absl::Milliseconds(80), DemoLoad()(absl::Seconds(second)), dynos);
  };
  EXPECT_GT(response(10, 1), absl::Milliseconds(1000));
  EXPECT_GT(response(40, 2), absl::Milliseconds(1000));
  EXPECT_GT(response(40, 3), absl::Milliseconds(200));
  EXPECT_LT(response(40, 3), absl::Milliseconds(1000));
  EXPECT_LT(response(90, 1), absl::Milliseconds(200));
}

// Each fault is one that the client can see, and each is counted.
TEST(FaultyTransport, InjectsEachFault) {
  struct Row {
    const char* name;
    double FaultRates::*rate;
    bool server_acts;
    int status;  // 0: an error
  };
  const std::vector<Row> rows = {
      {"slow", &FaultRates::slow, true, 200},           {"lost request", &FaultRates::lost_request, false, 0},
      {"lost answer", &FaultRates::lost_answer, true, 0}, {"5xx", &FaultRates::server_error, false, 500},
      {"error after", &FaultRates::error_after, true, 500}, {"429", &FaultRates::rate_limited, false, 429},
      {"garbage", &FaultRates::garbage, false, 200},
  };
  for (const Row& row : rows) {
    async::SimulatedLoop loop(7);
    bool asked = false;
    SimulatedApp app(loop, {}, Constant(1), [&] { return asked = true, 1; }, [] { return true; });
    http::Loopback inner(loop, app);
    Wire wire;
    FaultyTransport transport(loop, inner, "app", wire);
    FaultRates rates;
    rates.*row.rate = 1;
    transport.SetRates(rates);
    const Got got = loop.Run(Get(transport, async::BootTime::Infinite()));
    EXPECT_EQ(got.status / 100, row.status / 100) << row.name;
    EXPECT_EQ(asked, row.server_acts) << row.name;
    EXPECT_EQ(transport.injected().at(row.name), 1u);
  }
}

TEST(FaultyTransport, ACrashAtAnEffectLetsNothingThrough) {
  for (const uint64_t cut : {1u, 2u}) {
    async::SimulatedLoop loop(7);
    int asked = 0;
    SimulatedApp app(loop, {}, Constant(1), [&] { return ++asked, 1; }, [] { return true; });
    http::Loopback inner(loop, app);
    Wire wire;
    wire.CutAt(cut);
    bool told = false;
    wire.OnCut([&] { told = true; });
    FaultyTransport transport(loop, inner, "app", wire);
    EXPECT_FALSE(loop.Run(Get(transport, async::BootTime::Infinite())).error.ok());
    EXPECT_EQ(asked > 0, cut == 2) << "before the request nothing happens, after it the server has acted";
    EXPECT_TRUE(told);
    EXPECT_FALSE(loop.Run(Get(transport, async::BootTime::Infinite())).error.ok());
    EXPECT_EQ(wire.effects(), cut);
  }
}

}  // namespace
}  // namespace ottoscale::simulation
