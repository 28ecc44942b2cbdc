// One policy, one pass: observe, decide, write, report. Called by the controller with a key, never twice at once for
// the same key. It holds no arithmetic about capacity (that is pkg/decision) and no rule about what may be written
// (that is the WriteGate).
//
// Order of writes: intent into status.pendingChange -> gate -> SetCapacity -> outcome into status. A restarted operator
// that finds an intent reads the target first.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pkg/async/loop.h"
#include "pkg/async/semaphore.h"
#include "pkg/async/task.h"
#include "pkg/decision/decide.h"
#include "pkg/decision/status.h"
#include "pkg/kube/cache.h"
#include "pkg/kube/client.h"
#include "pkg/kube/controller.h"
#include "pkg/kube/events.h"
#include "pkg/ports/ports.h"
#include "pkg/reconcile/accounts.h"
#include "pkg/reconcile/metrics.h"
#include "pkg/reconcile/probe_health.h"
#include "pkg/reconcile/write_gate.h"
#include "pkg/telemetry/log.h"

namespace ottoscale::reconcile {

// What is kept of a policy between passes. Owned by the Reconciler; lives as long as the policy.
struct PolicyEntry {
  kubeapi::ObjectKey key;
  std::string uid;                            // of the object: another uid is another policy of the same name
  int64_t generation = 0;                     // that `spec` was decoded from
  size_t spec_hash = 0;                       // of the same: see kube::Object
  std::optional<policy::ScalingPolicy> spec;  // nullopt: invalid
  std::unique_ptr<ports::ScalingTarget> target;
  std::optional<ports::Account> account;  // that `target` was made with
  std::vector<std::unique_ptr<ports::MetricSource>> sources;
  bool admitted = false;         // among those that the administrator allows in its namespace: it stays so
  bool account_refused = false;  // the cloud refused the key: read the Secret again
  decision::History history;
  decision::PolicyStatus status;    // the newest
  decision::PolicyStatus reported;  // the last that we know to stand in the API server
  bool report_unknown = false;      // a write failed, or only its answer was lost: what stands there is not known
  async::BootTime status_written;   // when
  std::optional<decision::Outcome> last;
  std::optional<int64_t> violated;            // the generation that the gate has stopped
  bool hurried = false;                       // this pass came early, to look again
  std::optional<async::BootTime> due;         // of the next pass, as far as we asked for it
  std::optional<async::BootTime> first_turn;  // of the first pass
};

class Reconciler {
 public:
  struct Dependencies {
    async::Loop& loop;
    const kube::Client& client;
    const kube::Cache& policies;
    const kube::Cache& accounts;
    const ports::Providers& providers;
    kube::EventRecorder& events;
    telemetry::Logger log;
    Metrics& metrics;
    AdminLimits limits;
    std::function<absl::Duration()> lease_left = [] { return absl::InfiniteDuration(); };  // see WriteGate
    std::function<void(const Secret&)> on_secret;       // told each credential before it is used; may be null
    absl::Duration target_timeout = absl::Seconds(20);  // of reading the target
    // Of reading the metrics: longer than the longest timeout that a source may be given, since a hang is evidence only
    // when it was watched to its end.
    absl::Duration sample_timeout = absl::Seconds(66);
    absl::Duration write_timeout = absl::Seconds(15);  // of one write to the cloud
    absl::Duration api_timeout = absl::Seconds(10);    // of one call to the API server
    // Between the first passes of two policies: thousands that are met at once (a start, a failover) would wait for
    // each other, and the heartbeats that are timed meanwhile would look slow.
    absl::Duration first_pass_spacing;
  };
  // A flood of statuses (a start, a failover) waits here and not in the API server, where the renewal of the lease and
  // the intents would wait behind it.
  static constexpr size_t kReportsAtOnce = 16;
  explicit Reconciler(Dependencies dependencies);

  // A pass, or the goodbye to a policy that is gone. Fails only when it should be tried again with backoff.
  async::Task<absl::StatusOr<kube::Requeue>> Reconcile(kubeapi::ObjectKey key);

  const std::map<kubeapi::ObjectKey, PolicyEntry>& entries() const { return entries_; }
  const WriteGate& gate() const { return gate_; }

 private:
  enum class Adopted { kReady, kInvalid };
  Adopted Adopt(PolicyEntry& entry, const kube::Object& object);
  void Restore(PolicyEntry& entry, const nlohmann::json& object);
  void MakeSources(PolicyEntry& entry);
  bool IsOneTooMany(const kube::Object& object) const;
  async::Task<absl::StatusOr<kube::Requeue>> HoldBack(PolicyEntry& entry);
  std::optional<NewestSpec> Newest(const std::string& policy);

  async::Task<decision::Outcome> Pass(PolicyEntry& entry, async::Instant now);
  async::Task<decision::Observation> Observe(PolicyEntry& entry, async::BootTime start);
  async::Task<decision::TargetReading> ReadTarget(PolicyEntry& entry, async::BootTime deadline);
  async::Task<std::optional<decision::TargetFailure>> PrepareTarget(PolicyEntry& entry, async::BootTime deadline);
  void InheritWrites(PolicyEntry& entry, async::Instant now);
  void Claim(PolicyEntry& entry, decision::Observation& seen, async::Instant now);
  async::Task<decision::WriteResult> Write(PolicyEntry& entry, decision::Decision decision, decision::Observation seen,
                                           async::Instant now);
  enum class Urgency { kOrdinary, kIntent };
  async::Task<absl::Status> Report(PolicyEntry& entry, decision::PolicyStatus status,
                                   Urgency urgency = Urgency::kOrdinary);
  async::Task<absl::StatusOr<async::Permit>> TurnToReport();
  async::Task<absl::Status> ApplyStatus(const PolicyEntry& entry, decision::PolicyStatus& status,
                                        async::BootTime deadline);
  void Tell(const PolicyEntry& entry, const decision::Outcome& outcome);
  std::optional<async::BootTime> WaitForFirstTurn(PolicyEntry& entry);
  kube::Requeue NextPass(PolicyEntry& entry, const decision::Outcome& outcome, async::Instant started);

  Dependencies d_;
  Accounts accounts_;
  Claims claims_;
  WriteGate gate_;
  ProbeHealth probe_health_;
  std::map<kubeapi::ObjectKey, PolicyEntry> entries_;
  async::BootTime next_first_turn_;
  async::Semaphore report_turns_{kReportsAtOnce};
  async::BootTime no_memory_until_;  // the CRDs do not know status.memory
};

}  // namespace ottoscale::reconcile
