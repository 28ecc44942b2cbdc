// A small seeded generator (splitmix64 seeding, xoshiro256**): the same seed gives the same numbers on every machine.
// Not for secrets. One thread at a time.
#pragma once

#include <array>
#include <cstdint>

#include "absl/time/time.h"

namespace ottoscale::async {

class Random {
 public:
  explicit Random(uint64_t seed);

  uint64_t Next();
  // Uniform in [0, bound); bound >= 1.
  uint64_t Below(uint64_t bound);
  // Uniform in [0, 1).
  double Unit();
  // True with this probability.
  bool Chance(double probability) { return Unit() < probability; }
  // Uniform in [d * (1 - fraction), d * (1 + fraction)).
  absl::Duration Jitter(absl::Duration d, double fraction);

 private:
  std::array<uint64_t, 4> state_;
};

}  // namespace ottoscale::async
