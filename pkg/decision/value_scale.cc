#include "pkg/decision/value_scale.h"

#include <algorithm>
#include <cmath>

namespace ottoscale::decision {
namespace {

constexpr double kLargest = 1e15;  // as in quality.cc: what is above is no reading
constexpr int64_t kReach = int64_t{1} << 40;
constexpr double kCountable = 4.5e15;  // below 2^52: a double tells neighbours apart

int DigitsBefore(double number) { return static_cast<int>(std::floor(std::log10(number))); }

}  // namespace

ValueScale::ValueScale(double reading, const std::vector<double>& numbers) {
  double smallest = reading;
  for (const double number : numbers) {
    if (number > 0 && number <= kLargest && (!(smallest > 0) || number < smallest)) smallest = number;
  }
  if (smallest > 0) decimals_ = std::clamp(3 - DigitsBefore(smallest), -6, 3);
  if (reading > 0) decimals_ = std::min(decimals_, 12 - DigitsBefore(reading));
  power_ = std::pow(10, std::abs(decimals_));
}

double ValueScale::At(int64_t steps) const {
  const double whole = static_cast<double>(steps);
  return decimals_ >= 0 ? whole / power_ : whole * power_;
}

int64_t ValueScale::StepsTo(double value) const {
  const double exact = decimals_ >= 0 ? value * power_ : value / power_;
  int64_t steps = static_cast<int64_t>(exact);
  if (exact > kCountable) return steps;  // only where to stop looking
  while (At(steps) > value) --steps;
  while (At(steps + 1) <= value) ++steps;
  return steps;
}

Ray RayFrom(const ValueScale& scale, double reading, bool exact, bool up) {
  const int64_t at = scale.StepsTo(reading);
  if (up) return {.origin = at, .up = true, .reach = std::min(kReach, scale.StepsTo(kLargest) - at)};
  const int64_t origin = exact && scale.At(at) == reading ? at : at + 1;
  return {.origin = origin, .up = false, .reach = std::min(kReach, origin)};
}

std::optional<int64_t> NearestOn(const Ray& ray, const ValueScale& scale, const std::vector<double>& landmarks,
                                 const std::function<bool(double)>& holds) {
  std::vector<int64_t> distances;
  for (int64_t distance = 1; distance < ray.reach; distance *= 2) distances.push_back(distance);
  distances.push_back(ray.reach);
  for (const double landmark : landmarks) {
    if (!(landmark >= 0) || landmark > kLargest) continue;
    const int64_t at = scale.StepsTo(landmark);
    for (const int64_t steps : {at - 1, at, at + 1})
      distances.push_back(ray.up ? steps - ray.origin : ray.origin - steps);
  }
  std::erase_if(distances, [&](int64_t distance) { return distance < 1 || distance > ray.reach; });
  std::sort(distances.begin(), distances.end());
  distances.erase(std::unique(distances.begin(), distances.end()), distances.end());
  const auto asked = [&](int64_t distance) { return holds(scale.At(ray.StepsAt(distance))); };
  int64_t no = 0;
  for (const int64_t distance : distances) {
    if (!asked(distance)) {
      no = distance;
      continue;
    }
    int64_t yes = distance;
    while (yes - no > 1) {
      const int64_t middle = no + (yes - no) / 2;
      (asked(middle) ? yes : no) = middle;
    }
    return yes;
  }
  return std::nullopt;
}

}  // namespace ottoscale::decision
