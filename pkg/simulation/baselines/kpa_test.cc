#include "pkg/simulation/baselines/kpa.h"

#include <gtest/gtest.h>

#include "pkg/simulation/baselines/timeline.h"

namespace ottoscale::simulation {
namespace {

// Ten are found, so it begins in panic, which ends more than 60 s later. One would do, and half may go at a time.
TEST(Kpa, BeginsInPanicAndHalvesAtMost) {
  Kpa kpa;
  EXPECT_EQ(Changes(kpa, PlantOf(10), LoadsOf({{0, 7}}, 300)), (std::vector<From>{{65, 5}, {70, 2}, {75, 1}}));
}

// At 100 s two steps of panic window hold 7 and 70, mean 38.5: six are six times what is ready, so panic. At 105 s both
// hold 70: ten. It stays one ready until 220 s, with 70 ten are twice that: panic goes on. At 150 s the load is back:
// the panic window wants six once more, and then one. Panic ends more than 60 s after 150 s, with nothing booted yet.
TEST(Kpa, NeverGoesDownInPanic) {
  Kpa kpa;
  EXPECT_EQ(Changes(kpa, PlantOf(1), LoadsOf({{0, 7}, {100, 70}, {150, 7}}, 300)),
            (std::vector<From>{{100, 6}, {105, 10}, {215, 1}}));
}

// From 7 to 13 the panic window wants two at once, of one ready: at the threshold is panic. Two minutes later two are
// ready. The load of 20 wants three, which is not twice two: the stable window decides, which at 300 + 5 k seconds
// holds k + 1 of 20 and the others of 13. It passes 14 with the second: (10 * 13 + 2 * 20) / 12 = 14.2.
TEST(Kpa, FollowsTheStableWindowOtherwise) {
  Kpa kpa;
  EXPECT_EQ(Changes(kpa, PlantOf(1), LoadsOf({{0, 7}, {100, 13}, {300, 20}}, 500)),
            (std::vector<From>{{100, 2}, {305, 3}}));
}

TEST(Kpa, HoldsToItsRates) {
  Kpa kpa({.max_up_rate = 3});
  EXPECT_EQ(Changes(kpa, PlantOf(1), LoadsOf({{0, 70}}, 120)), (std::vector<From>{{0, 3}}));
}

}  // namespace
}  // namespace ottoscale::simulation
