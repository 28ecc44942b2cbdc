#include "pkg/simulation/baselines/oracle.h"

#include <gtest/gtest.h>

#include "pkg/async/random.h"
#include "pkg/simulation/baselines/timeline.h"

namespace ottoscale::simulation {
namespace {

TEST(Oracle, OrdersABootAheadAndLetsGoAtOnce) {
  const auto loads = LoadsOf({{0, 10}, {600, 30}, {900, 10}}, 1200);
  Oracle oracle(loads, absl::Seconds(120), absl::Seconds(5));
  EXPECT_EQ(Changes(oracle, PlantOf(1), loads), (std::vector<From>{{480, 3}, {900, 1}}));
}

TEST(Oracle, IsNeverUnderWhateverTheStep) {
  async::Random random(3);
  std::vector<double> loads(24, 5.0);  // from the start it cannot look back
  for (int i = 0; i < 5000; ++i) loads.push_back(200 * random.Unit());
  for (const int seconds : {5, 7, 60}) {
    PlantParameters plant = PlantOf(1);
    plant.step = absl::Seconds(seconds);
    Oracle oracle(loads, absl::Seconds(120), plant.step);
    const Figures figures = Simulate(plant, loads, oracle);
    EXPECT_EQ(figures.tau_under_percent, 0) << seconds;
    EXPECT_EQ(figures.requests_over_capacity_percent, 0) << seconds;
  }
}

}  // namespace
}  // namespace ottoscale::simulation
