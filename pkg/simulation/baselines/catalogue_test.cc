#include "pkg/simulation/baselines/catalogue.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "absl/strings/str_format.h"
#include "pkg/async/random.h"

namespace ottoscale::simulation {
namespace {

TEST(Baselines, AreFoundByTheirNames) {
  std::set<std::string> names;
  for (const Baseline& baseline : Baselines()) {
    EXPECT_TRUE(names.insert(std::string(baseline.name)).second) << baseline.name;
    EXPECT_EQ(FindBaseline(baseline.name), &baseline);
  }
  EXPECT_EQ(FindBaseline("HPA"), nullptr);
}

// Four days, each of a straight rise and fall with noise of five minutes, one load a step.
std::vector<double> FourDays() {
  async::Random random(4);
  std::vector<double> loads;
  double noise = 0;
  for (int step = 0; step < 4 * 17280; ++step) {
    const double day = step % 17280 / 17280.0;
    if (step % 60 == 0) noise = 20 * random.Unit();
    loads.push_back(110 - 100 * std::abs(2 * day - 1) + noise);
  }
  return loads;
}

struct Row {
  absl::string_view name;
  int64_t adaptations = 0;
  std::string figures;  // server-hours, requests over capacity %, theta under %, theta over %
};

// Taken when compare_baselines agreed with the published figures (README.md): what changes them changes an algorithm.
TEST(Baselines, HaveTheirFiguresOnASeason) {
  const std::vector<Row> rows = {
      {"static-peak", 1, "1248.00 0.0000 0.000 113.97"}, {"static-mean", 1, "960.00 3.0776 2.641 67.25"},
      {"oracle", 750, "733.28 0.0000 0.000 0.06"},       {"autoscalebot", 565, "821.77 0.3287 1.211 14.24"},
      {"hpa", 299, "1008.30 0.0018 0.018 40.78"},        {"hpa-no-window", 522, "978.86 0.0226 0.142 34.58"},
      {"kpa", 1193, "1007.12 0.0168 0.099 37.16"},       {"aws-target-tracking", 271, "1083.05 0.0086 0.022 52.27"},
      {"gcp", 471, "1073.83 0.0000 0.000 51.15"},        {"gcp-scale-in-control", 392, "1080.48 0.0000 0.000 52.88"},
      {"judoscale", 124, "991.83 0.0044 0.017 40.24"},   {"heroku-p95", 443, "1076.65 0.0000 0.000 52.02"},
      {"seasonal", 483, "1037.33 0.0018 0.018 43.75"},   {"seasonal-held", 422, "1050.78 0.0000 0.000 47.40"},
      {"loadscale", 409, "1066.25 0.0779 0.330 47.18"},
  };
  const std::vector<double> loads = FourDays();
  const PlantParameters plant = {.capacity = 10, .max = 30};
  ASSERT_EQ(rows.size(), Baselines().size());
  for (const Row& row : rows) {
    const Baseline* baseline = FindBaseline(row.name);
    ASSERT_NE(baseline, nullptr) << row.name;
    const Figures f = Simulate(plant, loads, *baseline->make(plant, loads));
    EXPECT_EQ(f.adaptations, row.adaptations) << row.name;
    EXPECT_EQ(absl::StrFormat("%.2f %.4f %.3f %.2f", f.server_hours, f.requests_over_capacity_percent,
                              f.theta_under_percent, f.theta_over_percent),
              row.figures)
        << row.name;
  }
}

}  // namespace
}  // namespace ottoscale::simulation
