#include "pkg/simulation/baselines/seasonal.h"

#include <gtest/gtest.h>

#include "pkg/simulation/baselines/timeline.h"

namespace ottoscale::simulation {
namespace {

constexpr int kDay = 24 * 3600;
constexpr int kNoon = 12 * 3600;

// Days of 7, with 70 for five minutes from noon on; the last one until shortly before noon.
std::vector<double> Days(int days) {
  std::vector<From> loads;
  for (int day = 0; day < days; ++day) {
    loads.push_back({day * kDay, 7});
    loads.push_back({day * kDay + kNoon, 70});
    loads.push_back({day * kDay + kNoon + 300, 7});
  }
  return LoadsOf(loads, days * kDay);
}

std::vector<From> ChangesOf(const SeasonalParameters& parameters, int day, int from, int until) {
  Seasonal strategy(parameters);
  std::vector<From> changes;
  for (const From& change : Changes(strategy, PlantOf(1), Days(day))) {
    const int second = change.second - (day - 1) * kDay - kNoon;
    if (second >= from && second < until) changes.push_back({second, change.value});
  }
  return changes;
}

TEST(Seasonal, IsHpaOnTheSecondDay) {
  EXPECT_TRUE(ChangesOf({}, 2, -7200, 0).empty());
  EXPECT_FALSE(ChangesOf({}, 2, 0, 60).empty());
}

// From the third day on there are two days to look back at. The floor asks for ten at 180 s before noon; HPA, which has
// wanted one for long, takes away what boots 15 s later.
TEST(Seasonal, AsksForItsFloorOnceAMinute) {
  EXPECT_EQ(ChangesOf({}, 3, -7200, -60), (std::vector<From>{{-180, 10}, {-165, 1}, {-120, 10}, {-105, 1}}));
}

TEST(Seasonal, MayHoldItsFloor) {
  EXPECT_EQ(ChangesOf({.hold_floor = true}, 3, -7200, 15), (std::vector<From>{{-180, 10}}));
}

// On the ninth day the peak of 35 was a week ago, or yesterday, after a week of memory has come around.
TEST(Seasonal, LooksBackAWeek) {
  for (const int day : {1, 7}) {
    Seasonal strategy({.hold_floor = true});
    const auto loads = LoadsOf({{0, 7}, {day * kDay + kNoon, 35}, {day * kDay + kNoon + 300, 7}}, 8 * kDay + kNoon);
    EXPECT_EQ(Changes(strategy, PlantOf(1), loads).back(), (From{8 * kDay + kNoon - 180, 5})) << day;
  }
}

// A peak of 35 on one of the days before does not count where the quantile is the lowest of them.
TEST(Seasonal, TakesTheNearestRankOfItsDays) {
  const std::vector<From> loads = {{0, 7}, {kNoon, 70}, {kNoon + 300, 7}, {kDay + kNoon, 35}, {kDay + kNoon + 300, 7}};
  for (const auto& [quantile, floor] : {From{50, 5}, From{51, 10}, From{100, 10}}) {
    SeasonalParameters parameters{.hold_floor = true, .quantile = quantile / 100.0};
    Seasonal strategy(parameters);
    std::vector<From> changes = Changes(strategy, PlantOf(1), LoadsOf(loads, 2 * kDay + kNoon));
    ASSERT_FALSE(changes.empty());
    EXPECT_EQ(changes.back(), (From{2 * kDay + kNoon - 180, floor})) << quantile;
  }
}

}  // namespace
}  // namespace ottoscale::simulation
