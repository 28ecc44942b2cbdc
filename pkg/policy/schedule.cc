#include "pkg/policy/schedule.h"

#include <algorithm>

// Note [Civil time]
// A window is given in local time, which has gaps and overlaps. Each occurrence is turned into two absolute times
// before anything is compared, so that "is it open" never asks a wall clock that runs backwards:
//
//   | local time | absolute time                              |
//   |------------|--------------------------------------------|
//   | unique     | that time                                  |
//   | skipped    | the jump, for a start and for an end alike |
//   | repeated   | the first of the two                       |
//
// A window that lies wholly inside a gap is therefore empty, and one inside an overlap is open once.

namespace ottoscale::policy {
namespace {

// [start, end)
struct Span {
  absl::Time start;
  absl::Time end;
  bool Contains(absl::Time t) const { return start <= t && t < end; }
};

absl::Time Absolute(const absl::TimeZone& zone, absl::CivilMinute local) {
  const absl::TimeZone::TimeInfo info = zone.At(absl::CivilSecond(local));
  return info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
}

bool OnDay(const Weekly& weekly, absl::CivilDay day) {
  return weekly.days.at(static_cast<size_t>(absl::GetWeekday(day)) - static_cast<size_t>(absl::Weekday::monday));
}

// The occurrence that starts on `day`; nullopt when there is none.
std::optional<Span> OccurrenceOn(const Weekly& weekly, const absl::TimeZone& zone, absl::CivilDay day) {
  if (!OnDay(weekly, day)) return std::nullopt;
  const bool crosses_midnight = weekly.end_minute <= weekly.start_minute;
  const absl::CivilMinute midnight(day);
  const absl::CivilMinute last_midnight(crosses_midnight ? day + 1 : day);
  return Span{Absolute(zone, midnight + weekly.start_minute), Absolute(zone, last_midnight + weekly.end_minute)};
}

// An occurrence lasts at most a day, and a zone may skip one (Samoa in 2011): those of the last two days can still be
// open.
constexpr int kDaysBack = 2;
// Far enough for a weekly window whose next occurrence falls into a gap.
constexpr int kDaysAhead = 15;

std::vector<Span> Occurrences(const Window& window, const absl::TimeZone& zone, absl::Time now, int days_ahead) {
  std::vector<Span> spans;
  if (const auto* once = std::get_if<Once>(&window.when)) {
    spans.push_back({Absolute(zone, once->start), Absolute(zone, once->end)});
    return spans;
  }
  const absl::CivilDay today = absl::ToCivilDay(now, zone);
  for (int offset = -kDaysBack; offset <= days_ahead; ++offset) {
    if (const auto span = OccurrenceOn(std::get<Weekly>(window.when), zone, today + offset)) spans.push_back(*span);
  }
  return spans;
}

// Whether a weekly window is open at the local time `now`, where every day around it has 24 hours.
bool IsOpenOnPlainDays(const Weekly& weekly, absl::CivilSecond now) {
  const absl::CivilDay today(now);
  const absl::civil_diff_t second = now - absl::CivilSecond(today);
  const bool crosses_midnight = weekly.end_minute <= weekly.start_minute;
  const bool begun = second >= absl::civil_diff_t{weekly.start_minute} * 60;
  const bool ended = second >= absl::civil_diff_t{weekly.end_minute} * 60;
  if (begun && (crosses_midnight || !ended) && OnDay(weekly, today)) return true;
  return crosses_midnight && !ended && OnDay(weekly, today - 1);
}

// Whether the clocks go on evenly from three days before to three days after `now`, which has this offset from UTC.
// Within those six days no zone leaves an offset and comes back to it: since 1940, and in what tzdata (2026f) foresees,
// none has done so in less than 6 d 23 h (Brazil in 2000, Gaza in years to come).
bool IsPlain(const absl::TimeZone& zone, absl::Time now, int offset) {
  constexpr absl::Duration kAround = absl::Hours(72);
  return zone.At(now - kAround).offset == offset && zone.At(now + kAround).offset == offset;
}

bool IsOpen(const std::vector<Span>& spans, absl::Time t) {
  return std::any_of(spans.begin(), spans.end(), [t](const Span& span) { return span.Contains(t); });
}

// When a window opens or closes; a weekly one within so many days, else nullopt.
std::optional<absl::Time> NextChangeWithin(int days, const Window& window, const absl::TimeZone& zone, absl::Time now) {
  const std::vector<Span> spans = Occurrences(window, zone, now, days + 2);
  // The end of the last occurrence that was looked at may be the start of the next one.
  const bool weekly = std::holds_alternative<Weekly>(window.when);
  const absl::Time horizon = weekly ? now + days * absl::Hours(24) : absl::InfiniteFuture();
  std::vector<absl::Time> edges;
  for (const Span& span : spans) {
    for (const absl::Time edge : {span.start, span.end}) {
      if (edge > now && edge <= horizon) edges.push_back(edge);
    }
  }
  std::sort(edges.begin(), edges.end());
  // Where one occurrence ends as the next begins, nothing changes.
  const auto changes = [&spans](absl::Time t) { return IsOpen(spans, t) != IsOpen(spans, t - absl::Nanoseconds(1)); };
  const auto found = std::find_if(edges.begin(), edges.end(), changes);
  if (found == edges.end()) return std::nullopt;
  return *found;
}

std::optional<absl::Time> NextChangeOf(const Window& window, const absl::TimeZone& zone, absl::Time now) {
  const auto soon = NextChangeWithin(1, window, zone, now);  // nearly always, and the days ahead are what costs
  return soon ? soon : NextChangeWithin(kDaysAhead, window, zone, now);
}

}  // namespace

bool OpenAt(const Window& window, const absl::TimeZone& zone, absl::Time now) {
  if (const auto* once = std::get_if<Once>(&window.when)) {
    return Span{Absolute(zone, once->start), Absolute(zone, once->end)}.Contains(now);
  }
  const auto& weekly = std::get<Weekly>(window.when);
  const absl::TimeZone::CivilInfo local = zone.At(now);
  if (weekly.start_minute < 1440 && IsPlain(zone, now, local.offset)) return IsOpenOnPlainDays(weekly, local.cs);
  const absl::CivilDay today(local.cs);
  // Tomorrow too: where the clock goes back over midnight, it has begun already.
  for (int offset = 1; offset >= -kDaysBack; --offset) {
    const auto span = OccurrenceOn(weekly, zone, today + offset);
    if (span && span->Contains(now)) return true;
  }
  return false;
}

Limits LimitsAt(int min_capacity, int max_capacity, const Schedule& schedule, absl::Time now, int ceiling) {
  Limits limits{.min = min_capacity, .max = max_capacity};
  for (const Window& window : schedule.windows) {
    if (!OpenAt(window, schedule.zone, now)) continue;
    if (window.min_capacity) {
      limits.min = *window.min_capacity;
      limits.min_from = window.name;
    }
    if (window.max_capacity) {
      limits.max = *window.max_capacity;
      limits.max_from = window.name;
    }
  }
  if (limits.min > limits.max) {
    limits.conflict = true;
    limits.min = limits.max;
    limits.min_from = limits.max_from;
  }
  if (limits.max > ceiling) {
    limits.max = ceiling;
    limits.max_from = kFromAdministrator;
  }
  if (limits.min > ceiling) {
    limits.min = ceiling;
    limits.min_from = kFromAdministrator;
  }
  return limits;
}

std::optional<absl::Time> NextChangeAfter(const Schedule& schedule, absl::Time now) {
  std::optional<absl::Time> next;
  for (const Window& window : schedule.windows) {
    const std::optional<absl::Time> change = NextChangeOf(window, schedule.zone, now);
    if (change && (!next || *change < *next)) next = change;
  }
  return next;
}

Limits HullOf(int min_capacity, int max_capacity, const Schedule& schedule) {
  Limits hull{.min = std::min(min_capacity, max_capacity), .max = max_capacity};
  for (const Window& window : schedule.windows) {
    // A maximum below the minimum that stands beside it lowers that too: max wins.
    for (const std::optional<int>& bound : {window.min_capacity, window.max_capacity}) {
      if (bound && *bound < hull.min) {
        hull.min = *bound;
        hull.min_from = window.name;
      }
    }
    if (window.max_capacity && *window.max_capacity > hull.max) {
      hull.max = *window.max_capacity;
      hull.max_from = window.name;
    }
  }
  return hull;
}

}  // namespace ottoscale::policy
