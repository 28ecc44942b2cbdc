// A token bucket in a time that is handed in.
#pragma once

#include <algorithm>

#include "pkg/async/instant.h"

namespace ottoscale::simulation {

class TokenBucket {
 public:
  // Full at `now`.
  TokenBucket(double size, double refill_per_minute, async::BootTime now)
      : size_(size), refill_per_minute_(refill_per_minute), tokens_(size), refilled_(now) {}

  // Takes a token when there is one.
  bool Take(async::BootTime now) {
    Refill(now);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }
  // Whole tokens.
  int Remaining(async::BootTime now) {
    Refill(now);
    return static_cast<int>(tokens_);
  }
  void Set(double tokens) { tokens_ = std::min(size_, tokens); }

 private:
  void Refill(async::BootTime now) {
    const double came = absl::FDivDuration(now - refilled_, absl::Minutes(1)) * refill_per_minute_;
    refilled_ = now;
    tokens_ = std::min(size_, tokens_ + came);
    // A token that came in many small parts is a whole one.
    if (const double whole = static_cast<double>(static_cast<int64_t>(tokens_ + 1e-6)); whole > tokens_)
      tokens_ = whole;
  }

  double size_;
  double refill_per_minute_;
  double tokens_;
  async::BootTime refilled_;
};

}  // namespace ottoscale::simulation
