// compare_baselines SERIES.csv CAPACITY MAX: runs every baseline over a series, and prints one row of figures for each.
// The series: `timestamp,rate` with a head line, timestamps in UTC, rates in the unit of CAPACITY. What README.md
// compares with.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "pkg/simulation/baselines/catalogue.h"
#include "pkg/simulation/load_steps.h"

namespace ottoscale::simulation {
namespace {

std::vector<LoadPoint> Read(const char* path) {
  std::ifstream file(path);
  std::vector<LoadPoint> points;
  absl::Time start;
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> cells = absl::StrSplit(line, ',');
    absl::Time at;
    double rate = 0;
    std::string ignored;
    if (cells.size() != 2 || !absl::ParseTime(absl::RFC3339_full, cells[0], &at, &ignored) ||
        !absl::SimpleAtod(cells[1], &rate)) {
      continue;
    }
    if (points.empty()) start = at;
    points.push_back({at - start, rate});
  }
  return points;
}

int Compare(const std::vector<LoadPoint>& points, const PlantParameters& plant) {
  const std::vector<double> loads = LoadPerStep(points, plant.step);
  absl::PrintF("| strategy | θ_U %% | θ_O %% | τ_U %% | τ_O %% | υ %% | adaptations | server-hours | over %% |\n");
  for (const Baseline& baseline : Baselines()) {
    const Figures f = Simulate(plant, loads, *baseline.make(plant, loads));
    absl::PrintF("| %s | %.3f | %.1f | %.2f | %.1f | %.2f | %d | %.0f | %.4f |\n", baseline.title,
                 f.theta_under_percent, f.theta_over_percent, f.tau_under_percent, f.tau_over_percent,
                 f.instability_percent, f.adaptations, f.server_hours, f.requests_over_capacity_percent);
  }
  return 0;
}

}  // namespace
}  // namespace ottoscale::simulation

int main(int argc, char** argv) {
  ottoscale::simulation::PlantParameters plant;
  if (argc != 4 || !absl::SimpleAtod(argv[2], &plant.capacity) || !absl::SimpleAtoi(argv[3], &plant.max) ||
      !ottoscale::simulation::Check(plant).ok()) {
    absl::FPrintF(stderr, "usage: %s SERIES.csv CAPACITY MAX\n", argv[0]);
    return 2;
  }
  const auto points = ottoscale::simulation::Read(argv[1]);
  if (points.empty()) {
    absl::FPrintF(stderr, "%s: no rows `timestamp,rate` in it\n", argv[1]);
    return 1;
  }
  return ottoscale::simulation::Compare(points, plant);
}
