// What the core remembers between passes. Bounded: at most kMaxEntries in each list. `Remember` is the only writer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pkg/async/instant.h"
#include "pkg/decision/decision.h"
#include "pkg/decision/growth.h"
#include "pkg/decision/observation.h"
#include "pkg/decision/sample_window.h"

namespace ottoscale::decision {

// A fall that later samples have to confirm.
struct Drop {
  double reference = 0;  // the value before it
  int samples = 0;       // distinct ones since, all of them low
  async::BootTime since;
  bool operator==(const Drop&) const = default;
};

// A LatencyGoal that is missed.
struct Overload {
  int ready = 0;        // so many serve
  double response = 0;  // what a request takes: more than the goal
  bool operator==(const Overload&) const = default;
};

// One that is kept again since more serve: what too much load for the first looks like with the second. See
// Note [Where the model is wrong] in strategy_latency_goal.cc.
struct Relief {
  Overload before;
  int ready = 0;        // more than before
  double response = 0;  // the goal is kept
  async::BootTime at;
  bool operator==(const Relief&) const = default;
};

// What one metric has shown.
struct MetricHistory {
  std::string name;
  int run = 0;  // distinct samples in a row on one side
  bool above = false;
  std::optional<Sample> last;        // the last sample that was valid or censored
  std::optional<double> lowest;      // of all valid values: the time of an idle request, where nobody says it
  std::optional<Drop> drop;          // while it is not confirmed
  SampleWindow window;               // for the aggregation
  Marks marks;                       // of a TargetTracking: where it is heading
  std::optional<Overload> overload;  // of a LatencyGoal, while it is missed
  std::optional<Relief> relief;      // the last
  bool operator==(const MetricHistory&) const = default;
};

struct Recommendation {
  async::BootTime at;
  int capacity = 0;
  int least = 0;  // see Decision::least
  bool operator==(const Recommendation&) const = default;
};

// A change of the target's desired capacity that we made.
struct Change {
  async::Instant at;
  int from = 0;
  int to = 0;
  bool operator==(const Change&) const = default;
};

// The intent that stood in status.pendingChange when the operator was last here.
struct PendingChange {
  int from = 0;
  int to = 0;
  Cause cause = Cause::kMetrics;
  absl::Time time;
  bool operator==(const PendingChange&) const = default;
};

// A change of ours whose answer nobody has seen, and the reading that showed that it was made.
struct ReadBack {
  Change change;
  async::Instant found;
  bool operator==(const ReadBack&) const = default;
};

struct History {
  static constexpr size_t kMaxEntries = 32;
  static constexpr absl::Duration kCeilingTrust = absl::Minutes(30);

  std::vector<MetricHistory> metrics;           // one per metric of the spec, by name
  std::vector<Recommendation> recommendations;  // within the longer stabilization window, oldest first
  std::vector<Change> changes;                  // within the longest rate period, oldest first
  std::optional<async::Instant> last_scale_out;
  std::optional<async::Instant> last_scale_in;
  std::optional<Change> last_applied;              // the last write that the cloud confirmed
  std::optional<ReadBack> read_back;               // the last of them whose answer nobody had seen
  std::string target_uid;                          // "" until the target has been read once
  std::optional<async::BootTime> valid_at;         // the last pass in which some metric had a word
  std::optional<async::Instant> last_pass;         // on both clocks: whether the wall clock was set since
  std::optional<async::BootTime> watching_since;   // the first pass
  std::optional<async::BootTime> observing_since;  // first valid recommendation since start or change of target
  std::optional<async::BootTime> in_flight_since;
  std::optional<absl::Duration> boot_time;       // of what we ordered, until all of it served; smoothed
  std::optional<PendingChange> pending;          // written to status before the cloud was; cleared by a read
  bool write_unknown = false;                    // the last write is Unknown: nothing before a read
  async::Instant unknown_at;                     // when that write was decided, while write_unknown
  std::optional<int> known_desired;              // what the cloud had been told when we last looked or wrote
  std::optional<Change> last_external;           // the last change of the desired capacity that somebody else made
  std::optional<int> ceiling;                    // learned from a refusal; cleared when the target accepts more
  std::optional<async::BootTime> ceiling_since;  // learned then: after kCeilingTrust it is tried once more
  bool state_lost = false;  // had status, but not the fields that survive: cooldown counts as active
  bool operator==(const History&) const = default;
};

}  // namespace ottoscale::decision
