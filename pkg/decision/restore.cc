// What survives a restart.
#include <algorithm>

#include "pkg/decision/status.h"

namespace ottoscale::decision {
namespace {

// A time of the past on the clock that starts anew with the machine. What lies in the future (a clock was set back)
// counts as now: cooldowns are then waited out in full.
async::Instant InstantOf(absl::Time wall, async::Instant now) {
  const absl::Duration ago = std::max(now.wall - wall, absl::ZeroDuration());
  return {now.wall - ago, now.boot - ago};
}

std::optional<async::Instant> InstantOf(const std::optional<absl::Time>& wall, async::Instant now) {
  if (!wall) return std::nullopt;
  return InstantOf(*wall, now);
}

// There was a status, and what it should know about changes is not in it. A policy that has never read its target or
// never changed it knows nothing and has lost nothing.
bool HasLostState(const PolicyStatus& status) {
  if (status.observed_generation == 0) return false;
  const bool had_target = status.target_capacity.has_value() || !status.target.empty();
  const bool has_changed = status.last_scale_out_time || status.last_scale_in_time;
  return (had_target && status.target_uid.empty()) || has_changed != status.last_applied.has_value();
}

std::vector<Change> ChangesOf(const PolicyStatus& status, async::Instant now) {
  std::vector<Change> changes;
  for (const HistoryEntry& entry : status.history) {
    if (entry.result != "Applied" || entry.from == entry.to) continue;
    changes.push_back({.at = InstantOf(entry.time, now), .from = entry.from, .to = entry.to});
  }
  return changes;
}

bool WasSwitchedOff(const PolicyStatus& status) {
  const Condition* able = FindCondition(status, "AbleToScale");
  return able != nullptr && able->reason == CodeName(Code::kScaledToZero);
}

}  // namespace

History RestoreHistory(const PolicyStatus& status, async::Instant now) {
  History history{.changes = ChangesOf(status, now),
                  .last_scale_out = InstantOf(status.last_scale_out_time, now),
                  .last_scale_in = InstantOf(status.last_scale_in_time, now),
                  .target_uid = status.target_uid,
                  .pending = status.pending_change,
                  .known_desired = status.target_capacity,
                  .state_lost = HasLostState(status)};
  if (status.last_applied) {
    const int capacity = status.last_applied->capacity;
    history.last_applied = Change{.at = InstantOf(status.last_applied->time, now), .from = capacity, .to = capacity};
  }
  // A 0 that somebody else has set stays somebody else's, also where the last write of ours was one.
  if (WasSwitchedOff(status)) {
    history.last_external = Change{.at = {now.wall, now.boot - absl::Nanoseconds(1)}, .from = 0, .to = 0};
  }
  return history;
}

}  // namespace ottoscale::decision
