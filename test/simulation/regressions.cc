#include "test/simulation/regressions.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "test/simulation/twins.h"

namespace ottoscale::world {
namespace {

bool ReadNumbers(absl::string_view text, std::vector<int>& numbers) {
  for (const absl::string_view number : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    int value = 0;
    if (!absl::SimpleAtoi(number, &value)) return false;
    numbers.push_back(value);
  }
  return true;
}

bool ReadMutant(absl::string_view text, Mutant& mutant) {
  const std::string name = absl::StrReplaceAll(text, {{"-", " "}});
  for (int i = 0; i < kMutants; ++i) {
    mutant = static_cast<Mutant>(i);
    if (name == NameOf(mutant)) return true;
  }
  return false;
}

// "seed=17" and its like.
bool ReadWord(absl::string_view word, Recorded& recorded) {
  const std::pair<absl::string_view, absl::string_view> pair = absl::StrSplit(word, absl::MaxSplits('=', 1));
  WorldOptions& options = recorded.options;
  if (pair.first == "seed") return absl::SimpleAtoi(pair.second, &options.seed);
  if (pair.first == "salt") return absl::SimpleAtoi(pair.second, &options.salt);
  if (pair.first == "crash_at") {
    uint64_t effect = 0;
    const bool read = absl::SimpleAtoi(pair.second, &effect);
    options = CrashWorld(options.seed, effect);
    return read;
  }
  if (pair.first == "only") return ReadNumbers(pair.second, options.only.emplace());
  if (pair.first == "mutant") return ReadMutant(pair.second, options.mutant);
  if (pair.first == "finds") {
    recorded.invariant = std::string(pair.second);
    return true;
  }
  if (word == "neighbours") recorded.run = Recorded::Run::kNeighbours;
  if (word == "events") recorded.run = Recorded::Run::kEvents;
  return recorded.run != Recorded::Run::kWorld;
}

}  // namespace

std::vector<Recorded> ReadRegressions(const std::string& text, std::vector<std::string>& problems) {
  std::vector<Recorded> all;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits('#', 1));
    if (absl::StripAsciiWhitespace(parts.first).empty()) continue;
    Recorded recorded{.line = number, .why = std::string(absl::StripAsciiWhitespace(parts.second))};
    for (const absl::string_view word : absl::StrSplit(parts.first, ' ', absl::SkipEmpty())) {
      if (!ReadWord(word, recorded)) problems.push_back(absl::StrCat("line ", number, ": ", word));
    }
    if (recorded.why.empty()) problems.push_back(absl::StrCat("line ", number, " does not say why it is there"));
    all.push_back(std::move(recorded));
  }
  return all;
}

std::vector<Recorded> ReadRegressionsFile(std::vector<std::string>& problems) {
  std::ifstream file(OTTOSCALE_SOURCE_DIR "/test/simulation/regressions");
  if (!file) problems.emplace_back("test/simulation/regressions cannot be read");
  std::stringstream text;
  text << file.rdbuf();
  return ReadRegressions(text.str(), problems);
}

std::vector<std::string> Violations(const Recorded& recorded) {
  const WorldOptions& options = recorded.options;
  switch (recorded.run) {
    case Recorded::Run::kWorld: return RunWorld(options).violations;
    case Recorded::Run::kNeighbours: return CompareNeighbours(options.seed, options.mutant);
    case Recorded::Run::kEvents: return CompareEvents(options.seed, options.mutant);
  }
}

}  // namespace ottoscale::world
