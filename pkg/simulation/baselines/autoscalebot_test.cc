#include "pkg/simulation/baselines/autoscalebot.h"

#include <gtest/gtest.h>

#include "pkg/simulation/baselines/timeline.h"

namespace ottoscale::simulation {
namespace {

// One instance at its capacity answers in 6 s, two in 161 ms, three faster still.
//
//   high at 0, 30, 60: two. While it boots, high at 90, 120, 150: three, for a change clears the results.
//   low from 180 on, when two are ready: 180, 210, 240, 270, 300: two. 330 to 450: one. high at 480, 510, 540: two.
TEST(Autoscalebot, StepsUpAfterThreeHighAndDownAfterFiveLow) {
  Autoscalebot strategy;
  EXPECT_EQ(Changes(strategy, PlantOf(1, 1, 3), LoadsOf({{0, 10}}, 570)),
            (std::vector<From>{{60, 2}, {150, 3}, {300, 2}, {450, 1}, {540, 2}}));
}

// Five at 27 answer in 174 ms, which is low; at 40 in 230 ms, which is neither.
TEST(Autoscalebot, CountsOnlyTheTail) {
  Autoscalebot strategy;
  EXPECT_EQ(Changes(strategy, PlantOf(5), LoadsOf({{0, 27}, {120, 40}, {150, 27}}, 300)),
            (std::vector<From>{{270, 4}}));
}

TEST(Autoscalebot, GoesStraightToItsBounds) {
  for (const int initial : {7, 1}) {
    Autoscalebot strategy;
    const int bound = initial == 7 ? 5 : 3;
    EXPECT_EQ(Changes(strategy, PlantOf(initial, 3, 5), LoadsOf({{0, 26}}, 60)),
              (std::vector<From>{{0, static_cast<double>(bound)}}));
  }
}

TEST(Autoscalebot, StaysAtItsBounds) {
  Autoscalebot high;
  EXPECT_TRUE(Changes(high, PlantOf(3, 1, 3), LoadsOf({{0, 90}}, 600)).empty());
  Autoscalebot low;
  EXPECT_TRUE(Changes(low, PlantOf(3, 3, 5), LoadsOf({{0, 1}}, 600)).empty());
}

}  // namespace
}  // namespace ottoscale::simulation
