#include "test/simulation/minimise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "absl/strings/match.h"
#include "test/simulation/plan.h"
#include "test/simulation/regressions.h"

namespace ottoscale::world {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

bool Has(const std::vector<int>& part, int number) { return std::find(part.begin(), part.end(), number) != part.end(); }

std::vector<int> UpTo(int last) {
  std::vector<int> numbers(static_cast<size_t>(last));
  std::iota(numbers.begin(), numbers.end(), 1);
  return numbers;
}

TEST(Minimise, FindsTheOnesThatMatter) {
  EXPECT_THAT(Minimise(UpTo(60), 1000, [](const auto&) { return true; }), IsEmpty());
  EXPECT_THAT(Minimise(UpTo(60), 1000, [](const auto& part) { return Has(part, 41); }), ElementsAre(41));
  const auto three = [](const auto& part) { return Has(part, 3) && Has(part, 30) && Has(part, 60); };
  EXPECT_THAT(Minimise(UpTo(60), 1000, three), ElementsAre(3, 30, 60));
  EXPECT_THAT(Minimise({}, 1000, [](const auto&) { return true; }), IsEmpty());
}

TEST(Minimise, StopsInTime) {
  int tries = 0;
  const auto all = [&tries](const auto& part) { return ++tries > 0 && part.size() == 60; };
  EXPECT_EQ(Minimise(UpTo(60), 25, all), UpTo(60));
  EXPECT_EQ(tries, 25);
}

TEST(DrawPlan, NumbersDisturbancesThatStandOnTheirOwn) {
  const Plan plan = DrawPlan({.seed = 7});
  EXPECT_GE(plan.accounts.size(), 2u);
  EXPECT_GE(plan.policies.size(), 2u);
  ASSERT_FALSE(plan.disturbances.empty());
  for (size_t i = 0; i < plan.disturbances.size(); ++i) {
    EXPECT_EQ(plan.disturbances[i].number, static_cast<int>(i) + 1);
    EXPECT_LE(plan.disturbances[i].at + plan.disturbances[i].length, WorldOptions{}.chaos);
  }
}

TEST(HowToReplay, IsOneCommandAndSaysWhatHappens) {
  const std::string text = HowToReplay({.seed = 7, .only = std::vector<int>{2, 3}, .salt = 4});
  EXPECT_TRUE(absl::StartsWith(text, "replay: OTTOSCALE_SEED=7 OTTOSCALE_ONLY=2,3 OTTOSCALE_SALT=4 build/")) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
}

TEST(ReadRegressions, ReadsEachWord) {
  std::vector<std::string> problems;
  const auto all = ReadRegressions(
      "# a comment\n\nseed=7 salt=2 only=1,3 mutant=relative-retry finds=I4  # why\nseed=2 crash_at=9 # a crash\n"
      "seed=1 events mutant=trusts-events finds=I11 # twins\n",
      problems);
  EXPECT_THAT(problems, IsEmpty());
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].options.seed, 7u);
  EXPECT_EQ(all[0].options.salt, 2u);
  EXPECT_THAT(*all[0].options.only, ElementsAre(1, 3));
  EXPECT_EQ(all[0].options.mutant, Mutant::kRelativeRetry);
  EXPECT_EQ(all[0].invariant, "I4");
  EXPECT_EQ(all[1].options.seed, 2u);
  EXPECT_EQ(all[1].options.crash_at_effect, 9u);
  EXPECT_EQ(all[2].run, Recorded::Run::kEvents);
}

TEST(ReadRegressions, SaysWhatItDoesNotKnow) {
  std::vector<std::string> problems;
  ReadRegressions("seed=x # a\nseed=1 mutant=no-such # b\nsed=1 # c\nseed=1\n", problems);
  EXPECT_THAT(problems, ElementsAre("line 1: seed=x", "line 2: mutant=no-such", "line 3: sed=1",
                                    "line 4 does not say why it is there"));
}

}  // namespace
}  // namespace ottoscale::world
