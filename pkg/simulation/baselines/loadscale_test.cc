#include "pkg/simulation/baselines/loadscale.h"

#include <gtest/gtest.h>

#include "pkg/simulation/baselines/timeline.h"

namespace ottoscale::simulation {
namespace {

// 7 an instance are 50 connections. 15 on two are 53.6, on three 35.7; the meter shows something from the second look
// on.
TEST(Loadscale, StepsByOneOutsideItsBounds) {
  Loadscale strategy;
  EXPECT_EQ(Changes(strategy, PlantOf(2), LoadsOf({{0, 15}}, 1000)), (std::vector<From>{{300, 3}, {600, 2}, {900, 3}}));
}

// 40 and 50 connections are 5.6 and 7 an instance.
TEST(Loadscale, HoldsBetweenThem) {
  for (const double load : {11.3, 12.0, 13.9}) {
    Loadscale strategy;
    EXPECT_TRUE(Changes(strategy, PlantOf(2), LoadsOf({{0, load}}, 3000)).empty()) << load;
  }
}

TEST(Loadscale, WaitsForWhatBoots) {
  PlantParameters plant = PlantOf(1);
  plant.boot = FixedBoot{absl::Seconds(400)};
  Loadscale strategy;
  EXPECT_EQ(Changes(strategy, plant, LoadsOf({{0, 90}}, 1600)), (std::vector<From>{{300, 2}, {900, 3}, {1500, 4}}));
  plant.initial = 2;
  Loadscale fewer;
  EXPECT_EQ(Changes(fewer, plant, LoadsOf({{0, 90}, {310, 1}}, 1000)), (std::vector<From>{{300, 3}, {900, 2}}));
}

TEST(Loadscale, WaitsForItsCooldown) {
  for (const int seconds : {300, 301}) {
    Loadscale strategy({.cooldown = absl::Seconds(seconds)});
    const int next = seconds == 300 ? 600 : 900;
    EXPECT_EQ(Changes(strategy, PlantOf(1), LoadsOf({{0, 90}}, next + 1)), (std::vector<From>{{300, 2}, {next, 3}}));
  }
}

// The group refuses what is beyond its bounds, and a refusal starts no cooldown.
TEST(Loadscale, HasNoCooldownAfterARefusal) {
  Loadscale high({.cooldown = absl::Seconds(600)});
  EXPECT_EQ(Changes(high, PlantOf(3, 1, 3), LoadsOf({{0, 90}, {310, 1}}, 800)), (std::vector<From>{{600, 2}}));
  Loadscale low({.cooldown = absl::Seconds(600)});
  EXPECT_EQ(Changes(low, PlantOf(3, 3, 5), LoadsOf({{0, 1}, {310, 90}}, 800)), (std::vector<From>{{600, 4}}));
}

TEST(Loadscale, StaysAtItsBounds) {
  Loadscale high;
  EXPECT_TRUE(Changes(high, PlantOf(3, 1, 3), LoadsOf({{0, 90}}, 1500)).empty());
  Loadscale low;
  EXPECT_TRUE(Changes(low, PlantOf(3, 3, 5), LoadsOf({{0, 1}}, 1500)).empty());
}

}  // namespace
}  // namespace ottoscale::simulation
