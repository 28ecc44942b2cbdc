#include "pkg/simulation/figures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "pkg/async/random.h"

namespace ottoscale::simulation {
namespace {

constexpr PlantParameters kPlant = {.capacity = 10, .boot = FixedBoot{absl::Seconds(10)}, .max = 30, .initial = 1};

struct Turn {
  double load = 0;
  int order = 0;  // 0: none
};

Figures FiguresOf(const std::vector<Turn>& turns, const PlantParameters& parameters = kPlant) {
  Plant plant(parameters);
  FigureMeter meter(parameters);
  for (const Turn& turn : turns) {
    plant.Step(turn.load);
    if (turn.order > 0) plant.Order(turn.order);
    meter.Observe(plant);
  }
  return meter.Result();
}

// By hand, with d = demand, s = ready and o = ready and booting:
//
//   step  load  d  s  o   change of d, s   under   over   beyond capacity
//     0     10  1  1  1
//     1     25  3  1  3        +  0         2/3                15
//     2     25  3  1  3        0  0         2/3                15
//     3     25  3  3  3        0  +
//     4      5  1  3  3        -  0                 2/1
//     5      5  1  1  1        0  -
TEST(Figures, AreThoseOfAnExampleByHand) {
  const Figures figures = FiguresOf({{10}, {25, 3}, {25}, {25}, {5}, {5, 1}});
  EXPECT_EQ(figures.span, absl::Seconds(30));
  EXPECT_DOUBLE_EQ(figures.server_hours, 14 * 5 / 3600.0);
  EXPECT_DOUBLE_EQ(figures.requests, 95 * 5 / 60.0);
  EXPECT_DOUBLE_EQ(figures.requests_over_capacity_percent, 100 * 30.0 / 95);
  EXPECT_DOUBLE_EQ(figures.theta_under_percent, 100 * (4.0 / 3) / 6);
  EXPECT_DOUBLE_EQ(figures.theta_over_percent, 100 * 2.0 / 6);
  EXPECT_DOUBLE_EQ(figures.tau_under_percent, 100 * 2.0 / 6);
  EXPECT_DOUBLE_EQ(figures.tau_over_percent, 100 * 1.0 / 6);
  EXPECT_DOUBLE_EQ(figures.instability_percent, 100 * 4.0 / 5);
  EXPECT_EQ(figures.adaptations, 2);
  EXPECT_EQ(figures.reversals, 1);
  EXPECT_EQ(figures.longest_under, absl::Seconds(10));
  EXPECT_EQ(figures.peak_instances, 3);
  // 85 of the 95 were offered at 5/6 of the capacity or more, 60 beyond it: so the 95th percentile is too.
  const double slowest = absl::ToDoubleMilliseconds(QueueTimeAt(kPlant, 1)) + 150;
  EXPECT_NEAR(absl::ToDoubleMilliseconds(figures.p95_response), slowest, slowest / 100);
}

// Ten instances: 50 are half of their capacity, 80 are 0.8 of it. First 92 % of the requests meet a half, then 95.2 %.
TEST(Figures, TakeTheP95OverRequests) {
  const PlantParameters plant = {.capacity = 10, .max = 30, .initial = 10};
  const auto p95 = [&plant](size_t half, size_t busy) {
    std::vector<Turn> turns(half, Turn{50});
    turns.resize(half + busy, Turn{80});
    return absl::ToDoubleMilliseconds(FiguresOf(turns, plant).p95_response);
  };
  EXPECT_NEAR(p95(92, 5), 236.6, 2.3);
  EXPECT_NEAR(p95(480, 15), 160.9, 1.6);
}

TEST(Figures, AreZeroBeforeTheFirstStep) { EXPECT_EQ(FiguresOf({}), Figures{}); }

TEST(Figures, OfOneStepKnowNoChange) {
  const Figures figures = FiguresOf({{25}});
  EXPECT_EQ(figures.instability_percent, 0);
  EXPECT_EQ(figures.adaptations, 0);
  EXPECT_DOUBLE_EQ(figures.theta_under_percent, 100 * 2.0 / 3);
  EXPECT_EQ(figures.longest_under, absl::Seconds(5));
}

TEST(Figures, CallAReversalWhatComesWithinTenMinutes) {
  const auto with_gap = [](int steps) {
    std::vector<Turn> turns(static_cast<size_t>(200), Turn{5});
    turns[1].order = 2;  // ready in step 3
    turns[static_cast<size_t>(3 + steps)].order = 1;
    return FiguresOf(turns).reversals;
  };
  EXPECT_EQ(with_gap(120), 1);
  EXPECT_EQ(with_gap(121), 0);
}

TEST(Figures, CallAChangeInTheSameDirectionNoReversal) {
  const Figures figures = FiguresOf({{5}, {5, 2}, {5, 3}, {5}, {5}, {5}});
  EXPECT_EQ(figures.adaptations, 2);
  EXPECT_EQ(figures.reversals, 0);
}

TEST(Figures, WithNothingReadyAllIsOverCapacity) {
  const PlantParameters none = {.capacity = 10, .min = 0, .max = 3, .initial = 0};
  const Figures figures = FiguresOf({{5}, {25}}, none);
  EXPECT_EQ(figures.requests_over_capacity_percent, 100);
  EXPECT_EQ(figures.theta_under_percent, 100);
  EXPECT_EQ(figures.server_hours, 0);
  EXPECT_NEAR(absl::ToDoubleSeconds(figures.p95_response), 6.08, 0.06);
}

TEST(Figures, MayBeReadInTheMiddle) {
  Plant plant(kPlant);
  FigureMeter meter(kPlant);
  std::vector<Turn> turns;
  for (int i = 0; i < 40; ++i) {
    turns.push_back({i % 7 * 6.0, i % 5});
    plant.Step(turns.back().load);
    if (turns.back().order > 0) plant.Order(turns.back().order);
    meter.Observe(plant);
    EXPECT_EQ(meter.Result(), FiguresOf(turns)) << i;
  }
}

// The definitions, term by term.
struct Plainly {
  explicit Plainly(const PlantParameters& plant) : parameters(plant) {}
  void Observe(const Plant& plant) {
    const int d = plant.Demand();
    const int s = plant.Ready();
    ++steps;
    instances += plant.Ordered();
    under += std::max(d - s, 0) / static_cast<double>(d);
    over += std::max(s - d, 0) / static_cast<double>(d);
    under_steps += d > s;
    over_steps += s > d;
    under_run = d > s ? under_run + 1 : 0;
    longest = std::max(longest, under_run);
    if (steps > 1) {
      const auto sign = [](int change) { return (change > 0) - (change < 0); };
      unlike += std::min(std::abs(sign(s - last_s) - sign(d - last_d)), 1);
      adaptations += s != last_s;
    }
    last_s = s;
    last_d = d;
    by_response[plant.ResponseTime()] += plant.Load();
    load += plant.Load();
  }
  absl::Duration P95() const {
    double below = 0;
    for (const auto& [response, weight] : by_response) {
      if ((below += weight) >= 0.95 * load) return response;
    }
    return absl::ZeroDuration();
  }

