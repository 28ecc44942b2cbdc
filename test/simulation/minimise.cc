#include "test/simulation/minimise.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "test/simulation/plan.h"

namespace ottoscale::world {
namespace {

// `all` without its part [begin, end).
std::vector<int> Without(const std::vector<int>& all, size_t begin, size_t end) {
  std::vector<int> rest(all.begin(), all.begin() + static_cast<int64_t>(begin));
  rest.insert(rest.end(), all.begin() + static_cast<int64_t>(end), all.end());
  return rest;
}

}  // namespace

std::vector<int> Minimise(std::vector<int> all, int tries, const std::function<bool(const std::vector<int>&)>& fails) {
  size_t parts = 2;
  while (!all.empty() && tries > 0) {
    parts = std::min(parts, all.size());
    bool smaller = false;
    for (size_t part = 0; part < parts && !smaller && tries > 0; ++part) {
      std::vector<int> rest = Without(all, all.size() * part / parts, all.size() * (part + 1) / parts);
      --tries;
      smaller = fails(rest);
      if (smaller) all = std::move(rest);
    }
    if (!smaller && parts == all.size()) break;
    parts = smaller ? std::max<size_t>(2, parts - 1) : parts * 2;
  }
  return all;
}

WorldOptions MinimalWorld(const WorldOptions& failing, const std::string& invariant, int tries) {
  constexpr uint64_t kSalts = 3;
  WorldOptions smallest = failing;
  std::vector<int> all;
  for (const Disturbance& disturbance : DrawPlan(failing).disturbances) all.push_back(disturbance.number);
  if (failing.only) all = *failing.only;
  smallest.only = Minimise(std::move(all), tries, [&](const std::vector<int>& part) {
    WorldOptions tried = smallest;
    tried.only = part;
    for (uint64_t more = 0; more < kSalts; ++more) {
      tried.salt = smallest.salt + more;
      if (FirstViolation(RunWorld(tried), invariant).empty()) continue;
      smallest.salt = tried.salt;
      return true;
    }
    return false;
  });
  return smallest;
}

std::string InvariantOf(const std::string& violation) { return violation.substr(0, violation.find(' ')); }

std::string FirstViolation(const WorldResult& result, const std::string& invariant) {
  for (const std::string& violation : result.violations) {
    if (absl::StartsWith(violation, absl::StrCat(invariant, " "))) return violation;
  }
  return "";
}

std::string HowToReplay(const WorldOptions& options) {
  std::string command = absl::StrCat("replay: OTTOSCALE_SEED=", options.seed);
  if (options.crash_at_effect != 0) absl::StrAppend(&command, " OTTOSCALE_CRASH_AT=", options.crash_at_effect);
  if (options.only) absl::StrAppend(&command, " OTTOSCALE_ONLY=", absl::StrJoin(*options.only, ","));
  if (options.salt != 0) absl::StrAppend(&command, " OTTOSCALE_SALT=", options.salt);
  if (options.mutant != Mutant::kNone) {
    absl::StrAppend(&command, " OTTOSCALE_MUTANT=", static_cast<int>(options.mutant));
  }
  absl::StrAppend(&command, " build/tests/simulation_test --gtest_filter=Worlds.Replay");
  if (!options.only) return command;
  for (const Disturbance& disturbance : DrawPlan(options).disturbances) {
    const auto& only = *options.only;
    if (std::find(only.begin(), only.end(), disturbance.number) == only.end()) continue;
    absl::StrAppend(&command, "\n  ", Describe(disturbance));
  }
  return command;
}

}  // namespace ottoscale::world
