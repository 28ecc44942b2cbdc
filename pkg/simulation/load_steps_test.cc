#include "pkg/simulation/load_steps.h"

#include <gtest/gtest.h>

namespace ottoscale::simulation {
namespace {

using Loads = std::vector<double>;

TEST(LoadPerStep, DrawsStraightLinesUntilTheLastPoint) {
  EXPECT_EQ(LoadPerStep({{absl::ZeroDuration(), 4}, {absl::Seconds(20), 8}, {absl::Seconds(25), 0}}, absl::Seconds(5)),
            (Loads{4, 5, 6, 7, 8}));
}

TEST(LoadPerStep, BeginsAStepThatThePointsEndInside) {
  EXPECT_EQ(LoadPerStep({{absl::ZeroDuration(), 0}, {absl::Seconds(4), 4}, {absl::Seconds(7), 10}}, absl::Seconds(3)),
            (Loads{0, 3, 8}));
}

TEST(LoadPerStep, PassesOverPointsThatAreCloserThanAStep) {
  EXPECT_EQ(LoadPerStep({{absl::ZeroDuration(), 0},
                         {absl::Seconds(1), 50},
                         {absl::Seconds(2), 60},
                         {absl::Seconds(8), 0},
                         {absl::Seconds(10), 1}},
                        absl::Seconds(5)),
            (Loads{0, 30}));
}

TEST(LoadPerStep, IsOneStepOfOnePoint) {
  EXPECT_EQ(LoadPerStep({{absl::ZeroDuration(), 3}}, absl::Seconds(5)), (Loads{3}));
}

TEST(LoadSteps, StaysAtTheLastRate) {
  LoadSteps steps({{absl::ZeroDuration(), 4}, {absl::Seconds(10), 8}}, absl::Seconds(5));
  EXPECT_EQ(steps.Count(), 2);
  for (const double load : {4, 6, 8, 8, 8}) EXPECT_EQ(steps.Next(), load);
}

}  // namespace
}  // namespace ottoscale::simulation
