// A counterfactual holds: the value it names changes the decision and the value one step nearer does not; the time it
// names is the first at which the same readings do. Said anew here, without the code that searches.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "pkg/decision/counterfactual.h"
#include "pkg/decision/random_world.h"

namespace ottoscale::decision {
namespace {

constexpr uint64_t kWorlds = 240;
constexpr int kPasses = 6;
constexpr int kEach = 6;  // of the passes is asked about
constexpr SearchBounds kBounds{.later_passes = 40, .kept_passes = 6};

// Most worlds with so few brakes that a single reading can move something, every second with one metric only.
struct AskedWorld : RandomWorld {
  explicit AskedWorld(uint64_t seed) : RandomWorld(seed) {
    if (seed % 2 == 0) spec.metrics.resize(1);
    if (seed % 4 == 3) return;
    spec.suspend.reset();
    spec.behavior.scale_out = {.cooldown = spec.behavior.scale_out.cooldown};
    spec.behavior.scale_in = {.stabilization_window = random.Chance(0.5) ? absl::ZeroDuration() : absl::Seconds(60)};
    spec.max_capacity += 5;
    history.state_lost = false;
    for (policy::Metric& metric : spec.metrics) {
      std::visit([this](auto& strategy) { Hurry(strategy); }, metric.strategy);
    }
  }

  template <typename Strategy>
  void Hurry(Strategy& strategy) {
    if constexpr (requires { strategy.breaches_to_scale_in; }) {
      strategy.breaches_to_scale_out = Between(random, 1, 2);
      strategy.breaches_to_scale_in = Between(random, 1, 2);
    }
  }
};

struct FirstChange {
  int pass = 0;
  async::Instant at;
  int to = 0;
};

// The first pass with another outcome than `to`, the same read again and again.
std::optional<FirstChange> Walk(const policy::ScalingPolicy& spec, History history, Observation seen,
                                async::Instant now, int to, int passes) {
  for (int pass = 0; pass < passes; ++pass) {
    const Decision decision = Decide(spec, history, seen, now);
    if (decision.to != to) return FirstChange{pass, now, decision.to};
    history = Remember(spec, history, {.observation = seen, .decision = decision, .write = NotWritten{}, .now = now});
    absl::Duration until = spec.poll_period;
    if (decision.next) until = std::min(until, *decision.next - now.boot);
    const auto change = policy::NextChangeAfter(spec.schedule, now.wall);
    if (change) until = std::min(until, *change - now.wall);
    now = now + until;
    for (Sample& sample : seen.samples) sample.measured_at = sample.measured_at + until;
  }
  return std::nullopt;
}

Observation With(Observation seen, size_t metric, double value) {
  seen.samples[metric].state = SampleState::kValid;
  seen.samples[metric].value = value;
  return seen;
}

// One step nearer to the reading; the reading itself where that is nearer still.
Observation OneStepNearer(const Observation& seen, size_t metric, double value, double step, bool above) {
  const double per_one = step < 1 ? std::round(1 / step) : 1;
  const double unit = step < 1 ? 1 : step;
  const double nearer = (std::round(value * per_one / unit) + (above ? -1 : 1)) * unit / per_one;
  const double reading = seen.samples[metric].value;
  if (above ? nearer <= reading : nearer >= reading) return seen;
  return With(seen, metric, nearer);
}

struct Tally {
  std::array<int, 4> at_once{};  // by strategy
  std::array<int, 4> kept{};
  int later = 0;
};

class Checker {
 public:
  Checker(const policy::ScalingPolicy& spec, const Situation& situation, Tally& tally)
      : spec_(spec),
        situation_(situation),
        tally_(tally),
        to_(DecisionOf(situation.seen).to),
        write_(DecisionOf(situation.seen).write) {}

  void Check() {
    const Counterfactual found = FindCounterfactual(spec_, situation_, kBounds);
    ASSERT_EQ(found.metrics.size(), spec_.metrics.size());
    CheckLater(found.later);
    for (size_t i = 0; i < found.metrics.size(); ++i) {
      const MetricCounterfactual& metric = found.metrics[i];
      ASSERT_NO_FATAL_FAILURE(CheckAtOnce(i, metric.above.at_once, metric.step, true));
      ASSERT_NO_FATAL_FAILURE(CheckAtOnce(i, metric.below.at_once, metric.step, false));
      ASSERT_NO_FATAL_FAILURE(CheckKept(i, metric.above.kept, metric.step, true));
      ASSERT_NO_FATAL_FAILURE(CheckKept(i, metric.below.kept, metric.step, false));
    }
  }

 private:
  Decision DecisionOf(const Observation& seen) const { return Decide(spec_, situation_.history, seen, situation_.now); }
  std::optional<FirstChange> WalkFrom(const Observation& seen, int passes) const {
    return Walk(spec_, situation_.history, seen, situation_.now, to_, passes);
  }

