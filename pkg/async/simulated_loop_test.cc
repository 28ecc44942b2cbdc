#include "pkg/async/simulated_loop.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "pkg/async/promise.h"

namespace ottoscale::async {
namespace {

TEST(SimulatedLoop, RunsTimersInOrderOfTimeAndNeverEarly) {
  SimulatedLoop loop(1);
  std::vector<int> order;
  const BootTime start = loop.Now().boot;
  for (const int second : {3, 1, 2}) {
    loop.RunAt(start + absl::Seconds(second), [&order, &loop, start, second] {
      EXPECT_EQ(loop.Now().boot - start, absl::Seconds(second));
      order.push_back(second);
    });
  }
  loop.RunFor(absl::Seconds(2));
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  loop.RunFor(absl::Seconds(1));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(SimulatedLoop, TheSeedChoosesTheOrderOfWhatIsReady) {
  const auto order_of = [](uint64_t seed) {
    SimulatedLoop loop(seed);
    std::string order;
    for (const char name : {'a', 'b', 'c'}) loop.Post([&order, name] { order += name; });
    loop.RunReady();
    return order;
  };
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    orders.insert(order_of(seed));
    EXPECT_EQ(order_of(seed), order_of(seed));
  }
  EXPECT_EQ(orders.size(), 6u);
}

TEST(SimulatedLoop, ATimerThatIsDueCanStillBeCancelled) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SimulatedLoop loop(seed);
    int fired = 0;
    TimerId timers[2];
    for (int i = 0; i < 2; ++i) {
      timers[i] = loop.RunAt(loop.Now().boot + absl::Seconds(1), [&loop, &timers, &fired, i] {
        ++fired;
        loop.CancelTimer(timers[1 - i]);
      });
    }
    loop.RunFor(absl::Seconds(2));
    EXPECT_EQ(fired, 1) << seed;
    EXPECT_TRUE(loop.drained());
  }
}

TEST(SimulatedLoop, AStallMakesEverythingDueReadyInAnyOrder) {
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SimulatedLoop loop(seed);
    std::string order;
    loop.RunAt(loop.Now().boot + absl::Seconds(1), [&order] { order += '1'; });
    loop.RunAt(loop.Now().boot + absl::Seconds(2), [&order] { order += '2'; });
    loop.Stall(absl::Seconds(3));
    EXPECT_EQ(order, "");
    loop.RunReady();
    orders.insert(order);
  }
  EXPECT_EQ(orders, (std::set<std::string>{"12", "21"}));
}

TEST(SimulatedLoop, SteppingTheWallClockLeavesTimersAlone) {
  SimulatedLoop loop(1);
  const Instant start = loop.Now();
  bool fired = false;
  loop.RunAt(start.boot + absl::Seconds(10), [&fired] { fired = true; });
  loop.StepWall(absl::Hours(-1));
  loop.RunFor(absl::Seconds(9));
  EXPECT_FALSE(fired);
  loop.RunFor(absl::Seconds(1));
  EXPECT_TRUE(fired);
  EXPECT_EQ(loop.Now().wall - start.wall, absl::Seconds(10) - absl::Hours(1));
}

TEST(SimulatedLoop, MailAfterItsDeathIsDropped) {
  std::shared_ptr<Mailbox> mailbox;
  {
    SimulatedLoop loop(1);
    mailbox = loop.mailbox();
  }
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  std::thread([&] { mailbox->Post([owned = std::move(owned)] { FAIL() << "it ran"; }); }).join();
  EXPECT_TRUE(watch.expired());
}

TEST(SimulatedLoop, DiesWithCallbacksThatOwnPromises) {
  // The last copy of a promise posts when it goes, also when it goes because its callback is dropped.
  auto loop = std::make_unique<SimulatedLoop>(1);
  loop->mailbox()->Post([promise = Promise<int>(*loop)] { promise.Set(1); });
  loop->Post([promise = Promise<int>(*loop)] { promise.Set(1); });
  loop->RunAt(BootTime::Infinite(), [promise = Promise<int>(*loop)] { promise.Set(1); });
  loop.reset();
}

}  // namespace
}  // namespace ottoscale::async
