#include "pkg/simulation/baselines/aws_target_tracking.h"

#include <gtest/gtest.h>

#include "pkg/simulation/baselines/timeline.h"

namespace ottoscale::simulation {
namespace {

// 71 on ten is above 7: the points of 60, 120 and 180 s. The eleventh is on its way while the alarm goes on.
TEST(AwsTargetTracking, GoesOutAfterThreeHighPoints) {
  AwsTargetTracking strategy;
  EXPECT_EQ(Changes(strategy, PlantOf(10), LoadsOf({{0, 71}}, 1200)), (std::vector<From>{{180, 11}}));
}

// At 240 s ten of the meter's twelve loads are 140: 128.5, for which 19 are needed.
TEST(AwsTargetTracking, GoesFurtherOutWhileItBoots) {
  AwsTargetTracking strategy;
  EXPECT_EQ(Changes(strategy, PlantOf(10), LoadsOf({{0, 71}, {180, 140}}, 600)),
            (std::vector<From>{{180, 11}, {240, 19}, {300, 20}}));
}

TEST(AwsTargetTracking, IsNotMovedByTwoHighPoints) {
  AwsTargetTracking strategy;
  EXPECT_TRUE(Changes(strategy, PlantOf(10), LoadsOf({{0, 71}, {105, 69}, {200, 71}, {285, 69}}, 900)).empty());
}

// 62 on ten is below 6.3: fifteen points until 900 s, and nine do. At 30 from then on the points are counted anew, from
// 960 s, until 1800 s.
TEST(AwsTargetTracking, GoesInAfterFifteenLowPointsAndCountsAnew) {
  AwsTargetTracking strategy;
  EXPECT_EQ(Changes(strategy, PlantOf(10), LoadsOf({{0, 62}, {905, 30}}, 2400)),
            (std::vector<From>{{900, 9}, {1800, 5}}));
}

TEST(AwsTargetTracking, HoldsBetweenItsAlarms) {
  AwsTargetTracking strategy;
  EXPECT_TRUE(Changes(strategy, PlantOf(10), LoadsOf({{0, 64}}, 2400)).empty());
}

// The boot outlasts the low points: 71 until 165 s order one at 180 s, 40 from then on are low at 240 s, and from 1080
// s on fifteen times. It is ready at 1680 s.
TEST(AwsTargetTracking, DoesNotGoInWhileItBoots) {
  PlantParameters plant = PlantOf(10);
  plant.boot = FixedBoot{absl::Seconds(1500)};
  AwsTargetTracking strategy;
  EXPECT_EQ(Changes(strategy, plant, LoadsOf({{0, 71}, {170, 40}}, 2000)), (std::vector<From>{{180, 11}, {1680, 6}}));
}

}  // namespace
}  // namespace ottoscale::simulation
