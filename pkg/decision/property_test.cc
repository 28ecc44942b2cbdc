// Rules that hold for every input, tried with seeded random worlds.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "pkg/decision/events.h"
#include "pkg/decision/random_world.h"
#include "pkg/decision/status.h"

namespace ottoscale::decision {
namespace {

constexpr uint64_t kWorlds = 120;
constexpr int kPasses = 60;

bool Usable(const policy::ScalingPolicy& spec, const policy::Metric& metric, const Sample& sample, async::Instant now) {
  const absl::Duration limit = metric.max_age.value_or(3 * spec.poll_period);
  return sample.state != SampleState::kMissing && now.boot - sample.measured_at.boot <= limit;
}

// Whether a value that is compared as it is can be evidence for less.
bool IsLow(const policy::Strategy& strategy, double value) {
  if (const auto* tracking = std::get_if<policy::TargetTracking>(&strategy)) return value <= tracking->target;
  if (const auto* goal = std::get_if<policy::LatencyGoal>(&strategy)) return value <= goal->goal_milliseconds;
  return std::holds_alternative<policy::Threshold>(strategy) ? value < 200 : value <= 200;
}

bool IsHigh(const policy::Strategy& strategy, double value) {
  if (const auto* tracking = std::get_if<policy::TargetTracking>(&strategy)) return value > tracking->target;
  if (const auto* goal = std::get_if<policy::LatencyGoal>(&strategy)) return value >= goal->goal_milliseconds;
  return value >= 1000;
}

bool IsComparedAsItIs(const policy::Metric& metric) {
  return metric.basis == policy::Basis::kValue && metric.aggregation.type == policy::Aggregation::Type::kLast;
}

bool Says(const Decision& decision, Code code) {
  return std::any_of(decision.reasons.begin(), decision.reasons.end(),
                     [code](const Reason& reason) { return reason.code == code; });
}

// A fall by more than 80 % that nothing has confirmed yet.
bool HasJustFallen(const History& before, const policy::Metric& metric, const Sample& sample) {
  if (metric.sudden_drop == policy::Metric::SuddenDrop::kAccept) return false;
  for (const MetricHistory& history : before.metrics) {
    if (history.name == metric.name && history.last && !history.drop) return sample.value < 0.2 * history.last->value;
  }
  return false;
}

// What was taken away needs every metric's word, and a low one of those that have a vote.
void CheckScaleIn(const policy::ScalingPolicy& spec, const History& before, const Outcome& outcome) {
  for (size_t i = 0; i < spec.metrics.size(); ++i) {
    const policy::Metric& metric = spec.metrics[i];
    const Sample& sample = outcome.observation.samples[i];
    ASSERT_TRUE(Usable(spec, metric, sample, outcome.now)) << "scale-in on a missing or stale sample";
    if (metric.scale_out_only) continue;
    if (metric.aggregation.type == policy::Aggregation::Type::kLast) ASSERT_EQ(sample.state, SampleState::kValid);
    if (IsComparedAsItIs(metric)) ASSERT_TRUE(IsLow(metric.strategy, sample.value)) << metric.name;
    ASSERT_FALSE(HasJustFallen(before, metric, sample)) << metric.name;
  }
}

// What was added needs one high word. What still goes away has shown a value that is too low for the rest; where
// nothing was ordered, any value above 0 is high for a TargetTracking.
void CheckScaleOut(const policy::ScalingPolicy& spec, const Outcome& outcome) {
  const double ready = outcome.observation.state()->ready;
  const double shared = std::max(1.0, ready / std::max(1, outcome.decision.from));
  bool any = false;
  for (size_t i = 0; i < spec.metrics.size(); ++i) {
    const policy::Metric& metric = spec.metrics[i];
    const Sample& sample = outcome.observation.samples[i];
    any |= Usable(spec, metric, sample, outcome.now) &&
           (!IsComparedAsItIs(metric) || (outcome.decision.from == 0 && sample.value > 0) ||
            IsHigh(metric.strategy, sample.value * shared));
  }
  ASSERT_TRUE(any) << "scale-out on nothing";
}

void CheckBounds(const policy::ScalingPolicy& spec, const Outcome& outcome) {
  const Decision& d = outcome.decision;
  const policy::Limits limits = policy::LimitsAt(spec.min_capacity, spec.max_capacity, spec.schedule, outcome.now.wall,
                                                 spec.ceilings.max_capacity);
  if (d.action != Action::kHold) ASSERT_LE(std::abs(d.to - d.from), spec.ceilings.max_step);
  if (d.action == Action::kScaleOut) {
    ASSERT_GT(d.to, d.from);
    ASSERT_LE(d.to, limits.max);
    if (outcome.observation.state()->ceiling) ASSERT_LE(d.to, *outcome.observation.state()->ceiling);
  }
  if (d.action == Action::kScaleIn) {
    ASSERT_LT(d.to, d.from);
    ASSERT_GE(d.to, limits.min);
  }
  if (d.cause == Cause::kBounds && d.action != Action::kHold) {
    ASSERT_TRUE(d.from < limits.min || d.from > limits.max || Says(d, Code::kFallback) || Says(d, Code::kManualRevert));
  }
  if (Says(d, Code::kFallback) && d.from <= limits.max) ASSERT_GE(d.to, d.from) << "a fallback never takes away";
}

// What must be true of every decision, said anew and without the code that decides. `before`: what was remembered,
// settled.
void CheckRules(const RandomWorld& world, const Outcome& outcome, const History& before) {
  const policy::ScalingPolicy& spec = world.spec;
  const Decision& d = outcome.decision;
  ASSERT_FALSE(d.reasons.empty());
  ASSERT_FALSE(d.message.empty());
  ASSERT_EQ(d.metrics.size(), spec.metrics.size());
  ASSERT_EQ(d.action == Action::kHold, d.to == d.from);
  if (d.next) ASSERT_GT(*d.next, outcome.now.boot) << "or the reconciler would spin";
  if (d.action == Action::kHold) ASSERT_FALSE(d.write);
  ASSERT_NO_FATAL_FAILURE(CheckBounds(spec, outcome));
  if (d.action == Action::kScaleIn) {
    const auto flying = before.in_flight_since;
    ASSERT_FALSE(flying && outcome.now.boot - *flying < spec.behavior.progress_deadline) << "taken away in flight";
  }
  if (outcome.observation.state() == nullptr) ASSERT_EQ(d.action, Action::kHold);
  if (spec.mode == policy::Mode::kRecommend) ASSERT_FALSE(d.write);
  if (d.write && spec.suspend) {
    const auto direction = d.to > d.from ? policy::Direction::kOut : policy::Direction::kIn;
    ASSERT_FALSE(spec.suspend->Holds(direction, outcome.now.wall));
  }
  if (d.cause != Cause::kMetrics) return;
  if (d.action == Action::kScaleIn) ASSERT_NO_FATAL_FAILURE(CheckScaleIn(spec, before, outcome));
  if (d.action == Action::kScaleOut) ASSERT_NO_FATAL_FAILURE(CheckScaleOut(spec, outcome));
}

TEST(Property, EveryDecisionKeepsTheRules) {
  int out = 0;
  int in = 0;
  int fallbacks = 0;
  int reverts = 0;
  int doubts = 0;
  for (uint64_t seed = 0; seed < kWorlds; ++seed) {
    RandomWorld world(seed);
    for (int i = 0; i < kPasses; ++i) {
      world.Weather();
      const std::vector<Sample> samples = world.Samples();
      const History before = Settle(world.spec, world.history, world.Seen(samples), world.now);
      const Outcome outcome = world.Pass(samples);
      out += outcome.decision.action == Action::kScaleOut && outcome.decision.cause == Cause::kMetrics;
      in += outcome.decision.action == Action::kScaleIn && outcome.decision.cause == Cause::kMetrics;
      fallbacks += Says(outcome.decision, Code::kFallback);
      reverts += Says(outcome.decision, Code::kManualRevert);
      doubts += Says(outcome.decision, Code::kImplausible);
      ASSERT_NO_FATAL_FAILURE(CheckRules(world, outcome, before))
          << "seed " << seed << " pass " << i << ": " << outcome.decision.message;
    }
  }
  EXPECT_GT(out, 80) << "or the worlds are too quiet to show anything";
  EXPECT_GT(in, 40);
  EXPECT_GT(fallbacks, 20);
  EXPECT_GT(reverts, 10);
  EXPECT_GT(doubts, 10);
}

// More load never asks for fewer. (A fall that is not believed yet is the exception that it is there for.)
TEST(Property, ALargerValueNeverGivesASmallerCapacity) {
  const double values[] = {0, 50, 100.1, 150, 200, 300, 437.5, 600, 799, 801, 1000, 1001, 2000, 5000, 1e9};
  std::array<int, 4> moved{};
  Decision decision;
  for (uint64_t seed = 0; seed < kWorlds; ++seed) {
    RandomWorld world(seed);
    for (int i = 0; i < kPasses; ++i) {
      world.Weather();
      const std::vector<Sample> samples = world.Samples();
      const size_t m = world.random.Below(samples.size());
      const policy::Metric& metric = world.spec.metrics[m];
      if (metric.sudden_drop == policy::Metric::SuddenDrop::kAccept) {
        Observation seen = world.Seen(samples);
        int least = 0;
        for (const double value : values) {
          seen.samples[m].state = SampleState::kValid;
          seen.samples[m].value = value;
          DecideInto(world.spec, world.history, seen, world.now, decision);
          ASSERT_GE(decision.to, least) << "seed " << seed << " pass " << i << ": " << metric.name << " at " << value;
          if (value > 0) moved[metric.strategy.index()] += decision.to > least;
          least = decision.to;
        }
      }
      world.Pass(samples);
    }
  }
  for (const int each : moved) EXPECT_GT(each, 10);
}

TEST(Property, WithoutAnyDataNothingIsDoneThatRestsOnIt) {
  for (uint64_t seed = 0; seed < kWorlds; ++seed) {
    RandomWorld world(seed);
    for (int i = 0; i < kPasses; ++i) {
      world.Weather();
      const std::vector<Sample> samples = world.Samples();
      std::vector<Sample> none(samples.size(), Missing(MissingReason::kTimeout));
      const Decision blind = Decide(world.spec, world.history, world.Seen(none), world.now);
      ASSERT_TRUE(blind.action == Action::kHold || blind.cause == Cause::kBounds) << seed << ": " << blind.message;
      world.Pass(samples);
    }
  }
}

// The clock that counts since the start of the machine has no meaning of its own, and one `now` is all that there is.
TEST(Property, OnlyDifferencesOfTimesMatter) {
  for (uint64_t seed = 0; seed < kWorlds; ++seed) {
    RandomWorld early(seed);
    RandomWorld late(seed);
    late.now.boot = {absl::Hours(77'777) + absl::Milliseconds(3)};
    for (int i = 0; i < kPasses; ++i) {
      early.Weather();
      late.Weather();
      Outcome a = early.Pass(early.Samples());
      Outcome b = late.Pass(late.Samples());
      const auto left = [](const Outcome& of) {
        return of.decision.next ? *of.decision.next - of.now.boot : absl::ZeroDuration();
      };
      ASSERT_EQ(left(a), left(b)) << seed;
      a.decision.next = b.decision.next = std::nullopt;
      ASSERT_EQ(a.decision, b.decision) << seed;
    }
  }
}

TEST(Property, TheCooldownIsKeptBetweenAnyTwoChangesThatRestOnMetrics) {
  for (uint64_t seed = 0; seed < kWorlds; ++seed) {
    RandomWorld world(seed);
    std::optional<async::BootTime> last_out;
    std::optional<async::BootTime> last_any;
    for (int i = 0; i < kPasses; ++i) {
      world.Weather();
      const Outcome outcome = world.Pass(world.Samples());
      const Decision& d = outcome.decision;
      const async::BootTime now = outcome.now.boot;
      if (d.write && d.cause == Cause::kMetrics) {
        const policy::Behavior& behavior = world.spec.behavior;
        if (d.to > d.from && last_out) ASSERT_GE(now - *last_out, behavior.scale_out.cooldown) << "seed " << seed;
        if (d.to < d.from && last_any) ASSERT_GE(now - *last_any, behavior.scale_in.cooldown) << "seed " << seed;
      }
      if (!std::holds_alternative<Applied>(outcome.write)) continue;
      last_any = now;
      if (d.to > d.from) last_out = now;
    }
  }
}

TEST(Property, SameInputsGiveTheSameOutput) {
  for (uint64_t seed = 0; seed < kWorlds; ++seed) {
    RandomWorld one(seed);
    RandomWorld two(seed);
    for (int i = 0; i < kPasses; ++i) {
      one.Weather();
      two.Weather();
      const Outcome a = one.Pass(one.Samples());
      const Outcome b = two.Pass(two.Samples());
      ASSERT_EQ(a, b) << seed;
      ASSERT_EQ(one.history, two.history) << seed;
    }
  }
}

// The parts of a decision that do not list the metrics.
Decision WithoutOrder(Decision decision) {
  std::sort(decision.metrics.begin(), decision.metrics.end(),
            [](const MetricVerdict& a, const MetricVerdict& b) { return a.name < b.name; });
  for (Reason& reason : decision.reasons) reason.metric_index = -1;
  std::sort(decision.reasons.begin(), decision.reasons.end(), [](const Reason& a, const Reason& b) {
    return std::tuple(a.stage, a.metric, a.code) < std::tuple(b.stage, b.metric, b.code);
  });
  return decision;
}

TEST(Property, TheOrderOfTheMetricsDoesNotMatter) {
  for (uint64_t seed = 0; seed < kWorlds; ++seed) {
    RandomWorld world(seed);
    SmallWorld mirror = world;
    std::reverse(mirror.spec.metrics.begin(), mirror.spec.metrics.end());
    for (int i = 0; i < kPasses; ++i) {
      world.Weather();
      std::vector<Sample> samples = world.Samples();
      mirror.target = world.target;
      mirror.failure = world.failure;
      mirror.answer = world.answer;
      const Outcome a = world.Pass(samples);
      std::reverse(samples.begin(), samples.end());
      const Outcome b = mirror.Pass(samples);
      ASSERT_EQ(WithoutOrder(a.decision), WithoutOrder(b.decision)) << seed << "\n"
                                                                    << a.decision.message << "\n"
                                                                    << b.decision.message;
    }
  }
}

TEST(Property, SettleTwiceIsSettleOnceAndDecideSettlesByItself) {
  for (uint64_t seed = 0; seed < kWorlds; ++seed) {
    RandomWorld world(seed);
    for (int i = 0; i < kPasses; ++i) {
      world.Weather();
      const Observation seen = world.Seen(world.Samples());
      const History once = Settle(world.spec, world.history, seen, world.now);
      ASSERT_EQ(Settle(world.spec, once, seen, world.now), once) << seed;
      ASSERT_EQ(Decide(world.spec, once, seen, world.now), Decide(world.spec, world.history, seen, world.now)) << seed;
      world.Pass(seen.samples);
    }
  }
}

TEST(Property, ASteadyWorldComesToRest) {
  for (uint64_t seed = 0; seed < kWorlds; ++seed) {
    RandomWorld world(seed);
    world.spec.suspend.reset();
    world.spec.schedule.windows.clear();
    for (int i = 0; i < 20; ++i) {
      world.Weather();
      world.Pass(world.Samples());
    }
    world.failure.reset();
    world.answer.reset();
    world.target.off = false;
    world.target.ceiling.reset();
    int changes = 0;
    int last_change = 0;
    for (int i = 0; i < 400; ++i) {
      world.target.ready = world.target.desired;
      const Outcome outcome = world.Pass(std::vector<Sample>(world.spec.metrics.size(), Valid(600, world.now)));
      if (!std::holds_alternative<Applied>(outcome.write)) continue;
      ++changes;
      last_change = i;
    }
    EXPECT_LT(last_change, 380) << seed;
    EXPECT_LE(changes, 20) << seed;
  }
}

TEST(Property, StatusAndEventsAreDefinedForEveryOutcome) {
  for (uint64_t seed = 0; seed < kWorlds; ++seed) {
    RandomWorld world(seed);
    PolicyStatus status;
    std::optional<Outcome> before;
    for (int i = 0; i < kPasses; ++i) {
      world.Weather();
      const Outcome outcome = world.Pass(world.Samples());
      status = StatusFor(world.spec, 1, world.history, outcome, &status);
      ASSERT_GE(status.conditions.size(), 4u);
      ASSERT_LE(status.history.size(), PolicyStatus::kMaxHistory);
      for (const Condition& condition : status.conditions) ASSERT_FALSE(condition.reason.empty()) << condition.type;
      ASSERT_FALSE(FindCondition(status, "Stalled") != nullptr && FindCondition(status, "Reconciling") != nullptr);
      for (const Event& event : EventsFor(before ? &*before : nullptr, world.history, outcome)) {
        ASSERT_FALSE(event.reason.empty());
        ASSERT_FALSE(event.note.empty());
      }
      // The same again is no news.
      const std::vector<Event> again = EventsFor(&outcome, world.history, outcome);
      for (const Event& event : again) {
        ASSERT_TRUE(event.reason == "ScaledOut" || event.reason == "ScaledIn" ||
                    event.reason == "ExternalChangeObserved")
            << event.reason;
      }
      before = outcome;
    }
  }
}

}  // namespace
}  // namespace ottoscale::decision
