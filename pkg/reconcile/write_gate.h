// The last line before money is spent. It shares no code with the decision core, keeps its own ledger of writes, and
// looks at the world once more in the moment of the write. `Superseded` is an ordinary race (decide again); `Violation`
// can only be a defect of ours (the policy is held until its generation changes).
//
// | Checked right before the write                                                        | If not     |
// |---------------------------------------------------------------------------------------|------------|
// | the newest spec seen still has this generation, is not suspended, deleted, Recommend    | Superseded |
// | the lease is held for 3 s more, and the write ends with it; no other write to this       |            |
// | target is in flight, nor one whose end is unknown                                        | Superseded |
// | no other policy that may write claims the same target                                   | Superseded |
// | the target, read once more, still stands at `from`: nobody has changed it since          | Superseded |
// | `to` is inside the hull of the plain bounds, all windows and the administrator's ceiling | Violation  |
// | the step is no larger than the policy's or the administrator's step limit               | Violation  |
// | the cooldown has passed since the ledger's last write (not for cause Bounds)            | Violation  |
// | a decrease rests on fresh, valid samples (not for cause Bounds)                         | Violation  |
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pkg/async/loop.h"
#include "pkg/decision/decide.h"
#include "pkg/ports/ports.h"

namespace ottoscale::reconcile {

// Who may write to which target. A claim counts once the policy's own account has read that target, so nobody can
// freeze a stranger's app by naming it. Names are "namespace/name".
class Claims {
 public:
  // `writes`: Enforce and not wholly suspended. Replaces the policy's earlier claim.
  void Set(const std::string& policy, const std::string& target_uid, bool writes);
  void Remove(const std::string& policy);
  // Another policy that may write to the same target, the first by name; nullopt when there is none.
  std::optional<std::string> Rival(const std::string& policy, const std::string& target_uid) const;

 private:
  std::map<std::string, std::string> target_of_;            // policy -> uid, of those that may write
  std::map<std::string, std::set<std::string>> claimants_;  // uid -> policies
};

// What the administrator allows, whatever the policies say.
struct AdminLimits {
  int max_capacity = 1'000'000;
  int max_step = 1'000'000;
  bool frozen = false;                      // decide and report, write nothing
  std::vector<std::string> allowed_clouds;  // types of CloudAccounts; empty: all
  size_t max_policies_per_namespace = 0;    // the oldest count; 0: as many as there are
};

// The newest that is known of a policy, read again at the moment of the write. nullopt: deleted.
struct NewestSpec {
  int64_t generation = 0;
  const policy::ScalingPolicy* spec = nullptr;  // borrowed until the next turn; null: newest spec is invalid
};

struct ProposedChange {
  std::string policy;      // "namespace/name"
  int64_t generation = 0;  // that was decided on
  std::string target_uid;
  int from = 0;
  int to = 0;
  decision::Cause cause = decision::Cause::kMetrics;
  async::Instant decided_at;
  std::vector<decision::Sample> samples;  // behind it, in the order of spec.metrics
};

class WriteGate {
 public:
  struct Dependencies {
    async::Loop& loop;
    const Claims& claims;
    AdminLimits limits;
    std::function<std::optional<NewestSpec>(const std::string& policy)> newest;
    // Until writes must stop: nobody else leads before that, with a margin. Infinite without leader election.
    std::function<absl::Duration()> lease_left;
  };
  explicit WriteGate(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  // Checks, reads the target once more, checks again (the world goes on while it is read) and, when all is well,
  // writes. Waits for nothing but the cloud. `target` outlives the call. The write itself ends by `deadline` or with
  // the lease as it is when the write begins, whichever is sooner: a later renewal does not lengthen it.
  async::Task<decision::WriteResult> Apply(ProposedChange change, ports::ScalingTarget& target,
                                           async::BootTime deadline);
  // The target was read: settles a write whose end was unknown. It counts as made when the target stands where it led.
  void Observed(const std::string& target_uid, int desired);
  // What status remembers of writes before a restart. Only moves forward.
  void Restore(const std::string& target_uid, std::optional<async::BootTime> last_out,
               std::optional<async::BootTime> last_in);

  // The last writes to this target that the ledger counts, whichever policy made them.
  struct Writes {
    std::optional<async::BootTime> last_out;
    std::optional<async::BootTime> last_in;
  };
  Writes WritesTo(const std::string& target_uid) const;

  // The pure part: nullopt when the change may be written.
  std::optional<decision::WriteResult> Check(const ProposedChange& change) const;
  uint64_t violations() const { return violations_; }

 private:
  async::Task<decision::WriteResult> Write(const ProposedChange& change, ports::ScalingTarget& target,
                                           async::BootTime deadline);
  decision::WriteResult Stop(decision::WriteResult result);

  struct Ledger {
    void Count(const ProposedChange& change) {
      (change.to > change.from ? last_out : last_in) = change.decided_at.boot;
    }

    std::optional<async::BootTime> last_out;
    std::optional<async::BootTime> last_in;
    const ProposedChange* in_flight = nullptr;  // the one that is being written
    std::optional<ProposedChange> unknown;      // may have happened
  };

  Dependencies dependencies_;
  std::map<std::string, Ledger> ledgers_;  // by target uid
  uint64_t violations_ = 0;
};

}  // namespace ottoscale::reconcile
