// Rules that hold for every input, tried with seeded random worlds.
#include <gtest/gtest.h>

#include <algorithm>

#include "pkg/async/random.h"
#include "pkg/decision/events.h"
#include "pkg/decision/small_world.h"
#include "pkg/decision/status.h"

namespace ottoscale::decision {
namespace {

constexpr uint64_t kWorlds = 120;
constexpr int kPasses = 60;

int Between(async::Random& random, int low, int high) {
  return low + static_cast<int>(random.Below(static_cast<uint64_t>(high - low) + 1));
}
absl::Duration SomeSeconds(async::Random& random, int high) { return absl::Seconds(Between(random, 0, high)); }

policy::DirectionBehavior RandomDirection(async::Random& random) {
  using Select = policy::DirectionBehavior::Select;
  policy::DirectionBehavior direction;
  if (random.Chance(0.5)) direction.cooldown = SomeSeconds(random, 300);
  if (random.Chance(0.5)) direction.stabilization_window = SomeSeconds(random, 300);
  direction.select = random.Chance(0.1) ? Select::kDisabled : random.Chance(0.5) ? Select::kMax : Select::kMin;
  for (int i = Between(random, 0, 2); i > 0; --i) {
    using Type = policy::RatePolicy::Type;
    direction.policies.push_back({.type = random.Chance(0.5) ? Type::kPercent : Type::kInstances,
                                  .value = Between(random, 1, 100),
                                  .period = absl::Seconds(Between(random, 1, 300))});
  }
  return direction;
}

policy::Metric RandomMetric(async::Random& random, int number) {
  policy::Metric metric = HeartbeatMetric("m" + std::to_string(number));
  if (random.Chance(0.3)) metric.source.type = "RackspaceLoadBalancer";
  metric.scale_out_only = random.Chance(0.2);
  if (random.Chance(0.3)) metric.max_age = absl::Seconds(Between(random, 1, 120));
  metric.strategy = policy::Threshold{.lower = 200,
                                      .upper = 1000,
                                      .breaches_to_scale_out = Between(random, 1, 4),
                                      .breaches_to_scale_in = Between(random, 1, 4),
                                      .step_out = Between(random, 1, 4),
                                      .step_in = Between(random, 1, 4)};
  return metric;
}

policy::Window RandomWindow(async::Random& random, int number) {
  policy::Window window{.name = "w" + std::to_string(number)};
  policy::Weekly weekly;
  weekly.start_minute = 720 + Between(random, 0, 30);
  weekly.end_minute = 720 + Between(random, 0, 60);
  window.when = weekly;
  if (random.Chance(0.6)) window.min_capacity = Between(random, 0, 10);
  if (random.Chance(0.6)) window.max_capacity = Between(random, 1, 12);
  return window;
}

policy::ScalingPolicy RandomPolicy(async::Random& random) {
  policy::ScalingPolicy spec{.target = {.type = "HerokuFormation"}};
  if (random.Chance(0.2)) spec.mode = policy::Mode::kRecommend;
  using Scope = policy::Suspend::Scope;
  if (random.Chance(0.3)) {
    spec.suspend = policy::Suspend{.scope = random.Chance(0.4)   ? Scope::kAll
                                            : random.Chance(0.5) ? Scope::kScaleIn
                                                                 : Scope::kScaleOut,
                                   .until = Noon() + SomeSeconds(random, 1800)};
  }
  spec.min_capacity = Between(random, 0, 4);
  spec.max_capacity = std::max(1, spec.min_capacity + Between(random, 0, 8));
  for (int i = Between(random, 0, 2); i > 0; --i) spec.schedule.windows.push_back(RandomWindow(random, i));
  for (int i = Between(random, 1, 3); i > 0; --i) spec.metrics.push_back(RandomMetric(random, i));
  spec.behavior = {.scale_out = RandomDirection(random),
                   .scale_in = RandomDirection(random),
                   .settle = SomeSeconds(random, 60),
                   .progress_deadline = absl::Seconds(Between(random, 10, 300))};
  return spec;
}

Sample RandomSample(async::Random& random, async::Instant now) {
  const async::Instant at = random.Chance(0.2) ? now + -SomeSeconds(random, 200) : now;
  if (random.Chance(0.1)) return Missing(MissingReason::kProbeFailed);
  if (random.Chance(0.1)) return Censored(random.Chance(0.5) ? 10000 : 500, at);
  const double values[] = {50, 199.9, 200, 600, 1000, 1000.1, 5000};
  return Valid(values[random.Below(7)], at);
}

// A world whose weather lasts a while, so that runs and windows are reached.
struct RandomWorld : SmallWorld {
  explicit RandomWorld(uint64_t seed) : random(seed) {
    spec = RandomPolicy(random);
    target.desired = target.ready = Between(random, 0, 12);
    history.state_lost = random.Chance(0.1);
  }

