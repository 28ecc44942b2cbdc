// One reproducible world: the whole program (operator, embedded API server) with a simulated Heroku, apps and users, on
// a SimulatedLoop, among faults that the seed draws. Oracles stand at the door of the simulated cloud; they share no
// code with the operator and check the invariants I1 to I17 that apply so far (faults.md, section 5, in words at each
// check).
#pragma once

#include <cstdint>
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
};
const char* NameOf(Mutant mutant);

struct WorldOptions {
  uint64_t seed = 1;
  absl::Duration chaos = absl::Minutes(45);  // faults, people, crashes, changing load
  absl::Duration quiet = absl::Minutes(40);  // nothing of that: everything must settle
  bool faults = true;                        // false: only what the other members ask for
  bool people = true;                        // who scale by hand and edit policies
  bool random_crashes = true;
  uint64_t crash_at_effect = 0;  // the first operator dies at this effect; 0: not so
  Mutant mutant = Mutant::kNone;
  bool keep_trace = false;
};

struct WorldResult {
  std::vector<std::string> violations;  // "I1 bounds: ...", empty in a good world
  std::string trace_hash;
  std::vector<std::string> trace;  // effects and writes, when asked for
  uint64_t effects = 0;            // of the first operator
  uint64_t passes = 0;
  uint64_t writes = 0;  // accepted from operators
  uint64_t crashes = 0;
  uint64_t faults = 0;
};

WorldResult RunWorld(const WorldOptions& options);

}  // namespace ottoscale::world
