#include "pkg/kube/controller.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"
#include "pkg/base/status.h"
#include "pkg/kubeapi/api_error.h"

namespace ottoscale::kube {
namespace {

using kubeapi::ObjectKey;
using Result = absl::StatusOr<Requeue>;

struct Pass {
  std::string name;
  double at = 0;
  bool operator==(const Pass&) const = default;
};
void PrintTo(const Pass& pass, std::ostream* out) { *out << pass.name << "@" << pass.at; }
using Passes = std::vector<Pass>;

// A controller whose passes take `takes` and answer from a script, then with Never.
struct World {
  explicit World(ControllerOptions options = {}, uint64_t seed = 1)
      : loop(seed),
        start(loop.Now().boot),
        controller(loop, std::move(options), [this](ObjectKey key) { return Reconcile(*this, std::move(key)); }) {}
  ~World() { Stop(absl::ZeroDuration()); }

  static async::Task<Result> Reconcile(World& world, ObjectKey key) {
    EXPECT_EQ(++world.busy[key], 1) << "two passes of " << key.name;
    ++world.running;
    world.most = std::max(world.most, world.running);
    world.passes.push_back({key.name, absl::ToDoubleSeconds(world.loop.Now().boot - world.start)});
    Result result = Requeue::Never();
    if (world.next < world.results.size()) result = world.results[world.next++];
    const absl::Status slept = co_await async::Sleep(world.takes);
    --world.busy[key];
    --world.running;
    if (!slept.ok()) co_return slept;
    ++world.finished;
    co_return result;
  }
  void Add(const std::string& name) { controller.Enqueue({"ns", name}); }
  absl::Duration Stop(absl::Duration patience) {
    if (std::exchange(stopped, true)) return {};
    const async::BootTime began = loop.Now().boot;
    loop.Run(controller.Stop(began + patience));
    return loop.Now().boot - began;
  }

  async::SimulatedLoop loop;
  async::BootTime start;
  absl::Duration takes = absl::Seconds(1);
  std::vector<Result> results;
  size_t next = 0;
  std::map<ObjectKey, int> busy;
  int running = 0;
  int most = 0;
  int finished = 0;
  Passes passes;
  bool stopped = false;
  Controller controller;
};

TEST(Controller, RunsAsManyPassesAtOnceAsItHasWorkers) {
  World world({.workers = 3});
  for (const char* name : {"a", "b", "c", "d", "e"}) world.Add(name);
  world.controller.Start();
  world.loop.RunFor(absl::Milliseconds(500));
  EXPECT_EQ(world.controller.counters().active_workers, 3u);
  world.loop.RunFor(absl::Seconds(10));
  EXPECT_EQ(world.most, 3);
  EXPECT_EQ(world.finished, 5);
  EXPECT_EQ(world.controller.counters().success, 5u);
  EXPECT_EQ(world.controller.counters().durations.count, 5u);
  EXPECT_EQ(world.controller.counters().durations.sum, absl::Seconds(5));
}

TEST(Controller, NeverRunsTwoPassesOfOneKeyUnderAnySeed) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    World world({.workers = 4}, seed);
    world.takes = absl::Milliseconds(30);
    world.controller.Start();
    for (int i = 0; i < 100; ++i) {
      world.Add(std::string(1, static_cast<char>('a' + world.loop.random().Below(3))));
      world.loop.RunFor(absl::Milliseconds(static_cast<int64_t>(world.loop.random().Below(10))));
    }
    world.loop.RunFor(absl::Seconds(1));
    EXPECT_EQ(world.running, 0);
  }
}

TEST(Controller, ComesAgainWhenThePassSaysSo) {
  World world;
  world.results = {Requeue::After(absl::Seconds(10)), Requeue::At(world.start + absl::Seconds(30)), Requeue::Never()};
  world.Add("a");
  world.controller.Start();
  world.loop.RunFor(absl::Minutes(10));
  EXPECT_EQ(world.passes, (Passes{{"a", 0}, {"a", 11}, {"a", 30}}));
  EXPECT_EQ(world.controller.counters().requeue_after, 2u);
  EXPECT_EQ(world.controller.counters().success, 1u);
}

TEST(Controller, AChangeDuringAPassIsSeenRightAfterIt) {
  World world({.workers = 2});
  world.results = {Requeue::After(absl::Hours(1))};
  world.Add("a");
  world.controller.Start();
  world.loop.RunFor(absl::Milliseconds(500));
  world.Add("a");
  world.loop.RunFor(absl::Minutes(2));
  EXPECT_EQ(world.passes, (Passes{{"a", 0}, {"a", 1}}));
}

absl::Status Api(kubeapi::ErrorReason reason) { return kubeapi::ToStatus(kubeapi::MakeApiError(reason, "why")); }

struct CapRow {
  absl::Status error;
  absl::Duration cap;
};

