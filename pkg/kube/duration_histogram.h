// Durations counted by buckets: plain numbers, for whoever exports them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace ottoscale::kube {

struct DurationHistogram {
  std::vector<absl::Duration> bounds;  // ascending upper bounds, inclusive
  std::vector<uint64_t> counts;        // one for each bound, one for what is longer; not cumulative
  absl::Duration sum;
  uint64_t count = 0;

  explicit DurationHistogram(std::vector<absl::Duration> upper_bounds)
      : bounds(std::move(upper_bounds)), counts(bounds.size() + 1) {}

  void Add(absl::Duration duration) {
    const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), duration) - bounds.begin();
    ++counts[static_cast<size_t>(bucket)];
    sum += duration;
    ++count;
  }
};

// 12 buckets, 1e-8 s * 10^i: those of workqueue_queue_duration_seconds and workqueue_work_duration_seconds.
inline DurationHistogram QueueHistogram() {
  std::vector<absl::Duration> bounds;
  for (absl::Duration bound = absl::Nanoseconds(10); bounds.size() < 12; bound *= 10) bounds.push_back(bound);
  return DurationHistogram(std::move(bounds));
}

// The buckets of controller_runtime_reconcile_time_seconds.
inline DurationHistogram ReconcileHistogram() {
  std::vector<absl::Duration> bounds;
  for (const int ms : {5,    10,   25,   50,   100,   150,   200,   250,   300,   350,   400,   450,  500,  600,
                       700,  800,  900,  1000, 1250,  1500,  1750,  2000,  2500,  3000,  3500,  4000, 4500, 5000,
                       6000, 7000, 8000, 9000, 10000, 15000, 20000, 25000, 30000, 40000, 50000, 60000}) {
    bounds.push_back(absl::Milliseconds(ms));
  }
  return DurationHistogram(std::move(bounds));
}

}  // namespace ottoscale::kube
