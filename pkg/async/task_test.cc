#include "pkg/async/task.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "pkg/async/deadline.h"
#include "pkg/async/gather.h"
#include "pkg/async/promise.h"
#include "pkg/async/scope.h"
#include "pkg/async/semaphore.h"
#include "pkg/async/signal.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"
#include "pkg/base/status.h"

namespace ottoscale::async {
namespace {

Task<int> Add(int a, int b) { co_return a + b; }
Task<int> AddLater(int a, int b) {
  (void)co_await Sleep(absl::Seconds(1));
  co_return co_await Add(a, b);
}
Task<absl::Status> SleepTask(absl::Duration d) { co_return co_await Sleep(d); }

TEST(Task, ReturnsItsValueThroughNestedAwaits) {
  SimulatedLoop loop(1);
  EXPECT_EQ(loop.Run(AddLater(2, 3)), 5);
  EXPECT_TRUE(loop.drained());
}

Task<int64_t> SumOfMany(int n) {
  int64_t sum = 0;
  for (int i = 0; i < n; ++i) sum += co_await Add(i, 0);
  co_return sum;
}

TEST(Task, AMillionSynchronousAwaitsNeedNoStack) {
  SimulatedLoop loop(1);
  EXPECT_EQ(loop.Run(SumOfMany(1'000'000)), int64_t{999'999} * 1'000'000 / 2);
}

TEST(Task, DroppingAnUnstartedTaskIsFine) { const Task<int> task = Add(1, 2); }

TEST(TaskDeathTest, DroppingAStartedTaskIsADefect) {
  EXPECT_DEATH(
      {
        SimulatedLoop loop(1);
        Context context(loop);
        Task<int> task = AddLater(1, 2);
        task.Start(context, {});
        task = Task<int>();
      },
      "a started, unfinished task was dropped");
}

TEST(Deadline, CutsASleepShort) {
  SimulatedLoop loop(1);
  const BootTime start = loop.Now().boot;
  EXPECT_EQ(loop.Run(WithTimeout(absl::Seconds(2), SleepTask(absl::Seconds(60)))).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(loop.Now().boot - start, absl::Seconds(2));
  EXPECT_TRUE(loop.drained());
}

TEST(Deadline, TheSoonerOfTwoHolds) {
  SimulatedLoop loop(1);
  const BootTime start = loop.Now().boot;
  auto inner = WithTimeout(absl::Seconds(9), SleepTask(absl::Seconds(60)));
  EXPECT_FALSE(loop.Run(WithTimeout(absl::Seconds(3), std::move(inner))).ok());
  EXPECT_EQ(loop.Now().boot - start, absl::Seconds(3));
}

Task<void> Store(Task<absl::Status> task, absl::Status& out) { out = co_await std::move(task); }

TEST(Shield, FinishesAlthoughItsScopeWasCancelled) {
  SimulatedLoop loop(1);
  Scope scope(loop);
  absl::Status plain = absl::UnknownError("");
  absl::Status shielded = absl::UnknownError("");
  scope.Spawn(Store(SleepTask(absl::Seconds(5)), plain));
  scope.Spawn(Store(Shield(loop.Now().boot + absl::Seconds(60), SleepTask(absl::Seconds(5))), shielded));
  loop.RunFor(absl::Seconds(1));
  scope.Cancel();
  loop.RunReady();
  EXPECT_TRUE(absl::IsCancelled(plain)) << plain;
  EXPECT_EQ(scope.running(), 1u);
  loop.RunFor(absl::Seconds(5));
  EXPECT_TRUE(shielded.ok()) << shielded;
  EXPECT_EQ(scope.running(), 0u);
}

Task<absl::StatusOr<int>> Wait(Future<int> future) { co_return co_await std::move(future); }

TEST(Promise, CompletesFromAForeignThread) {
  SimulatedLoop loop(1);
  Promise<int> promise(loop);
  Future<int> future = promise.GetFuture();
  std::thread([promise] { promise.Set(7); }).join();
  EXPECT_EQ(*loop.Run(Wait(std::move(future))), 7);
}

TEST(Promise, FailsWhenItsLastCopyIsDropped) {
  SimulatedLoop loop(1);
  auto promise = std::make_unique<Promise<int>>(loop);
  Future<int> future = promise->GetFuture();
  promise.reset();
  EXPECT_TRUE(absl::IsAborted(loop.Run(Wait(std::move(future))).status()));
}

TEST(Promise, ALateCompletionIsDropped) {
  SimulatedLoop loop(1);
  Promise<int> promise(loop);
  EXPECT_EQ(loop.Run(WithTimeout(absl::Seconds(1), Wait(promise.GetFuture()))).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  promise.Set(1);
  loop.RunReady();
  EXPECT_TRUE(loop.drained());
}

Task<absl::StatusOr<int>> After(absl::Duration d, int value) {
  CO_RETURN_IF_ERROR(co_await Sleep(d));
  co_return value;
}

TEST(Gather, AllKeepsTheOrderOfTheTasks) {
  SimulatedLoop loop(7);
  std::vector<Task<absl::StatusOr<int>>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(After(absl::Seconds(5 - i), i));
  const auto results = loop.Run(All(std::move(tasks)));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(*results[static_cast<size_t>(i)], i);
  EXPECT_TRUE(loop.drained());
}

TEST(Gather, FirstOfCancelsAndJoinsTheOthers) {
  SimulatedLoop loop(7);
  std::vector<Task<absl::StatusOr<int>>> tasks;
  tasks.push_back(After(absl::Seconds(9), 9));
  tasks.push_back(After(absl::Seconds(2), 2));
  const First<absl::StatusOr<int>> first = loop.Run(FirstOf(std::move(tasks)));
  EXPECT_EQ(first.index, 1u);
  EXPECT_EQ(*first.value, 2);
  EXPECT_TRUE(loop.drained());
}

Task<void> UsePermit(Semaphore& semaphore, absl::Duration hold, std::vector<int>& order, int name) {
  auto permit = co_await semaphore.Acquire();
  if (!permit.ok()) co_return;
  order.push_back(name);
  (void)co_await Sleep(hold);
}

TEST(Semaphore, ServesInOrderOfArrivalAndForgetsTheCancelled) {
  SimulatedLoop loop(3);
  Semaphore semaphore(1);
  std::vector<int> order;
  Scope first(loop);
  Scope second(loop);
  first.Spawn(UsePermit(semaphore, absl::Seconds(10), order, 1));
  loop.RunReady();
  second.Spawn(UsePermit(semaphore, absl::Seconds(10), order, 2));
  loop.RunReady();
  first.Spawn(UsePermit(semaphore, absl::Seconds(10), order, 3));
  loop.RunReady();
  EXPECT_EQ(semaphore.waiting(), 2u);
  second.Cancel();
  loop.RunFor(absl::Seconds(30));
  EXPECT_EQ(order, (std::vector<int>{1, 3}));
  EXPECT_EQ(semaphore.available(), 1u);
}

}  // namespace
}  // namespace ottoscale::async
