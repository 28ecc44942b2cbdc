// HPA with a floor that remembers: every `floor_period` at least ceil(q / T), q = the `quantile` over the largest load
// in the minute that began `ahead` after this time of day, so many `lag_days` ago. It needs two such days.
//
// The comparison's figures come from a floor that counts only in the round that sets it: in the rounds between, HPA
// takes away what was ordered for the floor and still boots, since nothing of its own asked for it. `hold_floor` is
// what was meant, and another strategy: on a series with spikes the floor dominates.
#pragma once

#include <optional>
#include <vector>

#include "pkg/simulation/baselines/hpa.h"
#include "pkg/simulation/baselines/strategy.h"

namespace ottoscale::simulation {

struct SeasonalParameters {
  HpaParameters hpa;
  absl::Duration floor_period = absl::Seconds(60);  // a multiple of hpa.period
  absl::Duration ahead = absl::Seconds(180);        // the boot time and a minute; below the shortest lag
  std::vector<int> lag_days = {1, 2, 3, 7};         // ascending
  bool hold_floor = false;                          // between two `floor_period` too
  double quantile = 0.9;                            // nearest rank: of four values that is the largest
};

class Seasonal final : public Strategy {
 public:
  explicit Seasonal(const SeasonalParameters& parameters = {});
  absl::Duration Period() const override { return absl::ZeroDuration(); }
  std::optional<int> Desired(const Plant& plant) override;

 private:
  void Remember(const Plant& plant);
  int FloorAt(const Plant& plant) const;

  SeasonalParameters parameters_;
  Hpa hpa_;
  std::vector<double> loads_;  // a ring, one a step, as long as the longest lag
  int floor_ = 0;
};

}  // namespace ottoscale::simulation