  PlantParameters parameters;
  int64_t steps = 0, instances = 0, under_steps = 0, over_steps = 0, under_run = 0, longest = 0, unlike = 0;
  int64_t adaptations = 0;
  double under = 0, over = 0, load = 0;
  int last_s = 0, last_d = 0;
  std::map<absl::Duration, double> by_response;
};

TEST(Figures, AreWhatTheirDefinitionsSayOfAnyRun) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    async::Random random(seed);
    const PlantParameters parameters = {
        .capacity = 10, .boot = LognormalBoot{absl::Seconds(20), absl::Seconds(60), seed}, .min = 0, .max = 9};
    Plant plant(parameters);
    FigureMeter meter(parameters);
    Plainly plainly(parameters);
    double load = 20;
    for (int step = 0; step < 2000; ++step) {
      if (random.Chance(0.3)) load = std::max(0.0, load + 30 * (random.Unit() - 0.5));
      plant.Step(load);
      if (random.Chance(0.1)) plant.Order(static_cast<int>(random.Below(11)));
      meter.Observe(plant);
      plainly.Observe(plant);
    }
    const Figures figures = meter.Result();
    EXPECT_DOUBLE_EQ(figures.server_hours, static_cast<double>(plainly.instances) * 5 / 3600) << seed;
    EXPECT_NEAR(figures.theta_under_percent, plainly.under / 20, 1e-9) << seed;
    EXPECT_NEAR(figures.theta_over_percent, plainly.over / 20, 1e-9) << seed;
    EXPECT_DOUBLE_EQ(figures.tau_under_percent, static_cast<double>(plainly.under_steps) / 20) << seed;
    EXPECT_DOUBLE_EQ(figures.tau_over_percent, static_cast<double>(plainly.over_steps) / 20) << seed;
    EXPECT_DOUBLE_EQ(figures.instability_percent, 100 * static_cast<double>(plainly.unlike) / 1999) << seed;
    EXPECT_EQ(figures.adaptations, plainly.adaptations) << seed;
    EXPECT_EQ(figures.longest_under, absl::Seconds(5) * plainly.longest) << seed;
    const double p95 = absl::ToDoubleMilliseconds(plainly.P95());
    EXPECT_NEAR(absl::ToDoubleMilliseconds(figures.p95_response), p95, p95 / 100) << seed;
  }
}

}  // namespace
}  // namespace ottoscale::simulation