  void CheckLater(const std::optional<LaterChange>& later) {
    const auto first = write_ ? std::nullopt : WalkFrom(situation_.seen, kBounds.later_passes + 1);
    ASSERT_EQ(later.has_value(), first.has_value());
    end_ = later ? std::optional(later->at.boot) : std::nullopt;
    if (!later) return;
    ++tally_.later;
    ASSERT_EQ(later->at, first->at);
    ASSERT_EQ(later->to, first->to);
  }

  void CheckAtOnce(size_t i, const std::optional<NearestValue>& found, double step, bool above) {
    if (!found) return;
    ++tally_.at_once[spec_.metrics[i].strategy.index()];
    ASSERT_EQ(found->value > situation_.seen.samples[i].value, above) << found->value;
    const Decision flipped = DecisionOf(With(situation_.seen, i, found->value));
    ASSERT_NE(flipped.to, to_) << found->value;
    ASSERT_EQ(flipped.to, found->to);
    ASSERT_EQ(flipped.code, found->code);
    ASSERT_EQ(flipped.metrics[i].value, found->compared.value_or(found->value));
    ASSERT_EQ(DecisionOf(OneStepNearer(situation_.seen, i, found->value, step, above)).to, to_)
        << "one step nearer than " << found->value << " changes it too";
  }

  void CheckKept(size_t i, const std::optional<NearestValue>& found, double step, bool above) {
    if (!found) return;
    ++tally_.kept[spec_.metrics[i].strategy.index()];
    ASSERT_FALSE(write_);
    ASSERT_GT(found->after, absl::ZeroDuration());
    const auto flipped = WalkFrom(With(situation_.seen, i, found->value), kBounds.kept_passes);
    ASSERT_TRUE(flipped.has_value()) << found->value;
    ASSERT_EQ(flipped->at.boot - situation_.now.boot, found->after);
    ASSERT_EQ(flipped->to, found->to);
    if (end_) ASSERT_LT(flipped->at.boot, *end_);
    const auto nearer = WalkFrom(OneStepNearer(situation_.seen, i, found->value, step, above), kBounds.kept_passes);
    ASSERT_TRUE(!nearer || (end_ && nearer->at.boot >= *end_)) << "one step nearer than " << found->value;
  }

  const policy::ScalingPolicy& spec_;
  const Situation& situation_;
  Tally& tally_;
  int to_;
  bool write_;
  std::optional<async::BootTime> end_;
};

// Every kEach-th situation of each world, before its pass.
template <typename Ask>
void ForEachSituation(Ask ask) {
  for (uint64_t seed = 0; seed < kWorlds; ++seed) {
    AskedWorld world(seed);
    for (int i = 0; i < kPasses; ++i) {
      world.Weather();
      const std::vector<Sample> samples = world.Samples();
      world.target.read_at = world.now;
      if (i % kEach == kEach - 1) {
        ASSERT_NO_FATAL_FAILURE(ask(world, {.history = world.history, .seen = world.Seen(samples), .now = world.now}))
            << "seed " << seed << " pass " << i;
      }
      world.Pass(samples);
    }
  }
}

TEST(CounterfactualProperty, WhatItNamesChangesTheDecisionAndOneStepLessDoesNot) {
  Tally tally;
  ForEachSituation([&](AskedWorld& world, const Situation& situation) {
    Checker checker(world.spec, situation, tally);
    checker.Check();
  });
  for (size_t strategy = 0; strategy < tally.at_once.size(); ++strategy) {
    EXPECT_GT(tally.at_once[strategy], 8) << "of strategy " << strategy << ": too quiet to show anything";
    EXPECT_GT(tally.kept[strategy], 3) << strategy;
  }
  EXPECT_GT(tally.later, 30);
}

TEST(CounterfactualProperty, WhyNotAgreesWithDecide) {
  int reached = 0;
  int blocked = 0;
  ForEachSituation([&](AskedWorld& world, const Situation& situation) {
    const Decision decided = Decide(world.spec, situation.history, situation.seen, situation.now);
    const int capacity = Between(world.random, 0, 12);
    const WhyNot why = FindWhyNot(world.spec, situation, capacity, kBounds);
    ASSERT_EQ(why.decided, decided.to == capacity);
    blocked += why.blocked.has_value();
    if (why.blocked) ASSERT_NE(why.blocked->in, why.blocked->out);
    for (const WhyNot::Way& way : why.ways) {
      if (!way.value) continue;
      ASSERT_TRUE(capacity > decided.to ? way.value->to >= capacity : way.value->to <= capacity);
      reached += way.value->to == capacity;
    }
    if (why.later) ASSERT_EQ(why.later->to, capacity);
  });
  EXPECT_GT(reached, 15);
  EXPECT_GT(blocked, 10);
}

}  // namespace
}  // namespace ottoscale::decision
