#include "pkg/simulation/web_app.h"

#include <gtest/gtest.h>

#include "pkg/async/simulated_loop.h"
#include "pkg/http/loopback.h"

namespace ottoscale::simulation {
namespace {

struct World {
  explicit World(WebAppOptions options, double rate, uint64_t seed = 1)
      : loop(seed), app(loop, options, Constant(rate), [this] { return dynos; }, [this] { return open; }) {}

  struct Beat {
    int status = 0;
    std::string text;
    absl::Duration took;
  };
  Beat Ask(const std::string& method = "GET") {
    const async::BootTime start = loop.Now().boot;
    http::Request request{.method = method, .url = "http://shop.example/heartbeat/"};
    auto response = loop.Run(transport.Send(std::move(request), async::BootTime::Infinite()));
    if (!response.ok()) return {};
    return {response->status, response->body.text, loop.Now().boot - start};
  }

  async::SimulatedLoop loop;
  int dynos = 1;
  bool open = true;
  SimulatedApp app;
  http::Loopback transport{loop, app};
};

TEST(SimulatedApp, BeatsAsSlowlyAsItsQueues) {
  World world({.service_time = absl::Milliseconds(100), .noise = 0}, 5);
  const World::Beat beat = world.Ask();
  EXPECT_EQ(beat.status, 200);
  EXPECT_EQ(beat.text, "Beat");
  EXPECT_NEAR(absl::ToDoubleMilliseconds(beat.took), 200, 0.001);
  world.dynos = 2;
  EXPECT_NEAR(absl::ToDoubleMilliseconds(world.Ask("HEAD").took), 100 / 0.75, 0.001);
  EXPECT_EQ(world.app.RateNow(), 5);
  EXPECT_EQ(world.app.requests(), 2u);
}

TEST(SimulatedApp, NoiseStaysWithinItsBounds) {
  World world({.service_time = absl::Milliseconds(100), .noise = 0.2}, 5);
  absl::Duration least = absl::InfiniteDuration();
  absl::Duration most;
  for (int i = 0; i < 500; ++i) {
    const absl::Duration took = world.Ask().took;
    least = std::min(least, took);
    most = std::max(most, took);
  }
  EXPECT_GE(least, absl::Milliseconds(159));
  EXPECT_LT(least, absl::Milliseconds(165));
  EXPECT_LE(most, absl::Milliseconds(241));
  EXPECT_GT(most, absl::Milliseconds(235));
}

TEST(SimulatedApp, TheRouterGivesUpAfterThirtySeconds) {
  World world({.service_time = absl::Milliseconds(100), .noise = 0}, 50);
  const World::Beat beat = world.Ask();
  EXPECT_EQ(beat.status, 503);
  EXPECT_EQ(beat.took, absl::Seconds(30));
  EXPECT_EQ(world.app.ResponseTimeNow(), absl::Seconds(30));
}

TEST(SimulatedApp, TheRouterAnswersForAnAppThatIsNotThere) {
  World world({}, 1);
  world.open = false;
  EXPECT_EQ(world.Ask().status, 503);
  world.open = true;
  world.dynos = 0;
  const World::Beat beat = world.Ask();
  EXPECT_EQ(beat.status, 503);
  EXPECT_LT(beat.took, absl::Milliseconds(10)) << "fast errors look like low latency";
  world.dynos = 1;
  EXPECT_EQ(world.Ask("POST").status, 405);
}

TEST(SimulatedApp, MayTurnTheHeartbeatAway) {
  World world({.service_time = absl::Milliseconds(100), .queue_limit = 10, .turn_away = true}, 20);
  int away = 0;
  for (int i = 0; i < 400; ++i) away += world.Ask().status == 503;
  EXPECT_NEAR(away, 200, 40);
}

TEST(SimulatedApp, ASeedIsAWorld) {
  const auto times = [](uint64_t seed) {
    World world({}, 5, seed);
    std::vector<absl::Duration> took;
    for (int i = 0; i < 50; ++i) took.push_back(world.Ask().took);
    return took;
  };
  EXPECT_EQ(times(3), times(3));
  EXPECT_NE(times(3), times(4));
}

}  // namespace
}  // namespace ottoscale::simulation
