// The same seed gives the same run: in this process, and in another one, in which every address and every hash differs.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "pkg/async/deadline.h"
#include "pkg/async/gather.h"
#include "pkg/async/promise.h"
#include "pkg/async/scope.h"
#include "pkg/async/semaphore.h"
#include "pkg/async/signal.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"

namespace ottoscale::async {
namespace {

constexpr uint64_t kSeeds = 200;

// A small busy program: workers that sleep, compete for permits, gather, await promises that others keep, and are
// cancelled in the middle. All that happens goes into the trace.
struct Program {
  explicit Program(uint64_t seed) : loop(seed) {}
  SimulatedLoop loop;
  Semaphore permits{2};
  Signal changed;
  Scope scope{loop};
  std::vector<Promise<int>> promises;
  std::map<std::string, int> counts;
  std::string trace;

  void Say(absl::string_view what) {
    absl::StrAppend(&trace, absl::FormatDuration(loop.Now().boot.since_boot), " ", what, "\n");
    ++counts[std::string(what.substr(0, what.find(' ')))];
    changed.Notify();
  }
  absl::Duration Some() { return absl::Milliseconds(loop.random().Below(50)); }
};

Task<absl::StatusOr<int>> Nap(Program& program, int name) {
  const absl::Status slept = co_await Sleep(program.Some());
  program.Say(absl::StrCat("nap ", name, " ", slept.ToString()));
  co_return name;
}

Task<absl::StatusOr<int>> Kept(Program& program, size_t promise) {
  Future<int> future = program.promises[promise].GetFuture();
  const absl::StatusOr<int> value = co_await std::move(future);
  program.Say(absl::StrCat("kept ", promise, " ", value.ok() ? *value : -1));
  co_return value;
}

Task<void> Worker(Program& program, int name) {
  for (int round = 0; round < 4; ++round) {
    const absl::StatusOr<Permit> permit = co_await program.permits.Acquire();
    program.Say(absl::StrCat("permit ", name, " ", permit.ok()));
    std::vector<Task<absl::StatusOr<int>>> naps;
    for (int i = 0; i < 3; ++i) naps.push_back(Nap(program, name * 10 + i));
    const First<absl::StatusOr<int>> first = co_await FirstOf(std::move(naps));
    program.Say(absl::StrCat("first ", name, " ", first.index));
    const size_t promise = static_cast<size_t>(name) * 4 + static_cast<size_t>(round);
    const absl::StatusOr<int> kept = co_await WithTimeout(program.Some(), Kept(program, promise));
    program.Say(absl::StrCat("round ", name, " ", kept.status().ToString()));
    program.promises[(promise + 7) % program.promises.size()].Set(name);
  }
}

Task<void> Watcher(Program& program) {
  for (int seen = 0; (co_await program.changed.Wait()).ok(); ++seen) {
    if (seen % 8 == 0) absl::StrAppend(&program.trace, "seen ", program.trace.size(), "\n");
  }
}

// Where the counts of the end come from: an ordered map, or the mutant, which lets the order of a hash map out.
enum class Counts { kOrdered, kHashed };

std::string Trace(uint64_t seed, Counts counts) {
  Program program(seed);
  for (int i = 0; i < 20; ++i) program.promises.emplace_back(program.loop);
  for (int name = 0; name < 5; ++name) program.scope.Spawn(Worker(program, name));
  program.scope.Spawn(Watcher(program));
  program.loop.RunFor(absl::Milliseconds(200) + program.Some());
  program.scope.Cancel();
  program.loop.RunReady();
  EXPECT_EQ(program.scope.running(), 0u);
  EXPECT_TRUE(program.loop.drained());
  const auto say = [&](const auto& all) {
    for (const auto& [what, count] : all) absl::StrAppend(&program.trace, what, "=", count, "\n");
  };
  if (counts == Counts::kOrdered) {
    say(program.counts);
  } else {
    say(absl::flat_hash_map<std::string, int>(program.counts.begin(), program.counts.end()));
  }
  return program.trace;
}

// FNV-1a: std::hash promises nothing between two programs.
uint64_t Hash(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

std::vector<std::string> Lines(Counts counts) {
  std::vector<std::string> lines;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const std::string trace = Trace(seed, counts);
    lines.push_back(absl::StrFormat("trace %d %d %016x", seed, trace.size(), Hash(trace)));
  }
  return lines;
}

// Runs one of the two helpers below in a process of its own and gives the lines that it prints.
std::vector<std::string> LinesOfAnotherProcess(const std::string& helper) {
  std::array<char, 4096> self{};
  if (readlink("/proc/self/exe", self.data(), self.size() - 1) < 0) return {};
  FILE* other =
      popen(absl::StrCat("'", self.data(), "' --gtest_also_run_disabled_tests --gtest_filter=", helper).c_str(), "r");
  std::string output;
  std::array<char, 4096> block{};
  while (const size_t count = fread(block.data(), 1, block.size(), other)) output.append(block.data(), count);
  EXPECT_EQ(pclose(other), 0) << output;
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(output, '\n')) {
    if (line.substr(0, 6) == "trace ") lines.emplace_back(line);
  }
  return lines;
}

TEST(DeterminismHelper, DISABLED_PrintsTraces) {
  for (const std::string& line : Lines(Counts::kOrdered)) puts(line.c_str());
}
TEST(DeterminismHelper, DISABLED_PrintsTracesOfTheMutant) {
  for (const std::string& line : Lines(Counts::kHashed)) puts(line.c_str());
}

TEST(Determinism, TheProgramIsBusyAndSeedsDiffer) {
  const std::string trace = Trace(1, Counts::kOrdered);
  for (const char* what : {"nap ", "CANCELLED", "permit ", "first ", "kept ", "round ", "DEADLINE_EXCEEDED", "seen "}) {
    EXPECT_NE(trace.find(what), std::string::npos) << what << "\n" << trace;
  }
  EXPECT_NE(trace, Trace(2, Counts::kOrdered));
}

TEST(Determinism, TwoHundredSeedsGiveEqualTracesInTwoProcesses) {
  const std::vector<std::string> here = Lines(Counts::kOrdered);
  ASSERT_EQ(here.size(), kSeeds);
  EXPECT_EQ(here, Lines(Counts::kOrdered));
  EXPECT_EQ(here, LinesOfAnotherProcess("DeterminismHelper.DISABLED_PrintsTraces"));
}

TEST(Determinism, TheOrderOfAHashMapInAnEffectIsCaught) {
  const std::vector<std::string> here = Lines(Counts::kHashed);
  const std::vector<std::string> there = LinesOfAnotherProcess("DeterminismHelper.DISABLED_PrintsTracesOfTheMutant");
  ASSERT_EQ(there.size(), kSeeds);
  EXPECT_TRUE(here != there || here != Lines(Counts::kHashed)) << "the comparison of traces would miss a hash map";
}

}  // namespace
}  // namespace ottoscale::async
