#include "pkg/simulation/demo_world.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "pkg/async/scope.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"
#include "pkg/http/loopback.h"

namespace ottoscale::simulation {
namespace {

double Ms(double second, int dynos) {
  const WebAppOptions app = DemoApp();
  const DynoModel model{app.service_time, app.workers, app.queue_limit};
  return absl::ToDoubleMilliseconds(Queue(model, DemoLoad()(absl::Seconds(1) * second), dynos).response_time);
}

// With room for the noise on both sides of the thresholds.
TEST(DemoLoad, NeedsThreeDynosAtThePeakAndOneAtTheTrough) {
  const double noise = DemoApp().noise;
  for (const double peak : {9.0, 30.0, 55.0, 159.0, 205.0}) {
    EXPECT_GT(Ms(peak, 1) * (1 - noise), 1000) << peak;
    EXPECT_GT(Ms(peak, 2) * (1 - noise), 1000) << peak;
    EXPECT_GT(Ms(peak, 3) * (1 - noise), 200) << peak;
    EXPECT_LT(Ms(peak, 3) * (1 + noise), 1000) << peak;
  }
  for (const double trough : {0.0, 7.0, 59.0, 140.0, 157.0, 215.0}) {
    for (const int dynos : {1, 2, 3}) EXPECT_LT(Ms(trough, dynos) * (1 + noise), 200) << trough;
  }
}

struct Change {
  absl::Duration at;
  int to = 0;
};

// The plainest scaler there is: 3 samples in a row above 1000 ms, or 5 below 200 ms, are one dyno more or less.
async::Task<void> Scale(async::Loop& loop, DemoWorld& world, absl::Duration phase, std::vector<Change>& changes) {
  http::Loopback app(loop, world.app);
  const async::BootTime start = loop.Now().boot;
  async::BootTime next = start + phase;
  int above = 0;
  int below = 0;
  while (true) {
    if (absl::Status slept = co_await async::SleepUntil(next); !slept.ok()) co_return;
    const async::BootTime asked = loop.Now().boot;
    const auto response = co_await app.Send({.url = "http://app/heartbeat/"}, asked + absl::Seconds(10));
    const absl::Duration took = loop.Now().boot - asked;
    const bool slow = !response.ok() || took > absl::Milliseconds(1000);
    const bool quick = response.ok() && response->status == 200 && took < absl::Milliseconds(200);
    above = slow ? above + 1 : 0;
    below = quick ? below + 1 : 0;
    const int now = world.heroku.Quantity(DemoWorld::kApp, DemoWorld::kType);
    const int to = std::min(3, std::max(1, now + (above >= 3) - (below >= 5)));
    if (to != now) {
      world.heroku.HumanScales(DemoWorld::kApp, DemoWorld::kType, to);
      changes.push_back({loop.Now().boot - start, to});
      above = below = 0;
    }
    next = std::max(next, loop.Now().boot) + absl::Seconds(5);  // as late as a scaler may be
  }
}

TEST(DemoWorld, GoesToThreeAndBackInEveryPeriodWhateverThePhase) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const absl::Duration phase = absl::Milliseconds(250) * static_cast<int64_t>(seed);
    async::SimulatedLoop loop(seed);
    DemoWorld world(loop, "key");
    std::vector<Change> changes;
    async::Scope scope(loop);
    scope.Spawn(Scale(loop, world, phase, changes));
    loop.RunFor(absl::Seconds(300));
    scope.Cancel();
    loop.RunFor(absl::Seconds(20));
    std::vector<int> to;
    for (const Change& change : changes) to.push_back(change.to);
    ASSERT_EQ(to, (std::vector<int>{2, 3, 2, 1, 2, 3, 2, 1})) << "seed " << seed;
    EXPECT_LT(changes[0].at, absl::Seconds(30)) << "seed " << seed;
    EXPECT_LT(changes[2].at, absl::Seconds(100)) << "seed " << seed;
  }
}

TEST(DemoWorld, OpensItsHerokuToItsKey) {
  async::SimulatedLoop loop(1);
  DemoWorld world(loop, "the-key");
  http::Loopback heroku(loop, world.heroku);
  for (const auto& [key, status] : std::map<std::string, int>{{"the-key", 200}, {"another", 401}}) {
    http::Request request{.url = absl::StrCat("http://heroku/apps/", DemoWorld::kApp)};
    request.headers.Set("Accept", "application/vnd.heroku+json; version=3");
    request.credential = Secret(key);
    const auto response = loop.Run(heroku.Send(std::move(request), async::BootTime::Infinite()));
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(response->status, status);
  }
}

}  // namespace
}  // namespace ottoscale::simulation
