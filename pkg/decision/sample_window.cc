#include "pkg/decision/sample_window.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace ottoscale::decision {
namespace {

using Type = policy::Aggregation::Type;

bool HasGap(const SampleWindow& window, async::BootTime at, absl::Duration longest_gap) {
  return !window.last || at - *window.last > longest_gap;
}

double Smoothed(const SampleWindow& window, const policy::Aggregation& aggregation, double value, async::BootTime at) {
  const double share = -std::expm1(-absl::FDivDuration(at - *window.last, aggregation.window));
  return window.smoothed + share * (value - window.smoothed);
}

struct Weighted {
  double value = 0;
  int count = 0;
};

// The nearest rank among `size` values.
double PercentileOf(std::array<Weighted, SampleWindow::kSlots + 2>& values, size_t size, double percent) {
  std::sort(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(size),
            [](const Weighted& a, const Weighted& b) { return a.value < b.value; });
  int total = 0;
  for (size_t i = 0; i < size; ++i) total += values[i].count;
  const double rank = std::max(1.0, std::ceil(percent / 100 * total - 1e-9));
  double seen = 0;
  for (size_t i = 0; i < size; ++i) {
    seen += values[i].count;
    if (seen >= rank) return values[i].value;
  }
  return values[size - 1].value;
}

// `counts`: whether the newest is still to be added to the slots.
Aggregate OfSlots(const SampleWindow& window, const policy::Aggregation& aggregation, Aggregate newest, bool counts,
                  async::BootTime at) {
  std::array<Weighted, SampleWindow::kSlots + 2> values;
  size_t size = 0;
  if (counts) values[size++] = {newest.value, 1};
  double mean = newest.value;
  int count = counts ? 1 : 0;
  for (const SampleSlot& slot : window.slots) {
    if (at - slot.start >= aggregation.window || size == values.size()) continue;
    values[size++] = {slot.sum / slot.count, slot.count};
    count += slot.count;
    // Running, so that large values do not overflow.
    mean += (slot.sum / slot.count - mean) * slot.count / count;
    newest.censored |= slot.censored;
  }
  newest.value = aggregation.type == Type::kMean ? mean : PercentileOf(values, size, aggregation.percent);
  return newest;
}

void StartAfresh(SampleWindow& window, double value, async::BootTime at) {
  window.slots.clear();
  window.smoothed = value;
  window.censored_at.reset();
  window.since = at;
}

void AddToSlots(SampleWindow& window, const policy::Aggregation& aggregation, double value, bool censored,
                async::BootTime at) {
  std::erase_if(window.slots, [&](const SampleSlot& slot) { return at - slot.start >= aggregation.window; });
  const absl::Duration width = aggregation.window / SampleWindow::kSlots;
  if (window.slots.empty() || at - window.slots.back().start >= width) {
    window.slots.push_back({.start = at});
  }
  SampleSlot& slot = window.slots.back();
  slot.sum += value;
  ++slot.count;
  slot.censored |= censored;
}

}  // namespace

Aggregate AggregateWith(const SampleWindow& window, const policy::Aggregation& aggregation, double value, bool censored,
                        async::BootTime at, absl::Duration longest_gap) {
  Aggregate newest{.value = value, .censored = censored, .covered = true};
  if (aggregation.type == Type::kLast) return newest;
  const bool old = window.last && at <= *window.last;
  if (!old && HasGap(window, at, longest_gap)) {
    newest.covered = false;
    return newest;
  }
  newest.covered = window.since && at - *window.since >= aggregation.window;
  if (aggregation.type != Type::kExponentialMean) return OfSlots(window, aggregation, newest, !old, at);
  newest.value = old ? window.smoothed : Smoothed(window, aggregation, value, at);
  // What a value has left after five time constants is below a hundredth of it.
  newest.censored |= window.censored_at && at - *window.censored_at < 5 * aggregation.window;
  return newest;
}

void AddSample(SampleWindow& window, const policy::Aggregation& aggregation, double value, bool censored,
               async::BootTime at, absl::Duration longest_gap) {
  if (aggregation.type == Type::kLast || (window.last && at <= *window.last)) return;
  if (HasGap(window, at, longest_gap)) {
    StartAfresh(window, value, at);
  } else if (aggregation.type == Type::kExponentialMean) {
    window.smoothed = Smoothed(window, aggregation, value, at);
  }
  if (censored) window.censored_at = at;
  if (aggregation.type != Type::kExponentialMean) AddToSlots(window, aggregation, value, censored, at);
  window.last = at;
}

}  // namespace ottoscale::decision
