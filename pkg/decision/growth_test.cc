#include "pkg/decision/growth.h"

#include <gtest/gtest.h>

#include <vector>

namespace ottoscale::decision {
namespace {

constexpr absl::Duration kGap = absl::Seconds(90);

async::BootTime At(int second) { return {absl::Hours(1) + absl::Seconds(second)}; }

struct Reading {
  int second;
  double value;
};

// What is foreseen at the last of the readings.
double Growth(const std::vector<Reading>& readings, absl::Duration ahead) {
  Marks marks;
  for (size_t i = 0; i + 1 < readings.size(); ++i) AddMark(marks, readings[i].value, At(readings[i].second), kGap);
  return GrowthOf(marks, readings.back().value, At(readings.back().second), ahead);
}

struct GrowthCase {
  const char* name;
  std::vector<Reading> readings;
  int ahead;
  double growth;
};

TEST(Growth, WorkedVectors) {
  const GrowthCase cases[] = {
      {"a straight line: 1 a second", {{0, 40}, {30, 70}, {60, 100}}, 50, 0.5},
      {"the slower of two rises", {{0, 70}, {30, 76}, {60, 100}}, 50, 0.1},
      {"slows down", {{0, 70}, {30, 94}, {60, 100}}, 50, 0.1},
      {"nothing of a fall", {{0, 130}, {30, 115}, {60, 100}}, 50, 0},
      {"a reading that was low", {{0, 100}, {30, 20}, {60, 100}}, 50, 0},
      {"a reading that is high", {{0, 100}, {30, 100}, {60, 300}}, 50, 0},
      {"at most double", {{0, 10}, {30, 60}, {60, 100}}, 120, 1},
      {"two readings are too few", {{30, 70}, {60, 100}}, 50, 0},
      {"one is", {{60, 100}}, 50, 0},
      {"nothing there", {{0, -60}, {30, -30}, {60, 0}}, 50, 0},
      {"no further ahead than three times as far as back: 180 s", {{0, 88}, {30, 94}, {60, 100}}, 900, 0.36},
      {"those that are 20 s apart count", {{0, 40}, {10, 0}, {20, 60}, {30, 0}, {40, 80}, {50, 90}}, 45, 0.5},
      {"a gap makes the past no evidence", {{0, 10}, {30, 40}, {130, 70}, {160, 100}}, 50, 0},
      {"readings of a minute", {{0, 40}, {60, 70}, {120, 100}}, 100, 0.5},
  };
  for (const GrowthCase& c : cases) {
    EXPECT_NEAR(Growth(c.readings, absl::Seconds(c.ahead)), c.growth, 1e-12) << c.name;
  }
}

TEST(Growth, GrowsWithTheReading) {
  Marks marks;
  AddMark(marks, 40, At(0), kGap);
  AddMark(marks, 70, At(30), kGap);
  double before = 0;
  for (double value = 0; value < 300; value += 0.5) {
    const double expected = value * (1 + GrowthOf(marks, value, At(60), absl::Seconds(135)));
    EXPECT_GE(expected, before) << value;
    before = expected;
  }
}

TEST(BootTime, IsLearnedByQuarters) {
  EXPECT_EQ(BootTimeAfter(std::nullopt, absl::Seconds(40)), absl::Seconds(40));
  EXPECT_EQ(BootTimeAfter(absl::Seconds(40), absl::Seconds(80)), absl::Seconds(50));
  EXPECT_EQ(BootTimeAfter(absl::Seconds(50), absl::Seconds(10)), absl::Seconds(40));
}

}  // namespace
}  // namespace ottoscale::decision
