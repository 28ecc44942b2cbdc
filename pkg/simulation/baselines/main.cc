// compare_baselines SERIES.csv CAPACITY MAX: runs every baseline over a series, and prints one row of figures for each.
// The series: rows `timestamp,rate`, timestamps of RFC 3339 that ascend, rates in the unit of CAPACITY; other lines are
// passed over. README.md holds what it prints against published figures.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "pkg/simulation/baselines/catalogue.h"
#include "pkg/simulation/load_steps.h"

namespace ottoscale::simulation {
namespace {

absl::StatusOr<std::vector<LoadPoint>> Read(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be opened"));
  std::vector<LoadPoint> points;
  absl::Time start;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const std::vector<std::string> cells = absl::StrSplit(line, ',');
    absl::Time at;
    double rate = 0;
    std::string ignored;
    if (cells.size() != 2 || !absl::ParseTime(absl::RFC3339_full, cells[0], &at, &ignored) ||
        !absl::SimpleAtod(cells[1], &rate)) {
      continue;
    }
    if (points.empty()) start = at;
    if (!points.empty() && at - start <= points.back().at) {
      return absl::InvalidArgumentError(
          absl::StrFormat("%s:%d: %s is not after the row before it: sort the rows", path, number, cells[0]));
    }
    points.push_back({at - start, rate});
  }
  if (points.empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": has no row `timestamp,rate`"));
  return points;
}

void Compare(const std::vector<LoadPoint>& points, const PlantParameters& plant) {
  const std::vector<double> loads = LoadPerStep(points, plant.step);
  absl::PrintF(
      "| strategy | θ_U %% | θ_O %% | τ_U %% | τ_O %% | υ %% | adaptations | server-hours | requests over capacity %% "
      "| reversals | longest under | p95 |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const Baseline& baseline : Baselines()) {
    const Figures f = Simulate(plant, loads, *baseline.make(plant, loads));
    absl::PrintF("| %s | %.3f | %.1f | %.2f | %.1f | %.2f | %d | %.0f | %.4f | %d | %s | %.0f ms |\n", baseline.title,
                 f.theta_under_percent, f.theta_over_percent, f.tau_under_percent, f.tau_over_percent,
                 f.instability_percent, f.adaptations, f.server_hours, f.requests_over_capacity_percent, f.reversals,
                 absl::FormatDuration(f.longest_under), absl::ToDoubleMilliseconds(f.p95_response));
  }
}

}  // namespace
}  // namespace ottoscale::simulation

int main(int argc, char** argv) {
  namespace simulation = ottoscale::simulation;
  simulation::PlantParameters plant;
  if (argc != 4 || !absl::SimpleAtod(argv[2], &plant.capacity) || !absl::SimpleAtoi(argv[3], &plant.max)) {
    absl::FPrintF(stderr, "usage: %s SERIES.csv CAPACITY MAX\n", argv[0]);
    return 2;
  }
  absl::Status status = simulation::Check(plant);
  const auto points = simulation::Read(argv[1]);
  status.Update(points.status());
  if (!status.ok()) {
    absl::FPrintF(stderr, "%s\n", status.message());
    return 1;
  }
  simulation::Compare(*points, plant);
}
