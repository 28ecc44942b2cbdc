#include "pkg/kube/work_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pkg/async/scope.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"
#include "pkg/kubeapi/object.h"

namespace ottoscale::kube {
namespace {

using async::SimulatedLoop;
using Queue = WorkQueue<std::string>;

struct Taken {
  std::string key;
  double at = 0;  // seconds after the start
  bool operator==(const Taken&) const = default;
};
void PrintTo(const Taken& taken, std::ostream* out) { *out << taken.key << "@" << taken.at; }

// A queue, and workers that note what they take and hold each key for a while.
struct World {
  explicit World(uint64_t seed = 1) : loop(seed), start(loop.Now().boot), queue(loop), scope(loop) {}
  ~World() {
    scope.Cancel();
    loop.RunUntilDone([this] { return scope.running() == 0; });
  }
  static async::Task<void> Work(World& world, absl::Duration hold) {
    while (true) {
      absl::StatusOr<std::string> key = co_await world.queue.Next();
      if (!key.ok()) co_return;
      world.taken.push_back({*key, world.Seconds()});
      if (hold > absl::ZeroDuration()) (void)co_await async::Sleep(hold);
      world.queue.Done(*key);
    }
  }
  double Seconds() { return absl::ToDoubleSeconds(loop.Now().boot - start); }
  void StartWorker(absl::Duration hold = absl::ZeroDuration()) { scope.Spawn(Work(*this, hold)); }

