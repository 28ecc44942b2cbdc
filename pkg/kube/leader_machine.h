// Leader election over a Lease as a state machine: what to ask the API server next, given what has come. Pure: no I/O,
// no clock, no chance; `now` is a parameter. The LeaderElector drives it.
//
//   call        first action
//   Acquire()   a try; leads to Won, never to Lost
//   Renew()     a pause, then a try, and so on; leads to Lost, never to Won
//   Release()   the holder becomes ""; leads to Released
//
//   in a try    input                                         next
//   begin       the record names us and is valid              update without reading (the fast path)
//               otherwise                                     read
//   fast path   LeaseWritten                                  renewed
//               LeaseFailed                                   read
//   read        LeaseMissing: a valid record of another       not won (see below)
//               LeaseMissing: otherwise                       create
//               LeaseRead: another holder, its record valid   not won; while leading: Lost
//               LeaseRead: another holder, while leading      Lost
//               LeaseRead: otherwise                          update
//               LeaseFailed                                   not won
//   create,     LeaseWritten                                  won or renewed
//   update      LeaseFailed                                   not won
//
// "The record" is the spec of the Lease, compared byte by byte. It is valid for the duration that *it* names, counted
// on our own monotonic clock from when we saw it change; renewTime is never compared with anything, so no wall clock
// matters. A Lease that disappears counts as a change: its holder may still be writing, so it is waited out as well.
//
// We lead until renew_deadline after the *start* of the last write that succeeded. Whoever takes over must have seen
// that write, so not before the start, and waits for the longer lease_duration: the difference is what absorbs clocks
// of different speed (up to lease_duration / renew_deadline) and writes that are on their way.
//
// Pauses: a leader tries every retry_period. Others wait 0.5 to 0.9 of it, and no longer than the record is valid: a
// crashed leader is replaced within lease_duration and one pause, a stopped one within a pause.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "pkg/async/instant.h"
#include "pkg/kubeapi/object.h"

namespace ottoscale::kube {

struct LeaderElectionOptions {
  std::string ns;  // of the Lease
  std::string name = "ottoscale";
  std::string identity;  // of this process alone, never used again: "pod_9f3c..."
  absl::Duration lease_duration = absl::Seconds(15);
  absl::Duration renew_deadline = absl::Seconds(10);
  absl::Duration retry_period = absl::Seconds(2);

  // InvalidArgument in one sentence for the first rule that is broken.
  absl::Status Validate() const;
  kubeapi::ObjectKey Key() const { return {ns, name}; }
};

// What to do next, and what that leads to.
struct ReadLease {  // LeaseRead, LeaseMissing or LeaseFailed
  bool operator==(const ReadLease&) const = default;
};
struct CreateLease {  // LeaseWritten or LeaseFailed
  nlohmann::json lease;
  bool operator==(const CreateLease&) const = default;
};
struct UpdateLease {  // LeaseWritten or LeaseFailed
  nlohmann::json lease;
  bool operator==(const UpdateLease&) const = default;
};
struct PauseTries {  // Paused, at a time drawn from [least, most]
  async::BootTime least;
  async::BootTime most;
  bool operator==(const PauseTries&) const = default;
};
// The ends.
struct Won {
  bool operator==(const Won&) const = default;
};
struct Lost {
  std::string why;
  bool operator==(const Lost&) const = default;
};
struct Released {
  bool operator==(const Released&) const = default;
};
using LeaderAction = std::variant<ReadLease, CreateLease, UpdateLease, PauseTries, Won, Lost, Released>;

// What has come.
struct LeaseRead {
  nlohmann::json lease;
};
struct LeaseMissing {};
struct LeaseWritten {
  nlohmann::json lease;
};
struct LeaseFailed {
  absl::Status why;  // conflicts too: after any of them the Lease is read before it is written again
};
struct Paused {};
using LeaderInput = std::variant<LeaseRead, LeaseMissing, LeaseWritten, LeaseFailed, Paused>;

class LeaderMachine {
 public:
  // `options` are valid.
  explicit LeaderMachine(LeaderElectionOptions options) : options_(std::move(options)) {}

  // Each may be called at any time; whatever was under way is forgotten. Renew: only while leading.
  LeaderAction Acquire(async::Instant now);
  LeaderAction Renew(async::Instant now);
  LeaderAction Release(async::Instant now);
  // CHECK fails when `input` is not one that the last action leads to.
  LeaderAction Next(LeaderInput input, async::Instant now);

  // Until when we lead; in the past (or at boot) when we do not.
  async::BootTime leading_until() const { return leading_until_; }
  // As last seen; "" for nobody.
  const std::string& holder() const { return holder_; }
  int64_t transitions() const { return transitions_; }
  uint64_t slow_paths() const { return slow_paths_; }  // renewals that had to read first

 private:
  enum class Aim { kNone, kAcquire, kRenew, kRelease };
  enum class Step { kNone, kFastPath, kReading, kCreating, kUpdating, kPausing };

  LeaderAction On(const LeaseRead& input, async::Instant now);
  LeaderAction On(const LeaseMissing& input, async::Instant now);
  LeaderAction On(const LeaseWritten& input, async::Instant now);
  LeaderAction On(const LeaseFailed& input, async::Instant now);
  LeaderAction On(const Paused& input, async::Instant now);

  LeaderAction Try(async::Instant now);
  LeaderAction Read();
  LeaderAction Create(async::Instant now);
  LeaderAction Update(Step step, async::Instant now);
  LeaderAction NotWon(async::Instant now);
  LeaderAction Lose(std::string why);
  LeaderAction End(LeaderAction end);

  void Observe(nlohmann::json lease, async::BootTime now);
  bool Mine() const { return holder_ == options_.identity; }
  bool Valid(async::BootTime now) const { return observed_at_ + duration_ > now; }

  const LeaderElectionOptions options_;
  Aim aim_ = Aim::kNone;
  Step step_ = Step::kNone;
  async::BootTime tried_at_;  // the start of the try
  async::BootTime sent_at_;   // the start of the last write
  async::BootTime leading_until_;
  bool may_hold_ = false;  // a write of ours may have happened since the record was last read

  // What was seen last.
  std::optional<nlohmann::json> lease_;  // the whole object; nullopt: there is none
  std::string record_;                   // its spec as text; "": none
  std::string holder_;
  absl::Duration duration_;
  int64_t transitions_ = 0;
  async::BootTime observed_at_;  // when record_ changed
  uint64_t slow_paths_ = 0;
};

}  // namespace ottoscale::kube
