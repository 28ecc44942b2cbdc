// The values that a counterfactual may name: whole steps of a unit. Internal to this folder.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace ottoscale::decision {

class ValueScale {
 public:
  // Four digits of the smallest of `numbers` and `reading` that is above 0, at most three decimals; coarser where the
  // reading would have more than a million million steps, which a double cannot count.
  ValueScale(double reading, const std::vector<double>& numbers);
  double step() const { return At(1); }
  double At(int64_t steps) const;
  // The most steps whose value is not above `value`, which is not negative and at most 1e15.
  int64_t StepsTo(double value) const;

 private:
  int decimals_ = 2;
  double power_ = 100;
};

// Where to look: `distance` steps from the reading, upwards or downwards.
struct Ray {
  int64_t origin = 0;  // of distance 0, which is the reading itself and is never asked about
  bool up = true;
  int64_t reach = 0;
  int64_t StepsAt(int64_t distance) const { return up ? origin + distance : origin - distance; }
};

// From a reading: up to 2^40 steps, and no further than 0 and 1e15. `exact`: where the reading is a whole number of
// steps it is distance 0; otherwise that value is another one than the reading.
Ray RayFrom(const ValueScale& scale, double reading, bool exact, bool up);

// The smallest distance found for which `holds` says yes and for one step less does not: asked at 1, 2, 4, 8, ... and
// at the `landmarks`, then by bisection.
std::optional<int64_t> NearestOn(const Ray& ray, const ValueScale& scale, const std::vector<double>& landmarks,
                                 const std::function<bool(double)>& holds);

}  // namespace ottoscale::decision
