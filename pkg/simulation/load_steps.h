// A recorded series as a plant takes it in: one load a step, the value at the step's beginning, on straight lines
// between the points. Gaps between points are bridged. Pure, and O(1) a step.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "pkg/simulation/load.h"

namespace ottoscale::simulation {

class LoadSteps {
 public:
  // `points`: at least one, the first at time 0, ascending; any unit of rate. `step`: above 0.
  LoadSteps(const std::vector<LoadPoint>& points, absl::Duration step);

  // Steps from time 0 until the last point, which is the end of the last step; 1 when there is only one point.
  int64_t Count() const { return count_; }
  // Of the next step, the first at time 0. After Count() steps the last rate stays.
  double Next() {
    const double at = static_cast<double>(next_++) * step_;
    while (at >= end_) Enter(segment_ + 1);
    return rate_ + slope_ * (at - begin_);
  }

 private:
  struct Point {
    double at = 0;  // seconds
    double rate = 0;
  };

  void Enter(size_t segment);

  std::vector<Point> points_;
  double step_;  // seconds
  int64_t count_ = 0;
  int64_t next_ = 0;
  size_t segment_ = 0;  // between its point and the next
  double begin_ = 0;
  double end_ = 0;
  double rate_ = 0;   // at begin_
  double slope_ = 0;  // per second
};

// All of them.
std::vector<double> LoadPerStep(const std::vector<LoadPoint>& points, absl::Duration step);

}  // namespace ottoscale::simulation
