// What would have to be otherwise for another decision: the nearest values of each metric, and the nearest later time.
// Found by asking Decide itself, so it cannot disagree with what the operator does. Pure; called by `ottoscale
// explain`.
//
// Note [What nearest means]
// A decision is another one when its `to` is (what is written follows from it). Values are whole steps of a unit: four
// digits of the smallest number concerned, at most three decimals. Above and below the reading, Decide is asked at 1,
// 2, 4, 8, ... steps and on both sides of every number that the strategy compares with, up to 2^40 steps or the bounds
// of what counts as a reading (0 and 1e15). The first of these with another outcome and the one before it are bisected.
// So it always holds that the value found changes the outcome and the value one step nearer does not. Where the outcome
// rises with the value, as it does for every strategy, no nearer value changes it either; a sudden fall that is not
// believed yet is the one exception, and there an interval that lies wholly between two questions may be missed.
//
// Note [Two kinds of values]
// `at_once`: this one reading had been that value, everything else equal. Where a strategy counts breaches in a row, or
// a window has to be filled, no single reading may be able to change anything. `kept` is then the nearest value which
// changes the outcome when it is read now and again at each of the following passes, before the present readings would
// have changed it; said only where it is nearer than `at_once`.
//
// Note [Later]
// Time alone changes nothing: samples would only grow old. So "later" is the operator's own passes with the same
// readings repeated (see replay.h), one by one, since runs and windows depend on each of them. While a change is being
// written the target will not stay as it is, so after such a decision there is no later.
//
// Cost: with L numbers in the strategy at most 83 + 3 L questions a metric, direction and kind; one of the kind `kept`
// is up to `kept_passes` passes. Later: up to `later_passes`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "pkg/decision/decide.h"
#include "pkg/decision/replay.h"

namespace ottoscale::decision {

struct SearchBounds {
  int later_passes = 20'000;  // a week of polls each 30 s
  int kept_passes = 120;      // more than the longest run of breaches
};

struct NearestValue {
  double value = 0;                // of the sample, in its unit
  std::optional<double> compared;  // after aggregation and basis, where it is another one
  absl::Duration after;            // 0: at once; otherwise it has to be read until then
  int to = 0;                      // the capacity that would be decided
  Code code = Code::kSteady;       // and why
  bool operator==(const NearestValue&) const = default;
};

// Of one direction.
struct NearestValues {
  std::optional<NearestValue> at_once;
  std::optional<NearestValue> kept;
  bool operator==(const NearestValues&) const = default;
};

struct MetricCounterfactual {
  std::string name;
  std::string unit;
  std::optional<double> measured;  // nullopt: there is no reading that counts, so there are no nearer ones
  double step = 0;                 // the unit of the search
  NearestValues above;
  NearestValues below;
  bool operator==(const MetricCounterfactual&) const = default;
};

struct LaterChange {
  async::Instant at;
  int to = 0;
  Code code = Code::kSteady;
  bool operator==(const LaterChange&) const = default;
};

struct Counterfactual {
  std::vector<MetricCounterfactual> metrics;  // in the order of the spec
  std::optional<LaterChange> later;
  bool operator==(const Counterfactual&) const = default;
};

Counterfactual FindCounterfactual(const policy::ScalingPolicy& spec, const Situation& situation,
                                  const SearchBounds& bounds = {});

// Why the decision is not `capacity`, and what would make it so.
struct WhyNot {
  int capacity = 0;
  bool decided = false;       // it is what was decided: nothing else is filled in
  bool up = false;            // it is more than what was decided
  policy::Limits limits;      // in force
  int asked = 0;              // by all metrics together, before any brake
  Code code = Code::kSteady;  // of what was decided
  // The stage that led away from this capacity, in words; nullopt: no stage had it.
  std::optional<Reason> blocked;
  struct Way {
    std::string metric;
    std::string unit;
    // The nearest value that leads to `capacity`, or where none does, past it; nullopt: no value of this metric alone.
    std::optional<NearestValue> value;
    bool above = false;  // than the reading
    bool operator==(const Way&) const = default;
  };
  std::vector<Way> ways;             // of the metrics with a reading
  std::optional<LaterChange> later;  // the same readings lead there by themselves
  // Were every reading as high (as low) as can be: what the metrics would ask for, what would be decided, and which
  // stage would lead away from `capacity` even then.
  int utmost_asked = 0;
  int utmost = 0;
  Code utmost_code = Code::kSteady;
  std::optional<Reason> utmost_blocked;
  bool operator==(const WhyNot&) const = default;
};

WhyNot FindWhyNot(const policy::ScalingPolicy& spec, const Situation& situation, int capacity,
                  const SearchBounds& bounds = {});

}  // namespace ottoscale::decision
