// A budget that refills with time. Pure: `now` is a parameter.
#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "pkg/async/instant.h"

namespace ottoscale::kube {

class TokenBucket {
 public:
  // Full at first: `burst` tokens; one more each `refill`, up to `burst`.
  TokenBucket(double burst, absl::Duration refill, async::BootTime now)
      : burst_(burst), refill_(refill), tokens_(burst), at_(now) {}

  // False: there was none.
  bool Take(async::BootTime now) {
    tokens_ = std::min(burst_, tokens_ + absl::FDivDuration(now - at_, refill_));
    at_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

  async::BootTime last_taken() const { return at_; }

 private:
  double burst_;
  absl::Duration refill_;
  double tokens_;
  async::BootTime at_;
};

}  // namespace ottoscale::kube
