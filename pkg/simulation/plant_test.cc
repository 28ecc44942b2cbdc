#include "pkg/simulation/plant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace ottoscale::simulation {
namespace {

using testing::HasSubstr;

constexpr PlantParameters kPlant = {.capacity = 10, .max = 30, .initial = 1};

PlantParameters With(void (*change)(PlantParameters&)) {
  PlantParameters plant = kPlant;
  change(plant);
  return plant;
}

void StepFor(Plant& plant, int steps, double load) {
  for (int i = 0; i < steps; ++i) plant.Step(load);
}

TEST(CountFor, RoundsUpButNotForRounding) {
  struct Case {
    double load, each;
    int count;
  };
  for (const auto& [load, each, count] : {Case{0, 7, 0}, Case{0.001, 7, 1}, Case{7, 7, 1}, Case{7.001, 7, 2},
                                          Case{1.1, 0.1, 11}, Case{4.2, 0.7 * 3, 2}, Case{1e300, 1, 1'000'000'000}}) {
    EXPECT_EQ(CountFor(load, each), count) << load << " of " << each;
    EXPECT_EQ(Demand(load, each), std::max(1, count)) << load << " of " << each;
  }
}

// M/M/1 waits rho / (1 - rho) service times. The others by hand: sqrt(12) - 1 = 2.4641, and
// 0.7^2.4641 / (5 * 0.3) = 0.2768, 0.995^2.4641 / (5 * 0.005) = 39.509.
TEST(QueueTime, IsSakasegawas) {
  const auto ms = [](const PlantParameters& plant, double utilization) {
    return absl::ToDoubleMilliseconds(QueueTimeAt(plant, utilization));
  };
  const PlantParameters one_worker = With([](PlantParameters& plant) { plant.workers = 1; });
  EXPECT_DOUBLE_EQ(ms(one_worker, 0.5), 150);
  EXPECT_DOUBLE_EQ(ms(one_worker, 0.75), 450);
  EXPECT_EQ(ms(kPlant, 0), 0);
  EXPECT_NEAR(ms(kPlant, 0.7), 41.52, 0.01);
  EXPECT_NEAR(ms(kPlant, 0.995), 5926.3, 0.1);
  EXPECT_EQ(ms(kPlant, 1), ms(kPlant, 0.995));
  EXPECT_EQ(ms(kPlant, std::numeric_limits<double>::infinity()), ms(kPlant, 0.995));
}

TEST(Plant, BeginsWithWhatBearsItsFirstLoadAtTheTarget) {
  struct Case {
    double load;
    int min, max;
    std::optional<int> initial;
    int ready;
  };
  for (const Case& c :
       {Case{0, 1, 30, {}, 1}, Case{18.8, 1, 30, {}, 3}, Case{21, 1, 30, {}, 3}, Case{21.1, 1, 30, {}, 4},
        Case{100, 1, 5, {}, 5}, Case{0, 2, 5, {}, 2}, Case{100, 1, 5, 7, 7}, Case{100, 1, 5, 0, 0}}) {
    Plant plant({.capacity = 10, .min = c.min, .max = c.max, .initial = c.initial});
    plant.Step(c.load);
    EXPECT_EQ(plant.Ready(), c.ready) << c.load;
    EXPECT_EQ(plant.Booting(), 0);
    EXPECT_EQ(plant.Now(), absl::ZeroDuration());
  }
}

TEST(Plant, IsReadyWithWhatItOrderedOneBootLater) {
  Plant plant(kPlant);
  plant.Step(10);
  plant.Order(3);
  EXPECT_EQ(plant.Ready(), 1);
  EXPECT_EQ(plant.Booting(), 2);
  StepFor(plant, 23, 10);
  EXPECT_EQ(plant.Now(), absl::Seconds(115));
  EXPECT_EQ(plant.Ready(), 1);
  plant.Step(10);
  EXPECT_EQ(plant.Ready(), 3);
  EXPECT_EQ(plant.Booting(), 0);
}

TEST(Plant, RoundsABootUpToSteps) {
  Plant plant(With([](PlantParameters& p) { p.boot = FixedBoot{absl::Milliseconds(5001)}; }));
  plant.Step(10);
  plant.Order(2);
  plant.Step(10);
  EXPECT_EQ(plant.Ready(), 1);
  plant.Step(10);
  EXPECT_EQ(plant.Ready(), 2);
}

TEST(Plant, ServesAtOnceWhatDoesNotBoot) {
  Plant plant(With([](PlantParameters& p) { p.boot = FixedBoot{absl::ZeroDuration()}; }));
  plant.Step(10);
  plant.Order(4);
  EXPECT_EQ(plant.Ready(), 4);
  EXPECT_EQ(plant.Booting(), 0);
}

TEST(Plant, TakesTheNewestBootsFirstAndThenWhatServes) {
  Plant plant(kPlant);
  plant.Step(10);
  plant.Order(3);  // two, ready at 120 s
  StepFor(plant, 6, 10);
  plant.Order(5);  // two more, ready at 150 s
  plant.Order(4);
  EXPECT_EQ(plant.Booting(), 3);
  StepFor(plant, 18, 10);
  EXPECT_EQ(plant.Now(), absl::Seconds(120));
  EXPECT_EQ(plant.Ready(), 3);  // those of the first order
  EXPECT_EQ(plant.Booting(), 1);
  plant.Order(2);
  EXPECT_EQ(plant.Ready(), 2);
  EXPECT_EQ(plant.Booting(), 0);
  StepFor(plant, 10, 10);
  EXPECT_EQ(plant.Ready(), 2);  // what was taken away does not come
}

TEST(Plant, HoldsOrdersWithinItsBounds) {
  Plant plant({.capacity = 10, .min = 2, .max = 4, .initial = 3});
  plant.Step(10);
  plant.Order(9);
  EXPECT_EQ(plant.Ordered(), 4);
  plant.Order(-1);
  EXPECT_EQ(plant.Ordered(), 2);
  plant.Order(2);
  EXPECT_EQ(plant.Ordered(), 2);
}

// At 5 s steps the meter's 60 s are 12 loads, of which the newest is 3 steps old.
TEST(Plant, ShowsTheMeanOfItsWindowLate) {
  Plant plant(kPlant);
  for (int i = 0; i < 3; ++i) {
    plant.Step(1 + i);
    EXPECT_EQ(plant.Metric(), std::nullopt) << i;
  }
  plant.Step(4);
  EXPECT_EQ(plant.Metric(), 1);  // the load of step 0
  plant.Step(5);
  EXPECT_EQ(plant.Metric(), 1.5);
  for (int i = 5; i < 400; ++i) plant.Step(1 + i);
  EXPECT_EQ(plant.Metric(), (386 + 397) / 2.0);  // loads 386 to 397; the last was 400
  EXPECT_EQ(plant.Metric(absl::Seconds(10), absl::ZeroDuration()), 399.5);
  EXPECT_EQ(plant.Metric(Plant::kMemory, absl::ZeroDuration()), (341 + 400) / 2.0);
}

TEST(Plant, ForgetsWhatLeftTheWindowWithoutATrace) {
  Plant plant(kPlant);
  StepFor(plant, 100, 1e15 / 3);
  StepFor(plant, 15, 0.1);
  EXPECT_DOUBLE_EQ(*plant.Metric(), 0.1);
}

TEST(Plant, MetersOverAnHourWhenItIsToldSo) {
  Plant plant({.capacity = 10, .metering_window = absl::Hours(1), .metering_delay = absl::Minutes(10), .max = 3});
  StepFor(plant, 120, 5);
  EXPECT_EQ(plant.Metric(), std::nullopt);
  StepFor(plant, 720, 8);  // the newest 120 are too new
  EXPECT_DOUBLE_EQ(*plant.Metric(), (120 * 5 + 600 * 8) / 720.0);
}

TEST(Plant, AnswersAsSlowlyAsItsModelSays) {
  Plant plant(kPlant);
  plant.Step(7);
  EXPECT_DOUBLE_EQ(plant.Utilization(), 0.7);
  EXPECT_EQ(plant.QueueTime(), QueueTimeAt(kPlant, 0.7));
  EXPECT_EQ(plant.ResponseTime(), absl::Milliseconds(150) + QueueTimeAt(kPlant, 0.7));
}

TEST(Plant, WithNothingReadyIsAsSlowAsItGets) {
  Plant plant({.capacity = 10, .min = 0, .max = 3, .initial = 0});
  plant.Step(0);
  EXPECT_EQ(plant.Utilization(), 0);
  plant.Step(1);
  EXPECT_TRUE(std::isinf(plant.Utilization()));
  EXPECT_EQ(plant.QueueTime(), QueueTimeAt(kPlant, 1));
}

// When each of `count` instances that are ordered at once is ready, in steps of a second.
std::vector<int> BootSteps(const LognormalBoot& boot, int count) {
  Plant plant({.capacity = 1, .boot = boot, .min = 0, .max = count, .initial = 0, .step = absl::Seconds(1)});
  plant.Step(0);
  plant.Order(count);
  std::vector<int> ready(static_cast<size_t>(plant.Ready()), 0);
  for (int step = 1; plant.Booting() > 0; ++step) {
    plant.Step(0);
    ready.resize(static_cast<size_t>(plant.Ready()), step);
  }
  return ready;
}

TEST(LognormalBoot, HasItsMedianAndItsP95) {
  const std::vector<int> ready = BootSteps({absl::Seconds(120), absl::Seconds(300), 7}, 20000);
  EXPECT_NEAR(ready[10000], 120, 4);
  EXPECT_NEAR(ready[19000], 300, 12);
}

TEST(LognormalBoot, RepeatsItselfWithItsSeed) {
  const LognormalBoot boot = {absl::Seconds(120), absl::Seconds(300), 7};
  LognormalBoot other = boot;
  other.seed = 8;
  EXPECT_EQ(BootSteps(boot, 20), BootSteps(boot, 20));
  EXPECT_NE(BootSteps(boot, 20), BootSteps(other, 20));
}

TEST(Check, SaysWhatIsOutOfRange) {
  EXPECT_TRUE(Check(kPlant).ok());
  struct Case {
    void (*change)(PlantParameters&);
    std::string message;
  };
  const std::vector<Case> cases = {
      {[](PlantParameters& p) { p.capacity = 0; }, "plant: capacity is 0: allowed is a number above 0"},
      {[](PlantParameters& p) { p.capacity = std::nan(""); }, "plant: capacity is nan"},
      {[](PlantParameters& p) { p.capacity = HUGE_VAL; }, "plant: capacity is inf"},
      {[](PlantParameters& p) { p.boot = FixedBoot{-absl::Seconds(1)}; }, "boot time is -1s: allowed is 0 to 24h"},
      {[](PlantParameters& p) { p.boot = LognormalBoot{.median = absl::ZeroDuration()}; }, "median boot time is 0"},
      {[](PlantParameters& p) { p.boot = LognormalBoot{.p95 = absl::Seconds(119)}; },
       "p95 of the boot time is 1m59s: allowed is 2m to 24h"},
      {[](PlantParameters& p) { p.metering_window = absl::Seconds(4); }, "metering window is 4s: allowed is 5s to 24h"},
      {[](PlantParameters& p) { p.metering_delay = absl::Hours(25); }, "metering delay is 25h: allowed is 0 to 24h"},
      {[](PlantParameters& p) { p.service_time = absl::ZeroDuration(); }, "service time is 0"},
      {[](PlantParameters& p) { p.workers = 0; }, "workers is 0: allowed is 1 to 10000"},
      {[](PlantParameters& p) { p.busiest = 1; }, "busiest utilisation is 1: allowed is above 0 and below 1"},
      {[](PlantParameters& p) { p.utilization = 0; }, "utilization is 0: allowed is above 0, at most 1"},
      {[](PlantParameters& p) { p.min = -1; }, "min is -1: allowed is 0 or more"},
      {[](PlantParameters& p) { p.min = 31; }, "max is 30: allowed is 31 to 100000"},
      {[](PlantParameters& p) { p.initial = -1; }, "initial is -1: allowed is 0 to 100000"},
      {[](PlantParameters& p) { p.step = absl::Milliseconds(999); }, "step is 999ms: allowed is 1s to 1h"},
  };
  for (const auto& [change, message] : cases) {
    const absl::Status status = Check(With(change));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  }
}

}  // namespace
}  // namespace ottoscale::simulation
