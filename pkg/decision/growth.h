// Where a total is heading: its growth over the time that an instance takes from its order until it serves. Internal to
// this folder. Pure.
#pragma once

#include <array>
#include <optional>

#include "absl/time/time.h"
#include "pkg/async/instant.h"

namespace ottoscale::decision {

// What was measured a while ago.
struct Mark {
  async::BootTime at;
  double value = 0;
  bool operator==(const Mark&) const = default;
};

// The last readings that lie at least kApart from each other; the newest first, then those that there are.
struct Marks {
  static constexpr absl::Duration kApart = absl::Seconds(20);

  std::array<std::optional<Mark>, 3> newest_first;
  bool operator==(const Marks&) const = default;
};

// How much larger than `value`, measured at `at`, the total is expected to be `ahead` later, as a share of it: 0 to 1.
// See Note [Foresight] in growth.cc.
double GrowthOf(const Marks& marks, double value, async::BootTime at, absl::Duration ahead);

// The marks with this reading among them. After a gap longer than `longest_gap` they start afresh.
void AddMark(Marks& marks, double value, async::BootTime at, absl::Duration longest_gap);

// The time that instances take, after one more of them took `seen`.
absl::Duration BootTimeAfter(std::optional<absl::Duration> before, absl::Duration seen);

}  // namespace ottoscale::decision