  std::vector<Sample> Samples() {
    std::vector<Sample> samples;
    if (random.Chance(0.15)) weather = Between(random, 0, 2);
    for (size_t i = 0; i < spec.metrics.size(); ++i) {
      samples.push_back(weather == 0 ? RandomSample(random, now) : Valid(weather == 1 ? 50 : 5000, now));
    }
    return samples;
  }

  void Weather() {
    failure.reset();
    answer.reset();
    if (random.Chance(0.05)) failure = TargetFailure{.fault = TargetFault::kUnavailable};
    if (random.Chance(0.05)) target.desired = target.ready = Between(random, 0, 12);
    target.ready = random.Chance(0.2) ? Between(random, 0, 12) : target.desired;
    target.off = random.Chance(0.03);
    target.ceiling = random.Chance(0.1) ? std::optional(Between(random, 0, 12)) : std::nullopt;
    if (random.Chance(0.05)) answer = Unknown{};
    if (random.Chance(0.05)) answer = Refused{.kind = Refused::Kind::kLimit};
  }

  async::Random random;
  int weather = 0;
};

bool Usable(const policy::ScalingPolicy& spec, const policy::Metric& metric, const Sample& sample, async::Instant now) {
  const absl::Duration limit = metric.max_age.value_or(3 * spec.poll_period);
  return sample.state != SampleState::kMissing && now.boot - sample.measured_at.boot <= limit;
}

// What must be true of every decision, said anew and without the code that decides.
// `flying`: since when the target has been in flight, before the decision.
void CheckRules(const RandomWorld& world, const Outcome& outcome, std::optional<async::BootTime> flying) {
  const policy::ScalingPolicy& spec = world.spec;
  const Decision& d = outcome.decision;
  const absl::Time wall = outcome.now.wall;
  const policy::Limits limits = policy::LimitsAt(spec.min_capacity, spec.max_capacity, spec.schedule, wall);
  ASSERT_FALSE(d.reasons.empty());
  ASSERT_FALSE(d.message.empty());
  ASSERT_EQ(d.metrics.size(), spec.metrics.size());
  ASSERT_EQ(d.action == Action::kHold, d.to == d.from);
  if (d.next) ASSERT_GT(*d.next, outcome.now.boot) << "or the reconciler would spin";
  if (d.action == Action::kHold) ASSERT_FALSE(d.write);
  if (d.action == Action::kScaleOut) {
    ASSERT_GT(d.to, d.from);
    ASSERT_LE(d.to, limits.max);
    if (outcome.observation.state()->ceiling) ASSERT_LE(d.to, *outcome.observation.state()->ceiling);
  }
  if (d.action == Action::kScaleIn) {
    ASSERT_LT(d.to, d.from);
    ASSERT_GE(d.to, limits.min);
    ASSERT_FALSE(flying && outcome.now.boot - *flying < spec.behavior.progress_deadline) << "taken away in flight";
  }
  if (outcome.observation.state() == nullptr) ASSERT_EQ(d.action, Action::kHold);
  if (spec.mode == policy::Mode::kRecommend) ASSERT_FALSE(d.write);
  if (d.write && spec.suspend) {
    ASSERT_FALSE(spec.suspend->Holds(d.to > d.from ? policy::Direction::kOut : policy::Direction::kIn, wall));
  }
  if (d.action == Action::kScaleIn && d.cause == Cause::kMetrics) {
    for (size_t i = 0; i < spec.metrics.size(); ++i) {
      const Sample& sample = outcome.observation.samples[i];
      ASSERT_TRUE(Usable(spec, spec.metrics[i], sample, outcome.now)) << "scale-in on a missing or stale sample";
      if (!spec.metrics[i].scale_out_only) {
        ASSERT_TRUE(sample.state == SampleState::kValid && sample.value < 200);
      }
    }
  }
  if (d.cause == Cause::kBounds && d.action != Action::kHold) ASSERT_TRUE(d.from < limits.min || d.from > limits.max);
}

TEST(Property, EveryDecisionKeepsTheRules) {
  int out = 0;
  int in = 0;
  for (uint64_t seed = 0; seed < kWorlds; ++seed) {
    RandomWorld world(seed);
    for (int i = 0; i < kPasses; ++i) {
      world.Weather();
      const std::vector<Sample> samples = world.Samples();
      const auto flying = Settle(world.spec, world.history, world.Seen(samples), world.now).in_flight_since;
      const Outcome outcome = world.Pass(samples);
      out += outcome.decision.action == Action::kScaleOut && outcome.decision.cause == Cause::kMetrics;
      in += outcome.decision.action == Action::kScaleIn && outcome.decision.cause == Cause::kMetrics;
      ASSERT_NO_FATAL_FAILURE(CheckRules(world, outcome, flying))
          << "seed " << seed << " pass " << i << ": " << outcome.decision.message;
    }
  }
  EXPECT_GT(out, 80) << "or the worlds are too quiet to show anything";
  EXPECT_GT(in, 40);
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
