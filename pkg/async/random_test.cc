#include "pkg/async/random.h"

#include <gtest/gtest.h>

#include <array>

namespace ottoscale::async {
namespace {

TEST(Random, GivesTheSameNumbersOnEveryMachine) {
  // Computed from the published algorithms by another program.
  Random zero(0);
  for (const uint64_t expected : {0x99ec5f36cb75f2b4u, 0xbf6e1f784956452au, 0x1a5f849d4933e6e0u, 0x6aa594f1262d2d2cu}) {
    EXPECT_EQ(zero.Next(), expected);
  }
  Random other(42);
  for (const uint64_t expected : {0x15780b2e0c2ec716u, 0x6104d9866d113a7eu, 0xae17533239e499a1u, 0xecb8ad4703b360a1u}) {
    EXPECT_EQ(other.Next(), expected);
  }
}

TEST(Random, BelowIsInRangeAndEven) {
  Random random(1);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70'000; ++i) ++counts[random.Below(counts.size())];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 400);  // four standard deviations
  for (int i = 0; i < 100; ++i) EXPECT_EQ(random.Below(1), 0u);
  for (int i = 0; i < 100; ++i) EXPECT_LT(random.Below(0x8000000000000001u), 0x8000000000000001u);
}

TEST(RandomDeathTest, AnEmptyRangeIsADefect) { EXPECT_DEATH(Random(1).Below(0), "an empty range has no members"); }

TEST(Random, UnitIsInRangeAndEven) {
  Random random(2);
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double unit = random.Unit();
    ASSERT_GE(unit, 0);
    ASSERT_LT(unit, 1);
    sum += unit;
  }
  EXPECT_NEAR(sum / 10'000, 0.5, 0.012);
}

TEST(Random, ChanceOfNothingAndOfEverything) {
  Random random(3);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(random.Chance(0));
    EXPECT_TRUE(random.Chance(1));
  }
}

TEST(Random, JitterStaysWithinItsFraction) {
  Random random(4);
  absl::Duration least = absl::InfiniteDuration();
  absl::Duration most;
  for (int i = 0; i < 10'000; ++i) {
    const absl::Duration jittered = random.Jitter(absl::Seconds(10), 0.2);
    least = std::min(least, jittered);
    most = std::max(most, jittered);
  }
  EXPECT_GE(least, absl::Seconds(8));
  EXPECT_LT(most, absl::Seconds(12));
  EXPECT_LT(least, absl::Seconds(8.1));
  EXPECT_GT(most, absl::Seconds(11.9));
  EXPECT_EQ(random.Jitter(absl::Seconds(10), 0), absl::Seconds(10));
}

}  // namespace
}  // namespace ottoscale::async
