#include "pkg/providers/heroku/account_budget.h"

#include <gtest/gtest.h>

namespace ottoscale::heroku {
namespace {

constexpr async::BootTime At(absl::Duration d) { return {d}; }
const async::BootTime kStart = At(absl::Seconds(1000));

// Takes reads of three calls until one is shed; how many were taken.
int Drain(AccountBudget& budget, async::BootTime now) {
  int taken = 0;
  while (!budget.TakeRead(3, now)) ++taken;
  return taken;
}

TEST(AccountBudget, HoldsAMinutesRequestsAndKeepsATenthForWrites) {
  AccountBudget budget(60, kStart);
  EXPECT_EQ(Drain(budget, kStart), 18);  // 54 of 60
  const auto shed = budget.TakeRead(3, kStart);
  ASSERT_TRUE(shed.has_value());
  EXPECT_EQ(shed->retry_at - kStart, absl::Seconds(3));
  EXPECT_EQ(shed->why, "the 60 requests a minute of `requestsPerMinute` are used up");
  EXPECT_FALSE(budget.TakeRead(3, shed->retry_at).has_value());
}

TEST(AccountBudget, LetsReadsPayForWritesThatWereNeverRefused) {
  AccountBudget budget(60, kStart);
  budget.Spend(1000, kStart);
  const auto shed = budget.TakeRead(3, kStart);
  ASSERT_TRUE(shed.has_value());
  EXPECT_EQ(shed->retry_at - kStart, absl::Seconds(69));  // a debt of one bucket at most
}

TEST(AccountBudget, NeverHoldsMoreThanItsBucket) {
  AccountBudget budget(60, kStart);
  EXPECT_EQ(Drain(budget, kStart + absl::Hours(5)), 18);
}

TEST(AccountBudget, CanReadAtOneRequestAMinute) {
  AccountBudget budget(1, kStart);
  EXPECT_EQ(Drain(budget, kStart), 3);
  const auto shed = budget.TakeRead(3, kStart);
  ASSERT_TRUE(shed.has_value());
  EXPECT_FALSE(budget.TakeRead(3, shed->retry_at).has_value());
}

TEST(AccountBudget, ShedsReadsWhenHerokuHasLittleLeft) {
  struct Row {
    int64_t largest;
    int64_t remaining;
    bool shed;
  };
  const Row rows[] = {
      {4500, 450, false}, {4500, 449, true}, {4500, 0, true}, {1200, 120, false}, {1200, 119, true},
      {100, 100, false},  {100, 20, false},  {100, 19, true}, {5, 5, true},
  };
  for (const Row& row : rows) {
    AccountBudget budget(60, kStart);
    budget.Learn(row.largest, kStart);
    budget.Learn(row.remaining, kStart);
    EXPECT_EQ(budget.TakeRead(3, kStart).has_value(), row.shed) << row.largest << " " << row.remaining;
  }
}

TEST(AccountBudget, ReadsAgainWhenHerokuMustHaveRefilled) {
  AccountBudget budget(60, kStart);
  budget.Learn(4500, kStart);
  budget.Learn(350, kStart);
  const auto shed = budget.TakeRead(3, kStart);
  ASSERT_TRUE(shed.has_value());
  EXPECT_EQ(shed->retry_at - kStart, absl::Seconds(80));  // 100 requests at 75 a minute
  EXPECT_EQ(shed->why, "Heroku has 350 requests left for this account, which it shares with everything that uses it");
  EXPECT_TRUE(budget.TakeRead(3, shed->retry_at - absl::Seconds(1)).has_value());
  EXPECT_FALSE(budget.TakeRead(3, shed->retry_at).has_value());
}

TEST(AccountBudget, PausesTwiceAsLongAfterEach429WithJitterAndNeverSoonerThanAsked) {
  async::Random random(7);
  AccountBudget budget(600, kStart);
  async::BootTime now = kStart;
  for (const absl::Duration least :
       {absl::Seconds(5), absl::Seconds(10), absl::Seconds(20), absl::Seconds(40), absl::Seconds(80),
        absl::Seconds(160), absl::Seconds(300), absl::Seconds(300), absl::Seconds(300)}) {
    const async::BootTime until = budget.Limited(std::nullopt, now, random);
    EXPECT_GE(until - now, least);
    EXPECT_LE(until - now, least * 1.25);
    EXPECT_EQ(budget.Limited(absl::Seconds(60), now, random), until) << "calls under way together are one refusal";
    const auto shed = budget.TakeRead(3, until - absl::Milliseconds(1));
    ASSERT_TRUE(shed.has_value());
    EXPECT_EQ(shed->retry_at, until);
    now = until;
    EXPECT_FALSE(budget.TakeRead(3, now).has_value());
  }
  budget.NotLimited(now);
  EXPECT_LE(budget.Limited(std::nullopt, now, random) - now, absl::Seconds(6.25));
  AccountBudget other(60, kStart);
  EXPECT_GE(other.Limited(absl::Seconds(60), kStart, random) - kStart, absl::Seconds(60));
  AccountBudget bounded(60, kStart);
  EXPECT_LE(bounded.Limited(absl::Hours(60), kStart, random) - kStart, absl::Seconds(375));
}

TEST(AccountBudget, StaysPausedWhenAStragglerSucceeds) {
  async::Random random(7);
  AccountBudget budget(60, kStart);
  (void)budget.Limited(std::nullopt, kStart, random);
  budget.NotLimited(kStart + absl::Seconds(1));
  EXPECT_TRUE(budget.TakeRead(3, kStart + absl::Seconds(2)).has_value());
}

TEST(AccountBudgets, SharesABudgetByUrlAndCredential) {
  AccountBudgets budgets;
  const BudgetShare first = budgets.For("https://a", Secret("key"), 60, kStart);
  const BudgetShare same = budgets.For("https://a", Secret("key"), 60, kStart);
  const BudgetShare other_key = budgets.For("https://a", Secret("other"), 60, kStart);
  const BudgetShare other_url = budgets.For("https://b", Secret("key"), 60, kStart);
  EXPECT_EQ(&*same, &*first);
  EXPECT_NE(&*other_key, &*first);
  EXPECT_NE(&*other_url, &*first);
}

TEST(AccountBudgets, LetsTheSmallestAllowanceCountWhileItIsThere) {
  AccountBudgets budgets;
  std::optional<BudgetShare> first;
  first.emplace(budgets.For("https://a", Secret("key"), 60, kStart));
  {
    const BudgetShare smaller = budgets.For("https://a", Secret("key"), 30, kStart);
    EXPECT_EQ((*first)->requests_per_minute(), 30);
    EXPECT_EQ(Drain(**first, kStart), 9);
  }
  EXPECT_EQ((*first)->requests_per_minute(), 60);
  // The account was given more: its targets are made anew one after the other, and never all are gone.
  const BudgetShare renewed = budgets.For("https://a", Secret("key"), 600, kStart);
  EXPECT_EQ(renewed->requests_per_minute(), 60);
  first.reset();
  EXPECT_EQ(renewed->requests_per_minute(), 600);
}

TEST(AccountBudgets, ForgetsABudgetThatNobodyHolds) {
  AccountBudgets budgets;
  (void)Drain(*budgets.For("https://a", Secret("key"), 30, kStart), kStart);
  EXPECT_EQ(Drain(*budgets.For("https://a", Secret("key"), 60, kStart), kStart), 18);
}

}  // namespace
}  // namespace ottoscale::heroku
