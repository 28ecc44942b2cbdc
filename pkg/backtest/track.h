// What happened in a run, as much of it as a picture can show: the passes, thinned to at most kMost points. Each point
// keeps the extremes of its passes, and the sentence of the decision that a reader would ask for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "pkg/backtest/backtest.h"

namespace ottoscale::backtest {

struct TrackPoint {
  absl::Time at;    // of its first pass
  double load = 0;  // the most
  double mean_load = 0;
  int ready = 0;           // the fewest
  int desired = 0;         // the most that was ordered
  double response_ms = 0;  // the longest; -1: nothing serves
  bool over = false;       // in some pass the load was above the capacity
  bool changed = false;    // something was ordered
  std::string sentence;    // of the last change in it; without one, of its first pass
  bool operator==(const TrackPoint&) const = default;
};

class Track {
 public:
  static constexpr int64_t kMost = 1200;
  // `steps`: of the run.
  explicit Track(int64_t steps) : steps_per_point_((steps + kMost - 1) / kMost) {}
  void Add(const Pass& pass);
  const std::vector<TrackPoint>& points() const { return points_; }

 private:
  int64_t steps_per_point_;
  int64_t end_ = 0;     // the first step that is not in the last point
  int64_t passes_ = 0;  // of the last point
  std::vector<TrackPoint> points_;
};

// The same in fewer points: at most `most`, above 0, of equal numbers of points.
std::vector<TrackPoint> Thinned(const std::vector<TrackPoint>& points, size_t most);

}  // namespace ottoscale::backtest