TEST(Controller, NeverWaitsMoreThanAMinuteForWhatAUserCanMend) {
  using enum kubeapi::ErrorReason;
  for (const CapRow& row : std::vector<CapRow>{{Api(kForbidden), absl::Minutes(1)},
                                               {Api(kUnauthorized), absl::Minutes(1)},
                                               {Api(kNotFound), absl::Minutes(1)},
                                               {Api(kInvalid), absl::Minutes(1)},
                                               {absl::FailedPreconditionError("x"), absl::Minutes(1)},
                                               {Api(kServiceUnavailable), absl::Minutes(5)},
                                               {Api(kTooManyRequests), absl::Minutes(5)},
                                               {Api(kInternalError), absl::Minutes(5)},
                                               {absl::DeadlineExceededError("x"), absl::Minutes(5)}}) {
    EXPECT_EQ(RetryCap(row.error), row.cap) << row.error;
    std::vector<absl::Duration> pauses;
    World world({.on_error = [&pauses](const ObjectKey&, const absl::Status&, absl::Duration retry_in) {
      pauses.push_back(retry_in);
    }});
    world.takes = absl::ZeroDuration();
    world.results.assign(40, row.error);
    world.Add("a");
    world.controller.Start();
    world.loop.RunFor(absl::Hours(2));
    ASSERT_EQ(pauses.size(), 40u) << row.error;
    for (const absl::Duration pause : pauses) EXPECT_LE(pause, row.cap);
    EXPECT_GE(pauses.back(), row.cap * 0.75);
    EXPECT_LE(pauses.front(), absl::Milliseconds(5));
  }
}

TEST(Controller, HeedsRetryAfterUpToTheCap) {
  kubeapi::ApiError busy = kubeapi::MakeApiError(kubeapi::ErrorReason::kTooManyRequests, "busy");
  busy.retry_after = absl::Seconds(20);
  World world;
  world.takes = absl::ZeroDuration();
  world.results = {kubeapi::ToStatus(busy)};
  world.Add("a");
  world.controller.Start();
  world.loop.RunFor(absl::Minutes(1));
  EXPECT_EQ(world.passes, (Passes{{"a", 0}, {"a", 20}}));
}

TEST(Controller, ASuccessBeginsTheRowOfFailuresAnew) {
  World world;
  world.takes = absl::ZeroDuration();
  world.results = {absl::InternalError("1"), absl::InternalError("2"), Requeue::Never()};
  world.Add("a");
  world.controller.Start();
  world.loop.RunFor(absl::Minutes(1));
  EXPECT_EQ(world.controller.queue().failures({"ns", "a"}), 0);
  EXPECT_EQ(world.controller.counters().error, 2u);
}

TEST(Controller, ATerminalErrorIsNotTriedAgain) {
  absl::Duration told;
  World world(
      {.on_error = [&told](const ObjectKey&, const absl::Status&, absl::Duration retry_in) { told = retry_in; }});
  world.results = {Annotate("outer", Terminal(absl::InvalidArgumentError("bad")))};
  world.Add("a");
  world.controller.Start();
  world.loop.RunFor(absl::Hours(1));
  EXPECT_EQ(world.passes.size(), 1u);
  EXPECT_EQ(told, absl::InfiniteDuration());
  EXPECT_EQ(world.controller.counters().terminal_errors, 1u);
}

TEST(Controller, StoppingBeginsNoPassAndLetsRunningOnesFinish) {
  World world({.workers = 1});
  world.takes = absl::Seconds(10);
  world.results = {Requeue::After(absl::Seconds(1))};
  world.Add("a");
  world.Add("b");
  world.controller.Start();
  world.loop.RunFor(absl::Seconds(4));
  EXPECT_EQ(world.Stop(absl::Seconds(30)), absl::Seconds(6));
  EXPECT_EQ(world.passes.size(), 1u);
  EXPECT_EQ(world.finished, 1);
  EXPECT_TRUE(world.loop.drained());
}

TEST(Controller, StoppingCutsWhatRunsPastTheDeadline) {
  World world({.workers = 2});
  world.takes = absl::Hours(1);
  world.Add("a");
  world.controller.Start();
  world.loop.RunFor(absl::Seconds(1));
  EXPECT_EQ(world.Stop(absl::Seconds(30)), absl::Seconds(30));
  EXPECT_EQ(world.finished, 0);
  EXPECT_EQ(world.controller.counters().cancelled, 1u);
  EXPECT_EQ(world.controller.counters().error, 0u);
  EXPECT_TRUE(world.loop.drained());
}

TEST(Controller, FollowsACache) {
  World world;
  Cache cache;
  nlohmann::json object = nlohmann::json::object();
  object["metadata"]["name"] = "a";
  object["metadata"]["resourceVersion"] = "1";
  cache.Replace({object});
  world.controller.Follow(cache);
  world.controller.Start();
  world.loop.RunFor(absl::Seconds(10));
  cache.Replace({});
  world.loop.RunFor(absl::Seconds(10));
  EXPECT_EQ(world.passes, (Passes{{"a", 0}, {"a", 10}}));
}

}  // namespace
}  // namespace ottoscale::kube
