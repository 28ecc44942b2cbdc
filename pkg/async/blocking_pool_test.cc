#include "pkg/async/blocking_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "pkg/async/asio_loop.h"
#include "pkg/async/gather.h"

namespace ottoscale::async {
namespace {

// A call that hangs until it is let go. Shared with the calls: they outlive the test when it fails.
class Gate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
    changed_.notify_all();
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void AwaitWaiting(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ == count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

template <class T>
Task<void> Collect(AsioLoop& loop, Task<T> task, std::optional<T>& out) {
  out = co_await std::move(task);
  loop.Stop();
}

struct BlockingPoolTest : testing::Test {
  AsioLoop loop;
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  ~BlockingPoolTest() override { gate->Open(); }

  template <class T>
  T Run(Task<T> task) {
    Context root(loop, loop.Now().boot + absl::Seconds(20));
    std::optional<T> out;
    Task<void> collect = Collect(loop, std::move(task), out);
    collect.Start(root, {});
    loop.Run();
    return *std::move(out);
  }
};

Task<absl::StatusOr<int>> Call(AsioLoop& loop, BlockingPool& pool, absl::AnyInvocable<absl::StatusOr<int>()> call) {
  Future<int> future = pool.Run<int>(loop, std::move(call));
  co_return co_await std::move(future);
}

TEST_F(BlockingPoolTest, GivesTheResultOnTheLoop) {
  BlockingPool pool(2);
  EXPECT_EQ(*Run(Call(loop, pool, [] { return 7; })), 7);
  EXPECT_EQ(Run(Call(loop, pool, [] { return absl::NotFoundError("no such name"); })).status().message(),
            "no such name");
}

TEST_F(BlockingPoolTest, CallsThatHangDoNotHoldUpOthers) {
  BlockingPool pool(4);
  for (int i = 0; i < 3; ++i) pool.Submit([g = gate] { g->Pass(); });
  gate->AwaitWaiting(3);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(*Run(Call(loop, pool, [i] { return i; })), i);
  EXPECT_LE(pool.threads(), 4u);
}

TEST_F(BlockingPoolTest, GrowsToItsLimitAndNoFurther) {
  BlockingPool pool(3);
  for (int i = 0; i < 20; ++i) pool.Submit([g = gate] { g->Pass(); });
  gate->AwaitWaiting(3);
  EXPECT_EQ(pool.threads(), 3u);
}

TEST_F(BlockingPoolTest, AnIdleThreadIsUsedAgain) {
  BlockingPool pool(8);
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(Run(Call(loop, pool, [i] { return i; })).ok());
  EXPECT_LE(pool.threads(), 8u);
}

TEST_F(BlockingPoolTest, KeepsTheOrderOfArrivalWhenAllThreadsAreBusy) {
  BlockingPool pool(1);
  pool.Submit([g = gate] { g->Pass(); });
  auto order = std::make_shared<std::vector<int>>();  // one thread only
  std::vector<Task<absl::StatusOr<int>>> calls;
  for (int i = 0; i < 10; ++i) {
    calls.push_back(Call(loop, pool, [order, i] {
      order->push_back(i);
      return i;
    }));
  }
  loop.RunAt(loop.Now().boot + absl::Milliseconds(1), [this] { gate->Open(); });
  (void)Run(All(std::move(calls)));
  EXPECT_EQ(order->size(), 10u);
  EXPECT_TRUE(std::is_sorted(order->begin(), order->end()));
}

TEST_F(BlockingPoolTest, DyingItDropsWhatWaitsAndAbandonsWhatHangs) {
  auto pool = std::make_unique<BlockingPool>(1);
  Future<int> hanging = pool->Run<int>(loop, [g = gate] {
    g->Pass();
    return 1;
  });
  gate->AwaitWaiting(1);
  Future<int> waiting = pool->Run<int>(loop, [] { return 2; });
  pool.reset();  // comes back although a call hangs
  const auto await = [](Future<int> future) -> Task<absl::StatusOr<int>> { co_return co_await std::move(future); };
  EXPECT_TRUE(absl::IsAborted(Run(await(std::move(waiting))).status()));
  gate->Open();
  EXPECT_EQ(*Run(await(std::move(hanging))), 1);  // the call owns what it needs and ends in its own time
}

TEST(BlockingPoolDeathTest, ACallThatHangsDoesNotHoldUpTheExit) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        {
          auto gate = std::make_shared<Gate>();
          BlockingPool pool(2);
          pool.Submit([gate] { gate->Pass(); });
          gate->AwaitWaiting(1);
        }
        std::_Exit(3);
      },
      testing::ExitedWithCode(3), "");
}

}  // namespace
}  // namespace ottoscale::async
