// The largest of the values of the last while, in amortised constant time: values come with ascending times, and a
// value that a later one reaches never counts again.
#pragma once

#include <deque>

#include "absl/time/time.h"

namespace ottoscale::simulation {

class WindowMax {
 public:
  // Values count as long as they are younger than `length`; the newest always counts.
  explicit WindowMax(absl::Duration length) : length_(length) {}

  void Add(absl::Duration at, double value) {
    while (!candidates_.empty() && candidates_.back().value <= value) candidates_.pop_back();
    candidates_.push_back({at, value});
    while (candidates_.front().at + length_ <= at && candidates_.size() > 1) candidates_.pop_front();
  }
  // At least one value was added.
  double Max() const { return candidates_.front().value; }

 private:
  struct Candidate {
    absl::Duration at;
    double value = 0;
  };

  absl::Duration length_;
  std::deque<Candidate> candidates_;  // descending values, ascending times
};

}  // namespace ottoscale::simulation
