#include "pkg/simulation/load.h"

#include <gtest/gtest.h>

namespace ottoscale::simulation {
namespace {

absl::Duration Second(double s) { return absl::Seconds(1) * s; }

TEST(LoadCurve, IsAFunctionOfTime) {
  struct Row {
    const char* what;
    LoadCurve curve;
    std::vector<std::pair<double, double>> points;  // second, rate
  };
  const LoadCurve steps = Steps({{Second(0), 1}, {Second(10), 5}});
  const std::vector<Row> rows = {
      {"constant", Constant(3), {{0, 3}, {1e6, 3}}},
      {"steps", steps, {{-1, 0}, {0, 1}, {9.9, 1}, {10, 5}, {1e6, 5}}},
      {"no steps", Steps({}), {{0, 0}}},
      {"ramps",
       Ramps({{Second(10), 1}, {Second(20), 5}, {Second(20), 2}}),
       {{0, 1}, {10, 1}, {15, 3}, {19, 4.6}, {20, 2}, {99, 2}}},
      {"no points", Ramps({}), {{0, 0}}},
      {"recorded", Recorded(absl::Minutes(1), {6, 12, 0}), {{0, 6}, {30, 9}, {60, 12}, {120, 0}, {1e6, 0}}},
      {"sine", Sine(10, 4, Second(40)), {{0, 10}, {10, 14}, {30, 6}}},
      {"sine, clipped", Sine(1, 5, Second(4)), {{1, 6}, {3, 0}}},
      {"a day", Diurnal(2, 10), {{0, 2}, {6 * 3600, 6}, {12 * 3600, 10}, {36 * 3600, 10}}},
      {"spike", Spike(Second(5), Second(2), 100), {{4.9, 0}, {5, 100}, {6.9, 100}, {7, 0}}},
      {"sum", Sum(Constant(2), Spike(Second(5), Second(2), 100)), {{0, 2}, {6, 102}}},
      {"times", Times(steps, 0.5), {{0, 0.5}, {10, 2.5}}},
      {"delayed", Delayed(steps, Second(3)), {{2, 0}, {3, 1}, {12, 1}, {13, 5}}},
      {"repeated", Repeat(steps, Second(20)), {{0, 1}, {19, 5}, {20, 1}, {30, 5}, {1e6 + 9, 1}}},
  };
  for (const Row& row : rows) {
    for (const auto& [second, rate] : row.points) {
      EXPECT_NEAR(row.curve(Second(second)), rate, 1e-9) << row.what << " at " << second;
    }
  }
}

}  // namespace
}  // namespace ottoscale::simulation
