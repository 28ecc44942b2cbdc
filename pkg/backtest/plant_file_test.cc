#include "pkg/backtest/plant_file.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ottoscale::backtest {
namespace {

TEST(PlantFile, PrintsItsDefaults) {
  const auto printed = ParsePlant(DefaultPlantText());
  ASSERT_TRUE(printed.ok()) << codec::FormatProblem(printed.problems.front());
  EXPECT_EQ(*printed.value, PlantFile{});
  EXPECT_EQ(*ParsePlant("").value, PlantFile{});
  EXPECT_EQ(*ParsePlant("{}").value, PlantFile{});
}

TEST(PlantFile, ReadsEveryField) {
  const auto file = ParsePlant(R"(
capacityPerInstance: "12.5"
boot: {type: Lognormal, lognormal: {medianSeconds: 30, p95Seconds: 90, seed: 7}}
metering: {windowSeconds: 120, delaySeconds: 0}
response: {serviceMilliseconds: 80, workersPerInstance: 2, busiest: "0.99"}
start: {instances: 4, utilization: "0.5"}
bounds: {min: 2, max: 9}
stepSeconds: 10
)");
  ASSERT_TRUE(file.ok()) << codec::FormatProblem(file.problems.front());
  const PlantFile expected{.parameters = {.boot = simulation::LognormalBoot{absl::Seconds(30), absl::Seconds(90), 7},
                                          .metering_window = absl::Seconds(120),
                                          .metering_delay = absl::ZeroDuration(),
                                          .service_time = absl::Milliseconds(80),
                                          .workers = 2,
                                          .busiest = 0.99,
                                          .utilization = 0.5,
                                          .initial = 4,
                                          .step = absl::Seconds(10)},
                           .capacity = 12.5,
                           .min = 2,
                           .max = 9};
  EXPECT_EQ(*file.value, expected);
}

struct Refused {
  const char* text;
  const char* problem;
};

TEST(PlantFile, RefusesTheRestWithItsPlace) {
  const std::vector<Refused> cases = {
      {"capacityPerInstnace: 3\n", "1:1: capacityPerInstnace: "},
      {"stepSeconds: 0\n", "1:14: stepSeconds: must be"},
      {"capacityPerInstance: -1\n", "1:22: capacityPerInstance: must be"},
      {"capacityPerInstance: 1.5\n", "quote it"},
      {"a: 1\n---\nb: 2\n", "must be one document"},
      {"[1, 2]\n", "1:1: must be"},
      {"boot: {type: Fixed, lognormal: {}}\n", "1:32: boot.lognormal: does not go with type Fixed"},
      {"boot: {type: Lognormal, lognormal: {medianSeconds: 90, p95Seconds: 30}}\n",
       "boot.lognormal.p95Seconds: must be at least medianSeconds (90), found 30"},
      {"bounds: {min: 3, max: 2}\n", "1:15: bounds.min: must be at most max (2), found 3"},
      {"metering: {windowSeconds: 3}\n", "metering.windowSeconds: must be at least stepSeconds (5), found 3"},
      {"response: {busiest: 1}\n", "response.busiest: must be"},
      {"start: {utilization: \"1.1\"}\n", "start.utilization: must be"},
  };
  for (const Refused& c : cases) {
    const auto file = ParsePlant(c.text);
    ASSERT_EQ(file.problems.size(), 1U) << c.text;
    const std::string problem = codec::FormatProblem("plant.yaml", file.problems[0]);
    EXPECT_NE(problem.find(c.problem), std::string::npos) << problem << "\nshould have " << c.problem;
  }
}

}  // namespace
}  // namespace ottoscale::backtest
