#include "pkg/simulation/baselines/static_size.h"

#include <gtest/gtest.h>

#include "pkg/simulation/baselines/timeline.h"

namespace ottoscale::simulation {
namespace {

TEST(StaticSize, IsOrderedInTheFirstStepAndStays) {
  StaticSize strategy(4);
  EXPECT_EQ(Changes(strategy, PlantOf(2), LoadsOf({{0, 5}, {600, 90}}, 1200)), (std::vector<From>{{0, 4}}));
}

// The largest load is 41, which 5 bear; the mean is 21, which 3 bear at 7 each.
TEST(StaticSize, BearsThePeakOrTheMeanAtTheTarget) {
  const std::vector<double> loads = {1, 41, 21};
  EXPECT_EQ(PeakSize(PlantOf(1), loads), 5);
  EXPECT_EQ(MeanSize(PlantOf(1), loads), 3);
  EXPECT_EQ(PeakSize(PlantOf(1), {0}), 1);
  EXPECT_EQ(MeanSize(PlantOf(1), {0}), 1);
}

}  // namespace
}  // namespace ottoscale::simulation