  SimulatedLoop loop;
  async::BootTime start;
  Queue queue;
  async::Scope scope;
  std::vector<Taken> taken;
};

using TakenList = std::vector<Taken>;

TEST(WorkQueue, GivesEachKeyOnceInOrderOfArrival) {
  World world;
  for (const char* key : {"b", "a", "b", "c", "a"}) world.queue.Add(key);
  EXPECT_EQ(world.queue.depth(), 3u);
  world.StartWorker();
  world.loop.RunReady();
  EXPECT_EQ(world.taken, (TakenList{{"b", 0}, {"a", 0}, {"c", 0}}));
  EXPECT_EQ(world.queue.counters().adds, 3u);
  EXPECT_EQ(world.queue.counters().waited.count, 3u);
}

TEST(WorkQueue, KeepsWhatIsAddedDuringWorkAndGivesItOnceMore) {
  World world;
  world.StartWorker(absl::Seconds(10));
  world.StartWorker(absl::Seconds(10));
  world.queue.Add("a");
  world.loop.RunFor(absl::Seconds(1));
  world.queue.Add("a");
  world.queue.Add("a");
  world.loop.RunFor(absl::Seconds(60));
  EXPECT_EQ(world.taken, (TakenList{{"a", 0}, {"a", 10}}));
}

struct EarliestRow {
  const char* name;
  std::vector<int> seconds;  // AddAfter, one after the other
  double expected;
};

TEST(WorkQueue, TheEarliestTimeWinsWhateverTheOrder) {
  for (const EarliestRow& row : std::vector<EarliestRow>{{"later second", {5, 15}, 5},
                                                         {"earlier second", {15, 5}, 5},
                                                         {"now last", {15, 0}, 0},
                                                         {"now first", {0, 15}, 0}}) {
    World world;
    for (const int seconds : row.seconds) world.queue.AddAfter("a", absl::Seconds(seconds));
    world.StartWorker();
    world.loop.RunFor(absl::Minutes(2));
    EXPECT_EQ(world.taken, (TakenList{{"a", row.expected}})) << row.name;
  }
}

TEST(WorkQueue, ATimeAskedForDuringWorkIsNotLost) {
  World world;
  world.StartWorker(absl::Seconds(2));
  world.queue.Add("a");
  world.loop.RunFor(absl::Seconds(1));
  world.queue.AddAfter("a", absl::Seconds(30));
  world.queue.AddAfter("a", absl::Seconds(15));
  world.queue.AddAfter("a", absl::Seconds(20));
  world.loop.RunFor(absl::Minutes(2));
  EXPECT_EQ(world.taken, (TakenList{{"a", 0}, {"a", 16}}));
}

TEST(WorkQueue, AnInfiniteTimeMeansNever) {
  World world;
  world.queue.AddAt("a", async::BootTime::Infinite());
  EXPECT_EQ(world.queue.delayed(), 0u);
  EXPECT_TRUE(world.loop.drained());
}

struct DelayRow {
  int failures;
  absl::Duration cap;
  absl::Duration longest;
};

TEST(RetryDelay, DoublesUpToTheCapAndNeverExceedsIt) {
  for (const DelayRow& row : std::vector<DelayRow>{{1, absl::Seconds(60), absl::Milliseconds(5)},
                                                   {2, absl::Seconds(60), absl::Milliseconds(10)},
                                                   {5, absl::Seconds(60), absl::Milliseconds(80)},
                                                   {14, absl::Seconds(60), absl::Milliseconds(40960)},
                                                   {15, absl::Seconds(60), absl::Seconds(60)},
                                                   {1'000'000, absl::Seconds(60), absl::Seconds(60)},
                                                   {30, absl::Minutes(5), absl::Minutes(5)}}) {
    EXPECT_EQ(RetryDelay(row.failures, row.cap, 0), row.longest) << row.failures;
    EXPECT_GE(RetryDelay(row.failures, row.cap, 0.9999), row.longest * 0.75) << row.failures;
    EXPECT_LT(RetryDelay(row.failures, row.cap, 0.5), row.longest) << row.failures;
  }
}

TEST(WorkQueue, CountsFailuresInARowUntilForgotten) {
  World world;
  EXPECT_LE(world.queue.Retry("a", absl::Minutes(1)), absl::Milliseconds(5));
  EXPECT_LE(world.queue.Retry("a", absl::Minutes(1)), absl::Milliseconds(10));
  EXPECT_EQ(world.queue.failures("a"), 2);
  world.queue.Forget("a");
  EXPECT_LE(world.queue.Retry("a", absl::Minutes(1)), absl::Milliseconds(5));
  EXPECT_EQ(world.queue.counters().retries, 3u);
}

TEST(WorkQueue, ARetryDoesNotComeBeforeItIsAllowed) {
  World world;
  world.StartWorker();
  EXPECT_EQ(world.queue.Retry("a", absl::Minutes(1), world.start + absl::Seconds(7)), absl::Seconds(7));
  world.loop.RunFor(absl::Minutes(1));
  EXPECT_EQ(world.taken, (TakenList{{"a", 7}}));
}

TEST(WorkQueue, SaysForHowLongItsWorkersAreAtIt) {
  World world;
  EXPECT_EQ(world.queue.unfinished(), absl::ZeroDuration());
  EXPECT_EQ(world.queue.longest_running(), absl::ZeroDuration());
  world.StartWorker(absl::Seconds(10));
  world.StartWorker(absl::Seconds(10));
  world.queue.Add("a");
  world.loop.RunFor(absl::Seconds(3));
  world.queue.Add("b");
  world.loop.RunFor(absl::Seconds(4));
  EXPECT_EQ(world.queue.taken(), 2u);
  EXPECT_EQ(world.queue.unfinished(), absl::Seconds(11));
  EXPECT_EQ(world.queue.longest_running(), absl::Seconds(7));
  world.loop.RunFor(absl::Seconds(4));
  EXPECT_EQ(world.queue.unfinished(), absl::Seconds(8)) << "the first is done";
  EXPECT_EQ(world.queue.longest_running(), absl::Seconds(8));
  world.loop.RunFor(absl::Seconds(4));
  EXPECT_EQ(world.queue.unfinished(), absl::ZeroDuration());
}

TEST(WorkQueue, ShutDownSendsWaitingWorkersHomeAndTakesNothingIn) {
  World world;
  world.StartWorker();
  world.StartWorker();
  world.loop.RunReady();
  world.queue.AddAfter("later", absl::Seconds(5));
  world.queue.ShutDown();
  world.queue.Add("a");
  world.loop.RunFor(absl::Minutes(1));
  EXPECT_EQ(world.scope.running(), 0u);
  EXPECT_TRUE(world.taken.empty());
  EXPECT_TRUE(world.loop.drained());
}

TEST(WorkQueue, ACancelledWorkerLeavesTheKeyToAnother) {
  World world;
  {
    async::Scope leaving(world.loop);
    leaving.Spawn(World::Work(world, absl::ZeroDuration()));
    world.loop.RunReady();
    leaving.Cancel();
    world.loop.RunReady();
  }
  world.StartWorker();
  world.queue.Add("a");
  world.loop.RunReady();
  EXPECT_EQ(world.taken, (TakenList{{"a", 0}}));
}

// Random use of everything: a key is never with two workers, and what was asked for after a key was taken is answered.
async::Task<void> Check(WorkQueue<kubeapi::ObjectKey>& queue, std::map<kubeapi::ObjectKey, int>& asked,
                        std::map<kubeapi::ObjectKey, bool>& busy) {
  while (true) {
    absl::StatusOr<kubeapi::ObjectKey> key = co_await queue.Next();
    if (!key.ok()) co_return;
    EXPECT_FALSE(std::exchange(busy[*key], true)) << key->ToString();
    asked[*key] = 0;
    async::Loop& loop = (co_await async::CurrentContext()).loop();
    (void)co_await async::Sleep(absl::Milliseconds(static_cast<int64_t>(loop.random().Below(50))));
    busy[*key] = false;
    queue.Done(*key);
  }
}

TEST(WorkQueue, NeverGivesAKeyToTwoAndAnswersEverythingUnderAnySeed) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimulatedLoop loop(seed);
    WorkQueue<kubeapi::ObjectKey> queue(loop);
    std::map<kubeapi::ObjectKey, int> asked;
    std::map<kubeapi::ObjectKey, bool> busy;
    async::Scope scope(loop);
    for (int i = 0; i < 3; ++i) scope.Spawn(Check(queue, asked, busy));
    for (int i = 0; i < 200; ++i) {
      const kubeapi::ObjectKey key{"ns", std::string(1, static_cast<char>('a' + loop.random().Below(5)))};
      ++asked[key];
      queue.AddAfter(key, absl::Milliseconds(static_cast<int64_t>(loop.random().Below(100))));
      loop.RunFor(absl::Milliseconds(static_cast<int64_t>(loop.random().Below(10))));
    }
    loop.RunFor(absl::Seconds(10));
    for (const auto& [key, count] : asked) EXPECT_EQ(count, 0) << "seed " << seed << " " << key.ToString();
    queue.ShutDown();
    loop.RunReady();
    EXPECT_TRUE(loop.drained()) << seed;
  }
}

}  // namespace
}  // namespace ottoscale::kube
