// Worlds: how many is OTTOSCALE_WORLDS (default 40). A violation prints what it takes to fail in the same way, and one
// command that runs that world with its trace:
//   OTTOSCALE_SEED=17 OTTOSCALE_ONLY=3,7 build/tests/simulation_test --gtest_filter=Worlds.Replay
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "test/simulation/minimise.h"
#include "test/simulation/plan.h"
#include "test/simulation/regressions.h"
#include "test/simulation/twins.h"
#include "test/simulation/world.h"

namespace ottoscale::world {
namespace {

using unsigned_long = unsigned long long;

// Worlds that the search for the smallest failing one may run: about half a minute.
constexpr int kTries = 120;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  uint64_t value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

uint64_t HowMany() { return FromEnvironment("OTTOSCALE_WORLDS", 40); }

// The world that the environment names.
WorldOptions FromEnvironment() {
  WorldOptions options{.seed = FromEnvironment("OTTOSCALE_SEED", 1)};
  const uint64_t crash_at = FromEnvironment("OTTOSCALE_CRASH_AT", 0);
  if (crash_at != 0) options = CrashWorld(options.seed, crash_at);
  options.salt = FromEnvironment("OTTOSCALE_SALT", 0);
  options.mutant = static_cast<Mutant>(FromEnvironment("OTTOSCALE_MUTANT", 0) % kMutants);
  if (const char* only = std::getenv("OTTOSCALE_ONLY"); only != nullptr) {
    options.only.emplace();
    for (const absl::string_view text : absl::StrSplit(only, ',', absl::SkipEmpty())) {
      int number = 0;
      if (absl::SimpleAtoi(text, &number)) options.only->push_back(number);
    }
  }
  return options;
}

std::string Report(const WorldOptions& options, const WorldResult& result) {
  const char* chosen = std::getenv("OTTOSCALE_INVARIANT");
  const std::string invariant = chosen != nullptr ? chosen : InvariantOf(result.violations.front());
  return absl::StrCat(absl::StrJoin(result.violations, "\n"), "\n", HowToReplay(options), "\nor, for ", invariant,
                      ", the least of it:\n", HowToReplay(MinimalWorld(options, invariant, kTries)));
}

// First, what once failed.
TEST(Worlds, StayGoodWhereTheyOnceFailed) {
  std::vector<std::string> problems;
  int good = 0;
  for (const Recorded& recorded : ReadRegressionsFile(problems)) {
    if (!recorded.invariant.empty()) continue;  // of mutants: see FindEachMutant
    ++good;
    EXPECT_THAT(Violations(recorded), testing::IsEmpty())
        << "test/simulation/regressions:" << recorded.line << ": " << recorded.why;
  }
  EXPECT_THAT(problems, testing::IsEmpty());
  std::printf("[worlds] %d recorded worlds\n", good);
}

// This binary once more, beside this process, with a test and variables of its own.
class AnotherProcess {
 public:
  AnotherProcess(const std::string& variables, const std::string& test)
      : pipe_(popen(
            absl::StrCat(variables, " ", testing::internal::GetArgvs()[0], " --gtest_filter=", test, " 2>&1").c_str(),
            "r")) {}
  // What it has printed, at its end.
  std::string Output() {
    std::string out;
    if (pipe_ == nullptr) return "no process";
    char buffer[4096];
    while (const size_t n = std::fread(buffer, 1, sizeof(buffer), pipe_)) out.append(buffer, n);
    succeeded_ = pclose(pipe_) == 0;
    return out;
  }
  bool succeeded() const { return succeeded_; }

