#include "pkg/async/random.h"

#include <bit>

#include "pkg/base/check.h"

namespace ottoscale::async {

Random::Random(uint64_t seed) : state_() {
  // splitmix64 (Steele, Lea, Flood 2014) spreads any seed, 0 too, over the state.
  for (uint64_t& word : state_) {
    seed += 0x9E3779B97F4A7C15u;
    uint64_t mixed = seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    word = mixed ^ (mixed >> 31);
  }
}

// xoshiro256** (Blackman, Vigna 2018).
uint64_t Random::Next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

uint64_t Random::Below(uint64_t bound) {
  CHECK(bound >= 1, "an empty range has no members");
  // Rejection keeps it exactly uniform: numbers below `threshold` would make small results likelier.
  const uint64_t threshold = (0 - bound) % bound;
  uint64_t drawn = Next();
  while (drawn < threshold) drawn = Next();
  return drawn % bound;
}

double Random::Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

absl::Duration Random::Jitter(absl::Duration d, double fraction) { return d * (1 + fraction * (2 * Unit() - 1)); }

}  // namespace ottoscale::async
