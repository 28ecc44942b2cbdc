// Time as values. A BootTime is a reading of a clock that never goes back and counts suspended time (CLOCK_BOOTTIME);
// intervals and deadlines are measured on it. An Instant adds the wall clock, which schedules and people read.
#pragma once

#include <string>

#include "absl/time/time.h"

namespace ottoscale::async {

struct BootTime {
  absl::Duration since_boot;  // since an arbitrary start; only differences mean anything

  static BootTime Infinite() { return {absl::InfiniteDuration()}; }

  friend bool operator==(BootTime a, BootTime b) { return a.since_boot == b.since_boot; }
  friend bool operator!=(BootTime a, BootTime b) { return a.since_boot != b.since_boot; }
  friend bool operator<(BootTime a, BootTime b) { return a.since_boot < b.since_boot; }
  friend bool operator>(BootTime a, BootTime b) { return b < a; }
  friend bool operator<=(BootTime a, BootTime b) { return !(b < a); }
  friend bool operator>=(BootTime a, BootTime b) { return !(a < b); }
  friend BootTime operator+(BootTime a, absl::Duration d) { return {a.since_boot + d}; }
  friend BootTime operator-(BootTime a, absl::Duration d) { return {a.since_boot - d}; }
  friend absl::Duration operator-(BootTime a, BootTime b) { return a.since_boot - b.since_boot; }
};

struct Instant {
  absl::Time wall;
  BootTime boot;

  friend bool operator==(const Instant& a, const Instant& b) { return a.wall == b.wall && a.boot == b.boot; }
  friend Instant operator+(const Instant& a, absl::Duration d) { return {a.wall + d, a.boot + d}; }
};

}  // namespace ottoscale::async
