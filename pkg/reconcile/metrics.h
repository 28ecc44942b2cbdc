// The metrics of the domain: what each policy sees, wants and does, and how long passes take. Names and labels are
// stable API. A policy's series exist from its registration on, with 0 where nothing has happened yet; they are written
// from the entries at the moment of the scrape, in slices, and never held in the registry.
//
// A response time is declared in milliseconds in the API and exported in seconds.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "pkg/decision/decide.h"
#include "pkg/kubeapi/object.h"
#include "pkg/telemetry/metrics.h"

namespace ottoscale::reconcile {

struct PolicyEntry;

class Metrics {
 public:
  using Entries = std::map<kubeapi::ObjectKey, PolicyEntry>;
  explicit Metrics(telemetry::Registry& registry);

  // Registers the per-policy families over `entries`, which outlives the scrapes. Once.
  void Watch(const Entries& entries);

  void Registered(const kubeapi::ObjectKey& key);  // all counters exist from here on; again changes nothing
  void Passed(const PolicyEntry& entry, const decision::Outcome& outcome, async::Instant finished, absl::Duration late);
  void Forget(const kubeapi::ObjectKey& key);
  void Violation() { violations_.Add(); }

 private:
  struct Counts {
    std::map<std::string, uint64_t> decisions;       // "action reason"
    std::map<std::string, uint64_t> operations;      // "direction result"
    std::map<std::string, uint64_t> polls;           // "metric result"
    std::map<std::string, absl::Time> last_success;  // by metric
    uint64_t external_changes = 0;
  };
  void WatchCapacity(const Entries& entries);
  void WatchState(const Entries& entries);
  void WatchCounters(const Entries& entries);
  template <class Value>
  void Number(const Entries& entries, const char* name, const char* help, Value value);
  template <class Write>
  void PerPolicy(const Entries& entries, telemetry::Family family, Write write);

  telemetry::Registry& registry_;
  telemetry::Histogram lateness_;
  telemetry::Histogram pass_duration_;
  telemetry::Histogram poll_duration_;
  telemetry::Counter violations_;
  std::map<kubeapi::ObjectKey, Counts> counts_;
};

}  // namespace ottoscale::reconcile
