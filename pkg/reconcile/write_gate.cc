#include "pkg/reconcile/write_gate.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/policy/quiet_range.h"

namespace ottoscale::reconcile {
namespace {

using decision::Cause;
using decision::SampleState;
using decision::Superseded;
using decision::Violation;
using decision::WriteResult;

// A write gets no more time than the lease has left; with less than this it is not begun: most would end unknown.
constexpr absl::Duration kLeaseReserve = absl::Seconds(3);
// For the look at the target right before the write.
constexpr absl::Duration kReadAgain = absl::Seconds(7);

struct Range {
  int low;
  int high;
};

// The widest bounds that this spec can ever have; computed here, not by the code that decided.
Range Hull(const policy::ScalingPolicy& spec, const AdminLimits& admin) {
  Range range{spec.min_capacity, spec.max_capacity};
  for (const policy::Window& window : spec.schedule.windows) {
    if (window.min_capacity) range.low = std::min(range.low, *window.min_capacity);
    if (window.max_capacity) {
      range.high = std::max(range.high, *window.max_capacity);
      range.low = std::min(range.low, *window.max_capacity);  // where windows conflict, max wins
    }
  }
  range.high = std::min(range.high, admin.max_capacity);
  range.low = std::min(range.low, range.high);
  return range;
}

// The largest step that any of the policy's strategies may take in this direction from `capacity`; nullopt: any.
std::optional<int> StepLimit(const policy::ScalingPolicy& spec, bool out, int capacity) {
  int limit = 0;
  for (const policy::Metric& metric : spec.metrics) {
    const std::optional<int> step =
        policy::LargestStep(metric.strategy, out ? policy::Direction::kOut : policy::Direction::kIn, capacity);
    if (!step) return std::nullopt;
    limit = std::max(limit, *step);
  }
  return limit;
}

absl::Duration MaxAge(const policy::ScalingPolicy& spec, const policy::Metric& metric) {
  return metric.max_age.value_or(3 * spec.poll_period);
}

// Empty when every sample is valid and was no older than its limit at `at`.
std::string StaleOrMissing(const policy::ScalingPolicy& spec, const std::vector<decision::Sample>& samples,
                           async::BootTime at) {
  if (samples.size() != spec.metrics.size()) return "there is not one sample for each metric";
  for (size_t i = 0; i < samples.size(); ++i) {
    const policy::Metric& metric = spec.metrics[i];
    if (metric.scale_out_only) continue;
    if (samples[i].state != SampleState::kValid) return absl::StrCat("metric ", metric.name, " has no valid sample");
    const absl::Duration age = at - samples[i].measured_at.boot;
    if (age > MaxAge(spec, metric)) {
      return absl::StrCat("the sample of metric ", metric.name, " is ", absl::FormatDuration(age), " old");
    }
  }
  return "";
}

bool WithinCooldown(const std::optional<async::BootTime>& last, absl::Duration cooldown, async::BootTime now) {
  return last && now - *last < cooldown;
}

}  // namespace

void Claims::Set(const std::string& policy, const std::string& target_uid, bool writes) {
  Remove(policy);
  if (!writes || target_uid.empty()) return;
  target_of_[policy] = target_uid;
  claimants_[target_uid].insert(policy);
}

void Claims::Remove(const std::string& policy) {
  const auto found = target_of_.find(policy);
  if (found == target_of_.end()) return;
  const auto claimants = claimants_.find(found->second);
  claimants->second.erase(policy);
  if (claimants->second.empty()) claimants_.erase(claimants);
  target_of_.erase(found);
}

std::optional<std::string> Claims::Rival(const std::string& policy, const std::string& target_uid) const {
  const auto found = claimants_.find(target_uid);
  if (found == claimants_.end()) return std::nullopt;
  for (const std::string& claimant : found->second) {
    if (claimant != policy) return claimant;
  }
  return std::nullopt;
}

std::optional<WriteResult> WriteGate::Check(const ProposedChange& change) const {
  const async::Instant now = dependencies_.loop.Now();
  const bool out = change.to > change.from;
  const policy::Direction direction = out ? policy::Direction::kOut : policy::Direction::kIn;

  if (dependencies_.limits.frozen) return Superseded{"the operator is frozen"};
  const std::optional<NewestSpec> newest = dependencies_.newest(change.policy);
  if (!newest) return Superseded{"the policy was deleted"};
  if (newest->generation != change.generation || newest->spec == nullptr) return Superseded{"the spec was changed"};
  const policy::ScalingPolicy& spec = *newest->spec;
  if (spec.mode == policy::Mode::kRecommend) return Superseded{"the mode is Recommend"};
  if (spec.suspend && spec.suspend->Holds(direction, now.wall)) return Superseded{"the policy is suspended"};
  if (dependencies_.lease_left() < kLeaseReserve) return Superseded{"the lease is about to lapse"};
  const auto found = ledgers_.find(change.target_uid);
  const Ledger ledger = found == ledgers_.end() ? Ledger{} : found->second;
  if (ledger.in_flight != nullptr && ledger.in_flight != &change)
    return Superseded{"another write to this target is under way"};
  if (ledger.unknown) return Superseded{"the end of the last write is unknown: the target is read first"};
  if (dependencies_.claims.Rival(change.policy, change.target_uid)) {
    return Superseded{"another policy has the same target"};
  }

  const Range hull = Hull(spec, dependencies_.limits);
  if (change.to < hull.low || change.to > hull.high) {
    return Violation{"bounds", absl::StrCat(change.to, " is outside ", hull.low, "..", hull.high)};
  }
  const int step = std::abs(change.to - change.from);
  if (step == 0) return Violation{"step", "there is nothing to change"};
  if (step > dependencies_.limits.max_step) {
    return Violation{"step",
                     absl::StrCat("a step of ", step, " is above the administrator's ", dependencies_.limits.max_step)};
  }
  if (change.cause == Cause::kBounds) return std::nullopt;

  const std::optional<int> limit = StepLimit(spec, out, change.from);
  if (limit && step > *limit) {
    return Violation{"step", absl::StrCat("a step of ", step, " is above the policy's ", *limit)};
  }
  const async::BootTime decided = change.decided_at.boot;
  const policy::Behavior& behavior = spec.behavior;
  if (out ? WithinCooldown(ledger.last_out, behavior.scale_out.cooldown, decided)
          : WithinCooldown(ledger.last_out, behavior.scale_in.cooldown, decided) ||
                WithinCooldown(ledger.last_in, behavior.scale_in.cooldown, decided)) {
    return Violation{"cooldown", "the cooldown since the last write is still running"};
  }
  if (!out) {
    if (std::string why = StaleOrMissing(spec, change.samples, decided); !why.empty()) return Violation{"samples", why};
    // Fresh when it was decided, stale by now: the wait for the status was long. Nobody's defect.
    if (std::string why = StaleOrMissing(spec, change.samples, now.boot); !why.empty()) return Superseded{why};
  }
  return std::nullopt;
}

WriteResult WriteGate::Stop(WriteResult result) {
  if (std::holds_alternative<Violation>(result)) ++violations_;
  return result;
}

async::Task<WriteResult> WriteGate::Write(const ProposedChange& change, ports::ScalingTarget& target,
                                          async::BootTime deadline) {
  const async::BootTime read_by = std::min(deadline, dependencies_.loop.Now().boot + kReadAgain);
  const decision::TargetReading reading = co_await target.Read(read_by);
  const auto* state = std::get_if<decision::TargetState>(&reading);
  if (state == nullptr) co_return Superseded{"the target could not be read once more before the write"};
  if (state->uid != change.target_uid || state->desired != change.from) {
    co_return Superseded{absl::StrCat("somebody has changed the target from ", change.from, " to ", state->desired,
                                      " since the decision")};
  }
  if (std::optional<WriteResult> stopped = Check(change)) co_return *stopped;
  // The clock first: should the process be stopped between the two, the sum is too small and never too large.
  const async::BootTime now = dependencies_.loop.Now().boot;
  co_return co_await target.SetCapacity(change.to, std::min(deadline, now + dependencies_.lease_left()));
}

async::Task<WriteResult> WriteGate::Apply(ProposedChange change, ports::ScalingTarget& target,
                                          async::BootTime deadline) {
  if (std::optional<WriteResult> stopped = Check(change)) co_return Stop(*stopped);
  Ledger& ledger = ledgers_[change.target_uid];  // a std::map's values stay where they are
  ledger.in_flight = &change;
  WriteResult result = co_await Write(change, target, deadline);
  ledger.in_flight = nullptr;
  if (std::holds_alternative<decision::Applied>(result)) ledger.Count(change);
  if (std::holds_alternative<decision::Unknown>(result)) ledger.unknown = std::move(change);
  co_return Stop(std::move(result));
}

void WriteGate::Observed(const std::string& target_uid, int desired) {
  const auto found = ledgers_.find(target_uid);
  if (found == ledgers_.end() || !found->second.unknown) return;
  Ledger& ledger = found->second;
  if (ledger.unknown->to == desired) ledger.Count(*ledger.unknown);
  ledger.unknown.reset();
}

WriteGate::Writes WriteGate::WritesTo(const std::string& target_uid) const {
  const auto found = ledgers_.find(target_uid);
  if (found == ledgers_.end()) return {};
  return {found->second.last_out, found->second.last_in};
}

void WriteGate::Restore(const std::string& target_uid, std::optional<async::BootTime> last_out,
                        std::optional<async::BootTime> last_in) {
  Ledger& ledger = ledgers_[target_uid];
  if (last_out && (!ledger.last_out || *ledger.last_out < *last_out)) ledger.last_out = last_out;
  if (last_in && (!ledger.last_in || *ledger.last_in < *last_in)) ledger.last_in = last_in;
}

}  // namespace ottoscale::reconcile
