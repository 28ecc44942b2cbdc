#include "pkg/backtest/track.h"

#include <algorithm>

namespace ottoscale::backtest {
namespace {

void Merge(TrackPoint& into, const TrackPoint& more) {
  into.load = std::max(into.load, more.load);
  into.ready = std::min(into.ready, more.ready);
  into.desired = std::max(into.desired, more.desired);
  const bool dead = into.response_ms < 0 || more.response_ms < 0;
  into.response_ms = dead ? -1 : std::max(into.response_ms, more.response_ms);
  into.over = into.over || more.over;
  if (more.changed) {
    into.changed = true;
    into.sentence = more.sentence;
  }
}

}  // namespace

void Track::Add(const Pass& pass) {
  const simulation::Plant& plant = pass.plant;
  const bool change = pass.decision.write;
  const bool first = points_.empty() || pass.step >= end_;
  TrackPoint point{.at = pass.now.wall,
                   .load = plant.Load(),
                   .ready = plant.Ready(),
                   .desired = plant.Ordered(),
                   .response_ms = plant.Ready() > 0 ? absl::ToDoubleMilliseconds(plant.ResponseTime()) : -1,
                   .over = plant.Ready() < plant.Demand(),
                   .changed = change};
  if (first || change) point.sentence = pass.Sentence();
  if (first) {
    end_ = (pass.step / steps_per_point_ + 1) * steps_per_point_;
    passes_ = 1;
    point.mean_load = point.load;
    points_.push_back(std::move(point));
    return;
  }
  TrackPoint& last = points_.back();
  last.mean_load += (point.load - last.mean_load) / static_cast<double>(++passes_);
  Merge(last, point);
}

std::vector<TrackPoint> Thinned(const std::vector<TrackPoint>& points, size_t most) {
  const size_t each = (points.size() + most - 1) / most;
  std::vector<TrackPoint> thinned;
  for (size_t i = 0; i < points.size(); ++i) {
    if (i % each == 0) {
      thinned.push_back(points[i]);
      continue;
    }
    TrackPoint& last = thinned.back();
    last.mean_load += (points[i].mean_load - last.mean_load) / static_cast<double>(i % each + 1);
    Merge(last, points[i]);
  }
  return thinned;
}

}  // namespace ottoscale::backtest
