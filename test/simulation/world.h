// One reproducible world: the whole program (operator, embedded API server) with a simulated Heroku, apps and users, on
// a SimulatedLoop, among disturbances that are drawn from the seed (plan.h). Oracles stand at the door of the simulated
// cloud (oracle.h), at the API server's store (books.h) and between two runs (twins.h); they share no code with the
// operator and check the invariants I1 to I17 that apply so far, in words at each check.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace ottoscale::world {

// A seeded bug, put in at a seam: the oracle that must find it is named behind it.
enum class Mutant {
  kNone,
  kIgnoresBounds,     // I1: asks the cloud for more than the maximum
  kErrorsAreIdle,     // I2: a failed heartbeat reads as 0 ms
  kForgetsOnRestart,  // I4: the status comes back without what survives a restart
  kSwallowsWrites,    // I5, I6, I13: says applied, and did nothing
  kRelativeRetry,     // I4: repeats a write whose end is unknown, one higher
  kLogsTheKey,        // I8: the key is in an error message
  kIgnoresSuspend,    // I14: does not see spec.suspend
  kSharesTargets,     // I15: each policy has its own idea of the target's identity
  kHashOrder,         // I17: the order of a hash map reaches an effect
  kHidesIntents,      // I5: writes to the cloud before the status says so
  kSwallowsUnknowns,  // I5: a write whose end is unknown is taken for one that was never made
  kOneAtATime,        // I10: one lock around the reading of all targets
  kBlocksTheLoop,     // I10: a cloud that does not answer stops everything else
  kMergesEvents,      // I11: what an event leaves out stays as it was in the object before it
  kTrustsEvents,      // I11: never believes a list that comes after the first
};
constexpr int kMutants = static_cast<int>(Mutant::kTrustsEvents) + 1;
const char* NameOf(Mutant mutant);

enum class Shape {
  kChaos,         // everything that may happen, for a while
  kSteady,        // nothing happens but a load that leads to the same capacities in every run
  kBadNeighbour,  // the same, and the second account has a very bad day
  kEvents,        // the same as kSteady, with bursts of edits
  kEventsLost,    // the same as kEvents, but no event of a burst arrives
};

struct WorldOptions {
  uint64_t seed = 1;
  Shape shape = Shape::kChaos;
  absl::Duration chaos = absl::Minutes(42);  // faults, people, crashes, changing load
  absl::Duration quiet = absl::Minutes(30);  // nothing of that: everything must settle
  absl::Duration second = absl::Minutes(8);  // after one more start: nothing may change. Zero: not so
  bool faults = true;                        // false: only what the other members ask for
  bool people = true;                        // who scale by hand and edit policies, and bad neighbours
  bool random_crashes = true;
  uint64_t crash_at_effect = 0;          // the first operator dies at this effect; 0: not so
  std::optional<std::vector<int>> only;  // of the disturbances, those with these numbers
  uint64_t salt = 0;                     // other draws of the loop in the same world
  Mutant mutant = Mutant::kNone;
  bool keep_trace = false;
};
// What SurviveACrashAtEveryEffect runs: nothing goes wrong but one crash.
WorldOptions CrashWorld(uint64_t seed, uint64_t crash_at_effect);

// What an app has seen of the operator, for comparing two runs.
struct AppRecord {
  std::vector<std::string> writes;        // accepted, of operators: "2 -> 3"
  std::vector<absl::Duration> reactions;  // from the last heartbeat that was asked for to each write
  std::vector<absl::Duration> intervals;  // between two heartbeats
};

struct WorldResult {
  std::vector<std::string> violations;  // "I1 bounds: ...", empty in a good world
  std::string trace_hash;
  std::vector<std::string> trace;  // effects and writes, when asked for
  std::map<std::string, AppRecord> apps;
  uint64_t effects = 0;  // of the first operator
  uint64_t writes = 0;   // accepted from operators
  uint64_t crashes = 0;
  uint64_t faults = 0;
};

WorldResult RunWorld(const WorldOptions& options);

}  // namespace ottoscale::world
