#include "pkg/simulation/baselines/heroku_p95.h"

#include <gtest/gtest.h>

#include "pkg/simulation/baselines/timeline.h"

namespace ottoscale::simulation {
namespace {

// 1 - 0.15 ln 20 / 1.5 = 0.70043: one bears 7.0043, ten 70.04.
TEST(HerokuP95, GoesOutByOneAMinute) {
  HerokuP95 strategy;
  EXPECT_EQ(Changes(strategy, PlantOf(8), LoadsOf({{0, 70.03}}, 900)), (std::vector<From>{{60, 9}, {120, 10}}));
  HerokuP95 more;
  EXPECT_EQ(Changes(more, PlantOf(8), LoadsOf({{0, 70.05}}, 900)), (std::vector<From>{{60, 9}, {120, 10}, {180, 11}}));
}

TEST(HerokuP95, GoesInByOneAfterTenLowerNeeds) {
  HerokuP95 strategy;
  EXPECT_EQ(Changes(strategy, PlantOf(12), LoadsOf({{0, 70}}, 2000)), (std::vector<From>{{600, 11}, {1200, 10}}));
}

// At 300 s twelve are needed, for one look.
TEST(HerokuP95, CountsAnewAfterAnotherNeed) {
  HerokuP95 strategy;
  EXPECT_EQ(Changes(strategy, PlantOf(12), LoadsOf({{0, 70}, {230, 84}, {290, 70}}, 1000)),
            (std::vector<From>{{900, 11}}));
}

// S0 ln 20 is 449 ms: no dyno is as quick as 400 ms.
TEST(HerokuP95, GoesToTheBoundForAGoalThatCannotBeMet) {
  HerokuP95 strategy({.goal = absl::Milliseconds(400)});
  EXPECT_EQ(Changes(strategy, PlantOf(1, 1, 3), LoadsOf({{0, 1}}, 900)), (std::vector<From>{{60, 2}, {120, 3}}));
}

}  // namespace
}  // namespace ottoscale::simulation
