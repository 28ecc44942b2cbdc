#include "pkg/simulation/baselines/hpa.h"

#include <gtest/gtest.h>

#include "pkg/simulation/baselines/timeline.h"

namespace ottoscale::simulation {
namespace {

// Ten bear 70. The meter shows something from 15 s on.
TEST(Hpa, HoldsWithinItsToleranceAndAtIt) {
  for (const double load : {63.0, 70.0, 77.0}) {
    Hpa hpa;
    EXPECT_TRUE(Changes(hpa, PlantOf(10), LoadsOf({{0, load}}, 1200)).empty()) << load;
  }
  Hpa above;
  EXPECT_EQ(Changes(above, PlantOf(10), LoadsOf({{0, 77.1}}, 1200)), (std::vector<From>{{15, 12}}));
}

// What it finds counts as its first recommendation, at 0 s, and leaves the window at 300 s.
TEST(Hpa, TakesNothingInForAWindowAfterItsStart) {
  Hpa hpa;
  EXPECT_EQ(Changes(hpa, PlantOf(10), LoadsOf({{0, 62.9}}, 1200)), (std::vector<From>{{300, 9}}));
}

// 700 ask for 100. Limits: max(1 + 4, 2) = 5, max(5 + 4, 10) = 10, 20, 40; and 30 there may be.
TEST(Hpa, DoublesOrAddsFourAPeriod) {
  Hpa hpa;
  EXPECT_EQ(Changes(hpa, PlantOf(1), LoadsOf({{0, 700}}, 600)),
            (std::vector<From>{{15, 5}, {30, 10}, {45, 20}, {60, 30}}));
}

// The load falls from 70 to 35 at 600 s. The meter, 12 loads of which the newest is 15 s old, shows
//   615 s  1 of 35: 67.1, a ratio of 0.96     holds ten
//   630 s  4 of 35: 58.3                      9
//   645 s  7 of 35: 49.6                      8
//   660 s  10 of 35: 40.8                     6
//   675 s  all of 35                          5
// and each proposal rules until the larger one before it is 300 s old.
TEST(Hpa, GoesInWhenTheLargestProposalLeavesTheWindow) {
  Hpa hpa;
  EXPECT_EQ(Changes(hpa, PlantOf(10), LoadsOf({{0, 70}, {600, 35}}, 1500)),
            (std::vector<From>{{915, 9}, {930, 8}, {945, 6}, {960, 5}}));
}

TEST(Hpa, WithoutAWindowFollowsEachProposal) {
  Hpa hpa({.down_window = absl::ZeroDuration()});
  EXPECT_EQ(Changes(hpa, PlantOf(10), LoadsOf({{0, 70}, {600, 35}}, 1500)),
            (std::vector<From>{{630, 9}, {645, 8}, {660, 6}, {675, 5}}));
}

TEST(Hpa, LeavesAloneWhatIsSwitchedOff) {
  Hpa hpa;
  EXPECT_TRUE(Changes(hpa, PlantOf(0, 0), LoadsOf({{0, 70}}, 600)).empty());
}

}  // namespace
}  // namespace ottoscale::simulation
