#include "pkg/simulation/baselines/gcp.h"

#include <gtest/gtest.h>

#include "pkg/simulation/baselines/timeline.h"

namespace ottoscale::simulation {
namespace {

// The load falls from 70 to 35 at 600 s: recommendations are ten until 600 s, at 660 s (ten of twelve loads are new)
// 40.8 / 7 = 6, then five.
const std::vector<double>& Fall() {
  static const auto& loads = *new std::vector<double>(LoadsOf({{0, 70}, {600, 35}}, 3600));
  return loads;
}

TEST(Gcp, KeepsTheLargestRecommendationOfTenMinutes) {
  Gcp gcp;
  EXPECT_EQ(Changes(gcp, PlantOf(10), Fall()), (std::vector<From>{{1200, 6}, {1260, 5}}));
}

TEST(Gcp, GoesOutAtOnce) {
  Gcp gcp;
  EXPECT_EQ(Changes(gcp, PlantOf(1), LoadsOf({{0, 70}}, 300)), (std::vector<From>{{60, 10}}));
}

// One of ten may go while the peak of ten is younger than 30 min, and one of six, with what was six at 660 s, until
// 2460.
TEST(Gcp, LetsGoATenthOfThePeakInHalfAnHour) {
  Gcp gcp({.scale_in_control = GcpScaleInControl{}});
  EXPECT_EQ(Changes(gcp, PlantOf(10), Fall()), (std::vector<From>{{1200, 9}, {2400, 5}}));
}

// 10 % of 19 are 1, of 20 are 2; and of 5 one goes nevertheless.
TEST(Gcp, RoundsTheShareDownButLetsOneGo) {
  for (const auto& [before, after] : {From{5, 4}, From{19, 18}, From{20, 18}}) {
    Gcp gcp({.scale_in_control = GcpScaleInControl{}});
    EXPECT_EQ(Changes(gcp, PlantOf(before), LoadsOf({{0, before * 7.0}, {600, 7}}, 2000)),
              (std::vector<From>{{1200, after}}));
  }
}

}  // namespace
}  // namespace ottoscale::simulation
