// Keeps an error that repeats itself from filling the log: each is let through once in a window of time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "pkg/async/instant.h"

namespace ottoscale::telemetry {

class RepeatFilter {
 public:
  explicit RepeatFilter(absl::Duration window, size_t max_known = 1024) : window_(window), max_known_(max_known) {}

  struct Verdict {
    bool write = true;
    uint64_t suppressed = 0;  // how many of the same were held back since the last one that was written
  };
  // Whether an event with this identity is written at `now`. Beyond `max_known` identities the one that was written
  // longest ago is forgotten.
  Verdict Check(const std::string& identity, async::BootTime now);

 private:
  struct Known {
    async::BootTime written;
    uint64_t suppressed = 0;
  };
  using Entries = std::map<std::string, Known>;
  void Remember(const std::string& identity, async::BootTime now);

  const absl::Duration window_;
  const size_t max_known_;
  Entries known_;
  std::multimap<async::BootTime, std::string> by_age_;  // when written, identity
};

}  // namespace ottoscale::telemetry
