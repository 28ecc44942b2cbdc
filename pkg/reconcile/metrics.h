// The metrics of the domain: what each policy sees, wants and does, how long passes take, what is left of the accounts'
// quotas. Names and labels are stable API. A policy's counters, conditions and settings exist from its registration on;
// what it measures exists from the first measurement on, and is left out while it is not known: 0 would be a lie. All
// of that is written from the entries at the moment of the scrape, in slices, and never held in the registry.
//
// A response time is declared in milliseconds in the API and exported in seconds.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "pkg/decision/decide.h"
#include "pkg/kubeapi/object.h"
#include "pkg/ports/ports.h"
#include "pkg/telemetry/metrics.h"

namespace ottoscale::reconcile {

struct PolicyEntry;

class Metrics {
 public:
  using Entries = std::map<kubeapi::ObjectKey, PolicyEntry>;
  // The series of each type that `providers` has exist from here on. `registry` outlives this.
  Metrics(telemetry::Registry& registry, const ports::Providers& providers);

  // Registers the per-policy families over `entries`, which outlives the scrapes. Once.
  void Watch(const Entries& entries);

  void Registered(const kubeapi::ObjectKey& key);  // all its counters exist from here on; again changes nothing
  // A write went to the cloud. `entry` is still that from before the write.
  struct Written {
    async::BootTime sent;
    absl::Duration took;
    bool out = false;
    decision::WriteResult result;
  };
  void Wrote(const PolicyEntry& entry, const Written& written);
  void Passed(const PolicyEntry& entry, const decision::Outcome& outcome, async::Instant finished, absl::Duration late);
  void Forget(const kubeapi::ObjectKey& key);
  void Violation() { violations_.Add(); }
  // Whether this installation writes to no cloud at all (--freeze).
  void SetFrozen(bool frozen) { frozen_.Set(frozen ? 1 : 0); }

 private:
  // A change on its way: until `desired` and `ready` of the target are `to`.
  struct Ordered {
    async::BootTime sent;
    int to = 0;
  };
  struct Counts {
    std::map<std::string, uint64_t> decisions;       // "action reason"
    std::map<std::string, uint64_t> operations;      // "direction result"
    std::map<std::string, uint64_t> polls;           // "metric result"
    std::map<std::string, absl::Time> last_success;  // by metric
    uint64_t external_changes = 0;
    uint64_t direction_changes = 0;
    std::optional<Ordered> ordered;
    std::string account;  // whose user it is in `accounts_`; "" for none
  };
  struct Account {
    std::string provider;
    std::optional<ports::RequestQuota> quota;
    std::set<kubeapi::ObjectKey> users;
  };

  void CountPolls(const PolicyEntry& entry, const decision::Outcome& outcome, Counts& counts);
  void Arrive(const PolicyEntry& entry, const decision::TargetState& state, Counts& counts);
  void UseAccount(const PolicyEntry& entry, const decision::Outcome& outcome, Counts& counts);
  void LeaveAccount(const kubeapi::ObjectKey& key, Counts& counts);
  const Counts& CountsOf(const PolicyEntry& entry) const;

  // policy_series.cc
  void WatchSpec(const Entries& entries);
  void WatchCapacity(const Entries& entries);
  void WatchState(const Entries& entries);
  void WatchCounters(const Entries& entries);
  void WatchAccounts();
  template <class Value>
  void Number(const Entries& entries, const char* name, const char* help, Value value);
  template <class Write>
  void PerPolicy(const Entries& entries, telemetry::Family family, Write write);
  template <class Value>
  void PerAccount(const char* name, const char* help, Value value);

  telemetry::Registry& registry_;
  telemetry::Histogram lateness_;
  telemetry::Histogram pass_duration_;
  telemetry::Counter violations_;
  telemetry::Gauge frozen_;
  std::map<std::string, telemetry::Histogram> poll_durations_;   // by type of the source
  std::map<std::string, telemetry::Histogram> write_durations_;  // by type of the target
  std::map<std::string, telemetry::Histogram> scale_durations_;  // by type of the target
  std::map<std::string, std::string> provider_names_;            // "heroku", by type of the target
  std::map<kubeapi::ObjectKey, Counts> counts_;
  std::map<std::string, Account> accounts_;  // by "namespace/name"
};

}  // namespace ottoscale::reconcile