 private:
  std::FILE* pipe_;
  bool succeeded_ = false;
};

// The worlds with odd numbers, or those with even ones.
void RunWorlds(uint64_t first) {
  const uint64_t worlds = HowMany();
  uint64_t run = 0;
  uint64_t writes = 0;
  uint64_t crashes = 0;
  uint64_t faults = 0;
  int bad = 0;
  for (uint64_t seed = first; seed <= worlds && bad < 2; seed += 2) {
    const WorldOptions options{.seed = seed};
    const WorldResult result = RunWorld(options);
    ++run;
    writes += result.writes;
    crashes += result.crashes;
    faults += result.faults;
    if (result.violations.empty()) continue;
    ++bad;
    ADD_FAILURE() << Report(options, result);
  }
  std::printf("[worlds] %llu worlds, %llu writes, %llu crashes, %llu faults\n", static_cast<unsigned_long>(run),
              static_cast<unsigned_long>(writes), static_cast<unsigned_long>(crashes),
              static_cast<unsigned_long>(faults));
  EXPECT_GT(writes, run) << "worlds in which nothing happens prove nothing";
  EXPECT_GT(crashes, run / 4);
  EXPECT_GT(faults, 10 * run);
}

TEST(Worlds, KeepEveryInvariant) {
  AnotherProcess evens("OTTOSCALE_OTHER_HALF=1", "Worlds.TheOtherHalf");
  RunWorlds(1);
  const std::string output = evens.Output();
  const size_t summary = output.find("[worlds]");
  std::printf("%s\n", output.substr(summary, output.find('\n', summary) - summary).c_str());
  EXPECT_TRUE(evens.succeeded()) << output;
}

// Of KeepEveryInvariant, which starts it.
TEST(Worlds, TheOtherHalf) {
  if (std::getenv("OTTOSCALE_OTHER_HALF") != nullptr) RunWorlds(2);
}

TEST(Worlds, KeepNeighboursApart) {
  const uint64_t twins = std::max<uint64_t>(4, HowMany() / 20);
  for (uint64_t seed = 1; seed <= twins; ++seed) {
    EXPECT_THAT(CompareNeighbours(seed, Mutant::kNone), testing::IsEmpty()) << "seed " << seed;
  }
  std::printf("[worlds] %llu pairs with and without a bad neighbour\n", static_cast<unsigned_long>(twins));
}

TEST(Worlds, DoNotDependOnEvents) {
  const uint64_t twins = std::max<uint64_t>(4, HowMany() / 20);
  for (uint64_t seed = 1; seed <= twins; ++seed) {
    EXPECT_THAT(CompareEvents(seed, Mutant::kNone), testing::IsEmpty()) << "seed " << seed;
  }
  std::printf("[worlds] %llu pairs with and without events\n", static_cast<unsigned_long>(twins));
}

// Where OTTOSCALE_ONLY is not given, also the least of it (for OTTOSCALE_INVARIANT, or the first that is violated).
TEST(Worlds, Replay) {
  WorldOptions options = FromEnvironment();
  options.keep_trace = true;
  const WorldResult result = RunWorld(options);
  if (std::getenv("OTTOSCALE_SEED") != nullptr) {
    for (const std::string& line : result.trace) std::printf("%s\n", line.c_str());
  }
  if (result.violations.empty()) return;
  options.keep_trace = false;
  ADD_FAILURE() << (options.only ? absl::StrJoin(result.violations, "\n") : Report(options, result));
}

// The operator dies once, before each numbered effect in turn; nothing else goes wrong.
TEST(Worlds, SurviveACrashAtEveryEffect) {
  const uint64_t worlds = HowMany();
  const uint64_t traces = std::max<uint64_t>(1, worlds / 250);
  const uint64_t stride = worlds < 250 ? 5 : 1;  // a short run, such as the instrumented one, takes every fifth
  uint64_t points = 0;
  for (uint64_t seed = 1; seed <= traces; ++seed) {
    const WorldResult whole = RunWorld(CrashWorld(seed, 0));
    ASSERT_TRUE(whole.violations.empty()) << absl::StrJoin(whole.violations, "\n");
    // Effects of the first minutes hold the start, the first samples and the first changes; later ones repeat them.
    const uint64_t last = std::min<uint64_t>(whole.effects, 250);
    for (uint64_t effect = 1; effect <= last; effect += stride) {
      const WorldOptions options = CrashWorld(seed, effect);
      const WorldResult result = RunWorld(options);
      ++points;
      ASSERT_EQ(result.crashes, 1u);
      ASSERT_LE(result.writes, whole.writes + 1) << HowToReplay(options);
      ASSERT_TRUE(result.violations.empty()) << absl::StrJoin(result.violations, "\n") << "\n" << HowToReplay(options);
    }
  }
  std::printf("[worlds] %llu crash points in %llu traces\n", static_cast<unsigned_long>(points),
              static_cast<unsigned_long>(traces));
}

// Of a run with a mutant: what the invariant that is meant for it says; and whether no other says anything.
struct Finding {
  std::string violation;
  bool alone = false;
};

Finding FindingOf(const std::vector<std::string>& violations, const std::string& invariant) {
  Finding finding{.alone = true};
  for (const std::string& violation : violations) {
    if (InvariantOf(violation) != invariant) {
      finding.alone = false;
    } else if (finding.violation.empty()) {
      finding.violation = violation;
    }
  }
  return finding;
}

struct MutantRow {
  Mutant mutant;
  const char* invariant;
  bool alone = false;  // there is a world in which no other invariant notices
  Recorded::Run run = Recorded::Run::kWorld;
};

// In the recorded world, which other draws of the loop may need; else in any.
std::string FindMutant(const MutantRow& row, const std::vector<Recorded>& regressions, std::string& where) {
  const auto found = [&row](const Recorded& world) {
    const Finding finding = FindingOf(Violations(world), row.invariant);
    return row.alone && !finding.alone ? std::string() : finding.violation;
  };
  for (const Recorded& recorded : regressions) {
    if (recorded.options.mutant != row.mutant || recorded.invariant != row.invariant) continue;
    Recorded world = recorded;
    for (uint64_t more = 0; more < 8; ++more, ++world.options.salt) {
      where = absl::StrCat("recorded in line ", recorded.line, ", salt ", world.options.salt);
      if (std::string violation = found(world); !violation.empty()) return violation;
    }
  }
  Recorded world{.run = row.run, .options = {.mutant = row.mutant}};
  for (world.options.seed = 1; world.options.seed <= 300; ++world.options.seed) {
    where = absl::StrCat("not recorded, but in world ", world.options.seed);
    if (std::string violation = found(world); !violation.empty()) return violation;
  }
  return "";
}

// Each seeded bug is found by the oracle that is there for it.
TEST(Worlds, FindEachMutant) {
  using Run = Recorded::Run;
  const MutantRow rows[] = {
      {Mutant::kIgnoresBounds, "I1"},
      {Mutant::kErrorsAreIdle, "I2"},
      {Mutant::kForgetsOnRestart, "I4"},
      {Mutant::kRelativeRetry, "I4"},
      {Mutant::kHidesIntents, "I5", true},
      {Mutant::kSwallowsUnknowns, "I5", true},
      {Mutant::kSwallowsWrites, "I5"},
      {Mutant::kSwallowsWrites, "I6"},
      {Mutant::kLogsTheKey, "I8"},
      {Mutant::kOneAtATime, "I10", true, Run::kNeighbours},
      {Mutant::kBlocksTheLoop, "I10", true, Run::kNeighbours},
      {Mutant::kMergesEvents, "I11", true},
      {Mutant::kTrustsEvents, "I11", true, Run::kEvents},
      {Mutant::kIgnoresSuspend, "I14"},
      {Mutant::kSharesTargets, "I15"},
  };
  std::vector<std::string> problems;
  const std::vector<Recorded> regressions = ReadRegressionsFile(problems);
  for (const MutantRow& row : rows) {
    std::string where;
    const std::string violation = FindMutant(row, regressions, where);
    EXPECT_FALSE(violation.empty()) << "not found: " << NameOf(row.mutant);
    std::printf("[mutants] %-20s %s (%s)\n", NameOf(row.mutant), violation.c_str(), where.c_str());
  }
}

TEST(Worlds, AreMadeSmallWhenTheyFail) {
  const WorldOptions failing{.seed = 5, .mutant = Mutant::kIgnoresSuspend};
  const std::string invariant = "I14";
  const size_t all = DrawPlan(failing).disturbances.size();
  ASSERT_FALSE(FirstViolation(RunWorld(failing), invariant).empty());
  const WorldOptions smallest = MinimalWorld(failing, invariant, kTries);
  std::printf("[worlds] %zu disturbances, of which %zu are enough\n%s\n", all, smallest.only->size(),
              HowToReplay(smallest).c_str());
  EXPECT_LE(smallest.only->size(), 3u);
  EXPECT_FALSE(FirstViolation(RunWorld(smallest), invariant).empty());
}

TEST(Worlds, PrintHashes) {
  const uint64_t seeds = FromEnvironment("OTTOSCALE_PRINT_HASHES", 1);
  const auto mutant = static_cast<Mutant>(FromEnvironment("OTTOSCALE_MUTANT", 0));
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    std::printf("hash %llu %s\n", static_cast<unsigned_long>(seed),
                RunWorld({.seed = seed, .chaos = absl::Minutes(15), .quiet = absl::Minutes(15), .mutant = mutant})
                    .trace_hash.c_str());
  }
}

// What two other processes say of the same seeds.
std::pair<std::string, std::string> Hashes(uint64_t seeds, Mutant mutant) {
  const std::string variables =
      absl::StrCat("OTTOSCALE_PRINT_HASHES=", seeds, " OTTOSCALE_MUTANT=", static_cast<int>(mutant));
  AnotherProcess one(variables, "Worlds.PrintHashes");
  AnotherProcess other(variables, "Worlds.PrintHashes");
  const auto hashes = [](const std::string& output) {
    std::vector<absl::string_view> lines = absl::StrSplit(output, '\n');
    std::erase_if(lines, [](absl::string_view line) { return !absl::StartsWith(line, "hash "); });
    return absl::StrJoin(lines, "\n");
  };
  return {hashes(one.Output()), hashes(other.Output())};
}

TEST(Worlds, AreTheSameInTwoProcesses) {
  const uint64_t seeds = std::clamp<uint64_t>(HowMany(), 5, 200);
  const auto [first, second] = Hashes(seeds, Mutant::kNone);
  EXPECT_EQ(first, second);
  EXPECT_GT(first.size(), seeds * 16) << first;
  std::printf("[seeds] %llu seeds, two processes, equal traces\n", static_cast<unsigned_long>(seeds));
  const auto [one, other] = Hashes(5, Mutant::kHashOrder);
  EXPECT_NE(one, other) << "a hash map's order reached an effect and nobody noticed";
}

}  // namespace
}  // namespace ottoscale::world
