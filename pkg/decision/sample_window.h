// The samples of one metric over time, as few numbers as an aggregation needs. A value type; pure.
#pragma once

#include <optional>
#include <vector>

#include "pkg/async/instant.h"
#include "pkg/policy/policy.h"

namespace ottoscale::decision {

// Samples that lie close together, as one: a window has at most kSlots of them, so a mean stays exact and a percentile
// is exact up to kSlots samples.
struct SampleSlot {
  async::BootTime start;
  double sum = 0;
  int count = 0;
  bool censored = false;
  bool operator==(const SampleSlot&) const = default;
};

struct SampleWindow {
  static constexpr int kSlots = 32;

  std::vector<SampleSlot> slots;               // oldest first; unused by kLast and kExponentialMean
  double smoothed = 0;                         // of kExponentialMean
  std::optional<async::BootTime> censored_at;  // of kExponentialMean: the last value that was
  std::optional<async::BootTime> last;
  std::optional<async::BootTime> since;  // samples have come without a gap
  bool operator==(const SampleWindow&) const = default;
};

struct Aggregate {
  double value = 0;
  bool censored = false;  // at least `value`
  bool covered = false;   // by samples without a gap, for the whole window
};

// What the window says with this sample in it. A gap longer than `longest_gap` starts it afresh.
Aggregate AggregateWith(const SampleWindow& window, const policy::Aggregation& aggregation, double value, bool censored,
                        async::BootTime at, absl::Duration longest_gap);

// The window after this sample. A sample not newer than the last changes nothing.
void AddSample(SampleWindow& window, const policy::Aggregation& aggregation, double value, bool censored,
               async::BootTime at, absl::Duration longest_gap);

}  // namespace ottoscale::decision
