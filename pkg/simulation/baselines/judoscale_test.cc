#include "pkg/simulation/baselines/judoscale.h"

#include <gtest/gtest.h>

#include "pkg/simulation/baselines/timeline.h"

namespace ottoscale::simulation {
namespace {

// Waiting at a utilisation of 0.9 is 231 ms, at 0.833 115 ms, at 0.65 30 ms, at 0.45 8 ms.
//
// 26 on one are over capacity: out at 0 and at 180 s; on three, ready at 300 s, 0.87: out at 360 s; on four 0.65: held.
TEST(Judoscale, GoesOutEveryThreeMinutes) {
  Judoscale strategy;
  EXPECT_EQ(Changes(strategy, PlantOf(1), LoadsOf({{0, 26}}, 1500)), (std::vector<From>{{0, 2}, {180, 3}, {360, 4}}));
}

TEST(Judoscale, GoesInEveryTenMinutes) {
  Judoscale strategy;
  EXPECT_EQ(Changes(strategy, PlantOf(4), LoadsOf({{0, 2}}, 2400)),
            (std::vector<From>{{600, 3}, {1200, 2}, {1800, 1}}));
}

// 9 on one wait: out at 0 s. On two, from 120 s, they are low: in at 720 s, and out again a look later.
TEST(Judoscale, GoesToAndFro) {
  Judoscale strategy;
  EXPECT_EQ(Changes(strategy, PlantOf(1), LoadsOf({{0, 9}}, 1480)),
            (std::vector<From>{{0, 2}, {720, 1}, {730, 2}, {1450, 1}, {1460, 2}}));
}

TEST(Judoscale, ForgetsALowThatIsBroken) {
  Judoscale strategy;
  EXPECT_EQ(Changes(strategy, PlantOf(4), LoadsOf({{0, 2}, {500, 26}, {510, 2}}, 1200)),
            (std::vector<From>{{1110, 3}}));
}

TEST(Judoscale, StaysAtItsBounds) {
  Judoscale high;
  EXPECT_TRUE(Changes(high, PlantOf(3, 1, 3), LoadsOf({{0, 90}}, 900)).empty());
  Judoscale low;
  EXPECT_TRUE(Changes(low, PlantOf(3, 3, 5), LoadsOf({{0, 1}}, 900)).empty());
}

}  // namespace
}  // namespace ottoscale::simulation
