#include "test/simulation/twins.h"

#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ottoscale::world {
namespace {

WorldResult RunTwin(uint64_t seed, Shape shape, Mutant mutant) {
  return RunWorld({.seed = seed,
                   .shape = shape,
                   .chaos = absl::Minutes(75),
                   .quiet = absl::Minutes(5),
                   .second = absl::ZeroDuration(),
                   .mutant = mutant});
}

absl::Duration Mean(const std::vector<absl::Duration>& durations) {
  if (durations.empty()) return absl::ZeroDuration();
  return std::accumulate(durations.begin(), durations.end(), absl::ZeroDuration()) /
         static_cast<double>(durations.size());
}

// Within a tenth, and a moment that single requests may take longer.
bool About(absl::Duration a, absl::Duration b) {
  const absl::Duration difference = a > b ? a - b : b - a;
  return difference <= 0.1 * a + absl::Milliseconds(500);
}

void CompareWrites(const std::string& invariant, const std::string& app, const AppRecord& one, const AppRecord& other,
                   std::vector<std::string>& violations) {
  if (one.writes == other.writes) return;
  violations.push_back(absl::StrCat(invariant, " other writes to ", app, ": ", absl::StrJoin(one.writes, ", "),
                                    "; and among the faults ", absl::StrJoin(other.writes, ", ")));
}

void ComparePace(const std::string& app, const AppRecord& one, const AppRecord& other,
                 std::vector<std::string>& violations) {
  if (!About(Mean(one.intervals), Mean(other.intervals))) {
    violations.push_back(
        absl::StrCat("I10 another pace: ", app, " is looked at every ", absl::FormatDuration(Mean(one.intervals)),
                     "; and among its neighbour's faults every ", absl::FormatDuration(Mean(other.intervals))));
  }
  if (one.writes == other.writes && !About(Mean(one.reactions), Mean(other.reactions))) {
    violations.push_back(absl::StrCat("I10 slower: from a heartbeat to a write to ", app, " it takes ",
                                      absl::FormatDuration(Mean(one.reactions)), "; and among its neighbour's faults ",
                                      absl::FormatDuration(Mean(other.reactions))));
  }
}

}  // namespace

std::vector<std::string> CompareNeighbours(uint64_t seed, Mutant mutant) {
  const WorldResult calm = RunTwin(seed, Shape::kSteady, mutant);
  const WorldResult noisy = RunTwin(seed, Shape::kBadNeighbour, mutant);
  std::vector<std::string> violations;
  const std::string app = "app-0";  // the only one of the first account
  CompareWrites("I10", app, calm.apps.at(app), noisy.apps.at(app), violations);
  ComparePace(app, calm.apps.at(app), noisy.apps.at(app), violations);
  return violations;
}

std::vector<std::string> CompareEvents(uint64_t seed, Mutant mutant) {
  const WorldResult all = RunTwin(seed, Shape::kEvents, mutant);
  const WorldResult none = RunTwin(seed, Shape::kEventsLost, mutant);
  std::vector<std::string> violations;
  for (const auto& [app, record] : all.apps) CompareWrites("I11", app, record, none.apps.at(app), violations);
  return violations;
}

}  // namespace ottoscale::world
