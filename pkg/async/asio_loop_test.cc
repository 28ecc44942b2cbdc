// The real loop. Nothing in here waits longer than a few milliseconds when all is well; a watchdog ends what hangs.
#include "pkg/async/asio_loop.h"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "pkg/async/deadline.h"
#include "pkg/async/promise.h"
#include "pkg/async/scope.h"
#include "pkg/async/sleep.h"

namespace ottoscale::async {
namespace {

struct AsioLoopTest : testing::Test {
  AsioLoop loop;
  bool hung = false;
  TimerId watchdog = loop.RunAt(loop.Now().boot + absl::Seconds(20), [this] {
    hung = true;
    loop.Stop();
  });
  // Until something calls Stop().
  void Run() {
    loop.Run();
    ASSERT_FALSE(hung) << "nothing stopped the loop";
  }
  // Until nothing is left.
  void RunOut() {
    loop.CancelTimer(watchdog);
    loop.Run();
  }
};

TEST_F(AsioLoopTest, TimersFireInOrderAndNeverEarly) {
  std::vector<int> order;
  const BootTime start = loop.Now().boot;
  for (const int step : {3, 1, 2, 1}) {
    const BootTime when = start + absl::Milliseconds(step);
    loop.RunAt(when, [this, &order, when, step] {
      EXPECT_GE(loop.Now().boot, when);
      order.push_back(step);
    });
  }
  EXPECT_TRUE(order.empty());
  RunOut();
  EXPECT_EQ(order, (std::vector<int>{1, 1, 2, 3}));
}

TEST_F(AsioLoopTest, ATimerThatIsDueCanStillBeCancelled) {
  int fired = 0;
  TimerId timers[2];
  for (int i = 0; i < 2; ++i) {
    timers[i] = loop.RunAt(loop.Now().boot, [this, &timers, &fired, i] {
      ++fired;
      loop.CancelTimer(timers[1 - i]);
    });
  }
  RunOut();
  EXPECT_EQ(fired, 1);
}

TEST_F(AsioLoopTest, ATimerForAnInfiniteTimeNeverFires) {
  loop.RunAt(BootTime::Infinite(), [] { FAIL() << "it fired"; });
  loop.Post([] {});
  RunOut();
}

TEST_F(AsioLoopTest, CallbacksRunInALaterTurn) {
  bool inside = false;
  int ran = 0;
  loop.Post([&] {
    inside = true;
    loop.Post([&] { ran += inside ? 100 : 1; });
    loop.RunAt(loop.Now().boot - absl::Seconds(1), [&] { ran += inside ? 100 : 1; });
    inside = false;
  });
  RunOut();
  EXPECT_EQ(ran, 2);
}

// A timer that sets itself again for a time that has passed: everybody else must still have their turn.
struct Restless {
  AsioLoop& loop;
  int turns = 0;
  void Again() {
    if (++turns < 1'000'000) loop.RunAt(BootTime{absl::Seconds(1)}, [this] { Again(); });
  }
};
TEST_F(AsioLoopTest, ARestlessTimerDoesNotKeepOthersWaiting) {
  Restless restless{loop};
  restless.Again();
  loop.RunAt(loop.Now().boot + absl::Milliseconds(1), [this] { loop.Post([this] { loop.Stop(); }); });
  Run();
  EXPECT_LT(restless.turns, 1'000'000);
}

TEST_F(AsioLoopTest, AForeignThreadWakesIt) {
  std::thread foreign([mailbox = loop.mailbox(), this] { mailbox->Post([this] { loop.Stop(); }); });
  Run();
  foreign.join();
}

Task<void> SleepThenAwait(AsioLoop& loop, Future<int> future, int& value) {
  EXPECT_TRUE((co_await Sleep(absl::Milliseconds(1))).ok());
  const absl::StatusOr<int> result = co_await std::move(future);
  value = result.value_or(-1);
  loop.Stop();
}
TEST_F(AsioLoopTest, RunsTasks) {
  Promise<int> promise(loop);
  Scope scope(loop);
  int value = 0;
  scope.Spawn(SleepThenAwait(loop, promise.GetFuture(), value));
  std::thread foreign([promise] { promise.Set(7); });
  Run();
  foreign.join();
  RunOut();  // lets the scope forget the task
  EXPECT_EQ(value, 7);
  EXPECT_EQ(scope.running(), 0u);
}

TEST_F(AsioLoopTest, CanBeRunAgainAfterAStop) {
  int ran = 0;
  loop.Post([&] {
    ++ran;
    loop.Post([&] { ++ran; });
    loop.Stop();
  });
  Run();
  EXPECT_EQ(ran, 1);
  RunOut();
  EXPECT_EQ(ran, 2);
}

TEST_F(AsioLoopTest, SignalsArriveOnTheLoop) {
  std::vector<int> seen;
  const auto here = std::this_thread::get_id();
  loop.OnSignals({SIGUSR1, SIGUSR2}, [&](int signal) {
    EXPECT_EQ(std::this_thread::get_id(), here);
    seen.push_back(signal);
    signal == SIGUSR1 ? static_cast<void>(raise(SIGUSR2)) : loop.Stop();
  });
  loop.Post([] { raise(SIGUSR1); });
  Run();
  EXPECT_EQ(seen, (std::vector<int>{SIGUSR1, SIGUSR2}));
}

constexpr absl::Duration kStall = absl::Milliseconds(30);
TEST_F(AsioLoopTest, MeasuresItsLongestStall) {
  const auto stall = [this] {
    for (const BootTime end = loop.Now().boot + kStall; loop.Now().boot < end;) {
    }
  };
  loop.Post([] {});
  loop.Post(stall);
  loop.Post([] {});
  RunOut();
  EXPECT_GE(loop.TakeLongestStall(), kStall);
  EXPECT_EQ(loop.TakeLongestStall(), absl::ZeroDuration());
  loop.mailbox()->Post(stall);  // most tasks are resumed this way
  loop.Run();
  EXPECT_GE(loop.TakeLongestStall(), kStall);
  loop.RunAt(loop.Now().boot, stall);
  loop.Run();
  EXPECT_GE(loop.TakeLongestStall(), kStall);
}

TEST_F(AsioLoopTest, TimersThatBecameDueDuringAStallAllFire) {
  std::vector<int> order;
  const BootTime start = loop.Now().boot;
  for (const int step : {2, 1}) loop.RunAt(start + absl::Milliseconds(step), [&order, step] { order.push_back(step); });
  loop.Post([this, start] {
    while (loop.Now().boot < start + absl::Milliseconds(10)) {
    }
  });
  RunOut();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(AsioLoop, MailAfterItsDeathIsDropped) {
  std::shared_ptr<Mailbox> mailbox;
  {
    AsioLoop loop;
    mailbox = loop.mailbox();
  }
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  std::thread([&] { mailbox->Post([owned = std::move(owned)] { FAIL() << "it ran"; }); }).join();
  EXPECT_TRUE(watch.expired());
}

TEST(AsioLoop, DiesWithCallbacksThatOwnPromises) {
  auto loop = std::make_unique<AsioLoop>();
  loop->mailbox()->Post([promise = Promise<int>(*loop)] { promise.Set(1); });
  loop->Post([promise = Promise<int>(*loop)] { promise.Set(1); });
  loop->RunAt(BootTime::Infinite(), [promise = Promise<int>(*loop)] { promise.Set(1); });
  loop.reset();
}

}  // namespace
}  // namespace ottoscale::async
