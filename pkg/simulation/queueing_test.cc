#include "pkg/simulation/queueing.h"

#include <gtest/gtest.h>

namespace ottoscale::simulation {
namespace {

constexpr absl::Duration kService = absl::Milliseconds(100);

double Ms(const DynoModel& model, double rate, int dynos) {
  return absl::ToDoubleMilliseconds(Queue(model, rate, dynos).response_time);
}

TEST(Queue, IsMM1WhenItHoldsManyAndServesOne) {
  const DynoModel model{.service_time = kService, .workers = 1, .queue_limit = 5000};
  for (const double rho : {0.1, 0.5, 0.9, 0.98}) {
    EXPECT_NEAR(Ms(model, 10 * rho, 1), 100 / (1 - rho), 1e-6 * 100 / (1 - rho)) << rho;
    EXPECT_NEAR(Ms(model, 30 * rho, 3), 100 / (1 - rho), 1e-6 * 100 / (1 - rho)) << rho;
  }
}

// Erlang's C for two workers: C = 2 r^2 / (1 + r) with r = a / 2, and T = s + C s / (2 (1 - r)), that is s / (1 - r^2).
TEST(Queue, IsMM2WithTwoWorkers) {
  const DynoModel model{.service_time = kService, .workers = 2, .queue_limit = 5000};
  for (const double r : {0.1, 0.5, 0.9}) EXPECT_NEAR(Ms(model, 20 * r, 1), 100 / (1 - r * r), 1e-3) << r;
}

// Erlang's B: with as many places as workers nobody waits, and a / (1 + a) of the requests is turned away by one
// worker.
TEST(Queue, TurnsAwayWhatItCannotHold) {
  const QueueAnswer loss = Queue({.service_time = kService, .workers = 1, .queue_limit = 1}, 30, 1);
  EXPECT_NEAR(loss.turned_away, 0.75, 1e-12);
  EXPECT_NEAR(absl::ToDoubleMilliseconds(loss.response_time), 100, 1e-6);
  EXPECT_LT(Queue({.service_time = kService, .workers = 1, .queue_limit = 100}, 5, 1).turned_away, 1e-12);
}

TEST(Queue, MoreLoadIsSlowerAndMoreDynosAreFaster) {
  for (const DynoModel model : {DynoModel{kService, 1, 20}, DynoModel{kService, 4, 400}, DynoModel{kService, 50, 50}}) {
    for (int dynos = 1; dynos <= 8; ++dynos) {
      double last = 0;
      double away = 0;
      for (double rate = 0; rate < 1000; rate += 1.7) {
        const QueueAnswer now = Queue(model, rate, dynos);
        const double ms = absl::ToDoubleMilliseconds(now.response_time);
        EXPECT_GE(ms, last - 1e-6) << rate << " on " << dynos;
        EXPECT_LE(Ms(model, rate, dynos + 1), ms + 1e-6) << rate << " on " << dynos + 1;
        EXPECT_GE(now.turned_away, away) << rate;
        last = ms;
        away = now.turned_away;
      }
    }
  }
}

TEST(Queue, SaturatesUnderACrushingLoad) {
  const DynoModel model{.service_time = kService, .workers = 2, .queue_limit = 30};
  for (const double rate : {1e4, 1e9, 1e300}) {
    EXPECT_NEAR(Ms(model, rate, 1), 1500, 5) << rate;
    EXPECT_GT(Queue(model, rate, 1).turned_away, 0.99) << rate;
  }
}

TEST(Queue, AtItsEnds) {
  const DynoModel model{.service_time = kService, .workers = 1, .queue_limit = 10};
  EXPECT_EQ(Queue(model, 0, 3).response_time, kService);
  EXPECT_EQ(Queue(model, 5, 0).response_time, absl::InfiniteDuration());
  EXPECT_EQ(Queue(model, 5, 0).turned_away, 1);
}

}  // namespace
}  // namespace ottoscale::simulation
