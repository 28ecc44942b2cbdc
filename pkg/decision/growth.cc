#include "pkg/decision/growth.h"

#include <algorithm>

// Note [Foresight]
// What is ordered now serves only after its boot time, so what counts is the load of that moment. It is taken to go on
// as it has gone lately, on a straight line, with these precautions, since a line through noise points anywhere:
//
//   * Three readings are needed, at least kApart from each other, and of their two rises the slower counts. One reading
//     that is wrong, or a load that jumps about a mean, rises and falls in turn: there the slower is a fall, and
//     nothing is foreseen.
//   * Nobody looks further ahead than three times as far as back.
//   * A load is never expected to more than double, as in the HPA's rate limit for scaling out.
//   * Only more is foreseen, never less: a fall counts once it is there.
//
// (Linear extrapolation over the boot time is the usual baseline of predictive scaling; the safeguards are those of the
// damped trend, Gardner and McKenzie, Management Science 31, 1985: a trend must not be trusted for long.)

namespace ottoscale::decision {
namespace {

double RiseBetween(const Mark& from, const Mark& to) {
  return (to.value - from.value) / absl::ToDoubleSeconds(to.at - from.at);
}

}  // namespace

double GrowthOf(const Marks& marks, double value, async::BootTime at, absl::Duration ahead) {
  constexpr double kFurthest = 3;
  if (!(value > 0)) return 0;
  size_t last = 0;
  while (last < marks.newest_first.size() && marks.newest_first[last] &&
         at - marks.newest_first[last]->at < Marks::kApart) {
    ++last;
  }
  if (last + 1 >= marks.newest_first.size() || !marks.newest_first[last + 1]) return 0;
  const Mark& middle = *marks.newest_first[last];
  const Mark& first = *marks.newest_first[last + 1];
  if (value <= middle.value || middle.value <= first.value) return 0;
  const double slower = std::min(RiseBetween(middle, {at, value}), RiseBetween(first, middle));
  const double seconds = absl::ToDoubleSeconds(std::min(ahead, kFurthest * (at - first.at)));
  return std::clamp(slower * seconds / value, 0.0, 1.0);
}

void AddMark(Marks& marks, double value, async::BootTime at, absl::Duration longest_gap) {
  auto& newest_first = marks.newest_first;
  if (newest_first[0] && at - newest_first[0]->at > longest_gap) newest_first = {};
  if (newest_first[0] && at - newest_first[0]->at < Marks::kApart) return;
  std::shift_right(newest_first.begin(), newest_first.end(), 1);
  newest_first[0] = Mark{at, value};
}

absl::Duration BootTimeAfter(std::optional<absl::Duration> before, absl::Duration seen) {
  // A quarter: one that was slow for once has little weight, a change for good is learned within some orders.
  return before ? *before + (seen - *before) / 4 : seen;
}

}  // namespace ottoscale::decision
