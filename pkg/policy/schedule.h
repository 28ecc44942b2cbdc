// Bounds that depend on the time: windows in a time zone. Pure.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace ottoscale::policy {

// On the given days, from `start` (inclusive) to `end` (exclusive), in minutes since local midnight, 0..1440. An end
// not after the start crosses midnight; the days are those of the start.
struct Weekly {
  std::array<bool, 7> days = {true, true, true, true, true, true, true};  // from Monday
  int start_minute = 0;
  int end_minute = 1440;
  bool operator==(const Weekly&) const = default;
};

// Once, local time, start inclusive, end exclusive.
struct Once {
  absl::CivilMinute start;
  absl::CivilMinute end;
  bool operator==(const Once&) const = default;
};

struct Window {
  std::string name;
  std::variant<Weekly, Once> when;
  std::optional<int> min_capacity;  // nullopt: leaves the bound as it is
  std::optional<int> max_capacity;
  bool operator==(const Window&) const = default;
};

struct Schedule {
  std::string time_zone = "UTC";  // as written
  absl::TimeZone zone = absl::UTCTimeZone();
  std::vector<Window> windows;  // later ones win, field by field
  friend bool operator==(const Schedule& a, const Schedule& b) {
    return a.time_zone == b.time_zone && a.windows == b.windows;
  }
};

// Where a bound comes from that the administrator has set.
inline constexpr char kFromAdministrator[] = "--max-capacity";

// The bounds in force. `*_from` names the window that set the bound, "" for the spec's own.
struct Limits {
  int min = 0;
  int max = 0;
  std::string min_from;
  std::string max_from;
  bool conflict = false;  // windows together gave min > max: max won
  bool operator==(const Limits&) const = default;
};

// Whether the window is open at `now`. A start or end inside a DST gap takes effect at the jump; inside an overlap, at
// its first occurrence, once.
bool OpenAt(const Window& window, const absl::TimeZone& zone, absl::Time now);

// `ceiling` is above everything; both bounds give way to it.
Limits LimitsAt(int min_capacity, int max_capacity, const Schedule& schedule, absl::Time now, int ceiling = 1'000'000);

// The first time after `now` at which some window opens or closes; nullopt when none ever does.
std::optional<absl::Time> NextChangeAfter(const Schedule& schedule, absl::Time now);

// The widest bounds that any time can have: the plain ones and every window's.
Limits HullOf(int min_capacity, int max_capacity, const Schedule& schedule);

}  // namespace ottoscale::policy
