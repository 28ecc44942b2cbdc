// What the stages of Decide hand on to each other. Internal to this folder: only decide.cc and the stages include it.
#pragma once

#include <optional>
#include <string>

#include "absl/container/inlined_vector.h"
#include "pkg/async/instant.h"
#include "pkg/decision/decision.h"
#include "pkg/decision/history.h"
#include "pkg/decision/observation.h"
#include "pkg/policy/policy.h"

namespace ottoscale::decision {

// A sample that may count, after aggregation and basis.
struct Reading {
  double value = 0;
  bool censored = false;
  bool is_new = false;
  bool doubtful = false;  // a sudden fall that is not confirmed: no evidence for less
  async::BootTime measured_at;
};

// What a metric says, before all of them are combined.
struct Word {
  Code code = Code::kSteady;
  Phrase phrase = Phrase::kNone;
  int out = 0;
  Numbers numbers;
};

// One word per metric: a spec has rarely more than this.
template <typename T>
using PerMetric = absl::InlinedVector<T, 4>;

struct Draft {
  const policy::ScalingPolicy& spec;
  const History& history;  // settled
  const Observation& seen;
  async::Instant now;
  Decision& decision;

  int value = 0;                             // the capacity so far
  bool held = false;                         // by the target: nothing may be decided, samples are still judged
  PerMetric<std::optional<Reading>> usable;  // the sample that may count
  PerMetric<Word> words;                     // what the metric says, for Combine to choose from

  const TargetState* target() const { return seen.state(); }
  int from() const { return decision.from; }
  bool ScalesOut() const { return value > decision.from; }
  bool ScalesIn() const { return value < decision.from; }

  // Adds this stage's word; the capacity becomes `out`.
  void Say(Stage stage, Code code, int out, Phrase phrase, const Numbers& numbers = {}, int metric_index = -1);
  // Adds what a metric says; the capacity stays.
  void Speak(Stage stage, size_t metric);
  // Says why the change is not made.
  void Hold(Stage stage, Code code, Phrase phrase, const Numbers& numbers = {}) {
    Say(stage, code, decision.from, phrase, numbers);
  }
  // Something that holds the decision back ends at `at`.
  void Until(async::BootTime at);
};

// The stages, in their order: see decide.cc.
void JudgeTarget(Draft& draft);
void JudgeSamples(Draft& draft);
void RunStrategies(Draft& draft);
void CombineMetrics(Draft& draft);
void FallBack(Draft& draft);
void AnswerManualChange(Draft& draft);
void KeepLimits(Draft& draft);
void Stabilise(Draft& draft);
void KeepRate(Draft& draft);
void ProjectScaleIn(Draft& draft);
void KeepCooldown(Draft& draft);
void AwaitFlight(Draft& draft);
void Clamp(Draft& draft);
void DoubtClock(Draft& draft);
void KeepSuspension(Draft& draft);
void KeepMode(Draft& draft);

// The metric's history; nullptr when it has none yet.
const MetricHistory* FindMetric(const History& history, const std::string& name);
// Whether the sample is another one than the last that was seen.
bool IsNew(const Sample& sample, const MetricHistory* history);
// The drop with this sample in it; nullopt when the sample is none, or is believed at once.
std::optional<Drop> DropWith(const policy::Metric& metric, const MetricHistory* history, const Sample& sample);
// Whether later samples have confirmed it by `now`.
bool IsConfirmed(const Drop& drop, const Sample& sample);
// A word beside the decision: it neither changes nor holds anything.
bool IsAside(const Reason& reason);
// The index of the last reason that changed the value, else of the last one that held it.
size_t BoundOf(const Decision& decision);
// Whether Settle would change anything.
bool IsSettled(const History& history, const Observation& seen, async::Instant now);
// Without a recommendation for so long, observation has to start afresh: the longest window, at least three polls.
absl::Duration ObservationGap(const policy::ScalingPolicy& spec);
// Since when recommendations have been seen without such a gap; nullopt when there is none.
std::optional<async::BootTime> ObservingSince(const policy::ScalingPolicy& spec, const History& history,
                                              async::BootTime now);
// The learned ceiling while it is trusted.
std::optional<int> TrustedCeiling(const History& history, async::BootTime now);
// The cooldown's start: the last scale-out for out, any change for in.
std::optional<async::BootTime> CooldownStart(const History& history, policy::Direction direction);
// The older a sample may be; see policy::Metric::max_age.
absl::Duration MaxAge(const policy::ScalingPolicy& spec, const policy::Metric& metric);

}  // namespace ottoscale::decision
