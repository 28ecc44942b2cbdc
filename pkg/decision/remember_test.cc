// What is kept between passes, and what a reading says about the past.
#include <gtest/gtest.h>

#include "pkg/decision/decide.h"
#include "pkg/decision/small_world.h"

namespace ottoscale::decision {
namespace {

TEST(Remember, ClearsTheRunAfterASuccessfulChange) {
  SmallWorld world;
  world.Beats(3, 1240);
  EXPECT_EQ(world.history.metrics[0].run, 0);
  EXPECT_EQ(world.Beat(1240).decision.metrics[0].breaches, 1);
}

TEST(Remember, KeepsTheRunAfterAFailedOne) {
  struct Case {
    const char* name;
    WriteResult result;
  };
  for (const Case& c : {Case{"refused", Refused{.kind = Refused::Kind::kBusy}}, Case{"superseded", Superseded{}},
                        Case{"violation", Violation{}}, Case{"unknown", Unknown{}}}) {
    SmallWorld world;
    world.answer = c.result;
    world.Beats(3, 1240);
    EXPECT_EQ(world.history.metrics[0].run, 3) << c.name;
    world.answer.reset();
    EXPECT_EQ(world.Beat(1240).decision.to, 3) << c.name << ": the next beat tries again";
  }
}

TEST(Remember, SettlesAnUnknownWriteByTheNextReading) {
  SmallWorld world;
  world.answer = Unknown{"timed out"};
  const async::Instant decided = world.now + absl::Seconds(60);
  world.Beats(3, 1240);
  ASSERT_TRUE(world.history.write_unknown);
  ASSERT_EQ(world.history.pending, std::optional(PendingChange{.from = 2, .to = 3, .time = decided.wall}));

  world.target.desired = 3;  // it has happened
  world.target.ready = 2;
  EXPECT_EQ(world.Beat(1240).decision.metrics[0].breaches, 1) << "the run is cleared, as by any change of ours";
  EXPECT_FALSE(world.history.write_unknown);
  EXPECT_EQ(world.history.pending, std::nullopt);
  EXPECT_EQ(world.history.last_scale_out, std::optional(decided));
  EXPECT_EQ(world.history.last_external, std::nullopt) << "it is nobody else's";
}

TEST(Remember, ForgetsAnUnknownWriteThatHasNotHappened) {
  SmallWorld world;
  world.answer = Unknown{"timed out"};
  world.Beats(3, 1240);
  EXPECT_EQ(world.Beat(1240).decision.to, 3) << "so it is tried again";
  EXPECT_EQ(world.history.last_scale_out, std::nullopt);
}

TEST(Remember, WritesNothingAfterAnUnknownWriteUntilTheTargetIsRead) {
  SmallWorld world;
  world.answer = Unknown{"timed out"};
  world.Beats(3, 1240);
  world.failure = TargetFailure{.fault = TargetFault::kUnavailable};
  EXPECT_FALSE(world.Beat(1240).decision.write);
  EXPECT_TRUE(world.history.write_unknown);
  // The reading of the pass that wrote cannot know.
  const async::Instant earlier = world.history.unknown_at;
  const Observation stale{.target = world.target, .samples = {Valid(1240, earlier)}};
  EXPECT_EQ(Decide(world.spec, world.history, stale, earlier).code, Code::kAwaitingReadBack);
}

TEST(Remember, TakesAnIntentThatARestartHasCutOffAsItsOwn) {
  SmallWorld world;
  world.history = {.target_uid = "app-1/web",
                   .pending = PendingChange{.from = 2, .to = 3, .time = world.now.wall - absl::Seconds(40)},
                   .known_desired = 2};
  world.target.desired = 3;
  world.Beat(1240);
  ASSERT_TRUE(world.history.last_scale_out);
  EXPECT_EQ(world.history.last_scale_out->boot, async::BootTime{absl::Hours(1) - absl::Seconds(40)});
  EXPECT_EQ(world.history.last_external, std::nullopt);
}

TEST(Remember, NoticesWhatSomebodyElseHasDone) {
  SmallWorld world;
  world.Beats(2, 1240);
  world.target.desired = world.target.ready = 4;
  const async::Instant at = world.now;
  world.Beat(1240);
  EXPECT_EQ(world.history.last_external, std::optional(Change{.at = at, .from = 2, .to = 4}));
  EXPECT_EQ(world.history.metrics[0].run, 1) << "what was measured at 2 dynos says nothing about 4";
  world.Beat(500);
  EXPECT_EQ(world.history.last_external->at, at) << "once";
}

TEST(Remember, StartsAfreshWithAnotherTarget) {
  SmallWorld world;
  world.Beats(3, 1240);
  world.target.uid = "app-2/web";
  world.Beat(1240);
  EXPECT_EQ(world.history.target_uid, "app-2/web");
  EXPECT_EQ(world.history.last_scale_out, std::nullopt);
  EXPECT_EQ(world.history.last_applied, std::nullopt);
  EXPECT_EQ(world.history.last_external, std::nullopt);
  EXPECT_EQ(world.history.metrics[0].run, 1);
}

TEST(Remember, LearnsACeilingFromARefusalAndDoesNotAskEachPass) {
  SmallWorld world;
  world.answer = Refused{.kind = Refused::Kind::kLimit, .message = "at most 2"};
  world.Beats(3, 1240);
  EXPECT_EQ(world.history.ceiling, std::optional(2));
  const Decision held = world.Beat(1240).decision;
  EXPECT_FALSE(held.write);
  EXPECT_EQ(held.code, Code::kTargetBounds);
  while (world.now.boot < async::BootTime{absl::Hours(1) + absl::Seconds(60) + History::kCeilingTrust}) {
    EXPECT_FALSE(world.Beat(1240).decision.write);
  }
  world.answer.reset();
  EXPECT_TRUE(world.Beat(1240).decision.write) << "tried once more after a while";
  EXPECT_EQ(world.history.ceiling, std::nullopt) << "the target has taken more";
}

TEST(Remember, TakesALimitThatIsSharedWithOthersAtWhatItDoes) {
  SmallWorld world;
  world.answer = Refused{.kind = Refused::Kind::kLimit, .ceiling = 100};
  world.Beats(3, 1240);
  EXPECT_EQ(world.history.ceiling, std::optional(2));
}

TEST(Remember, ForgetsACeilingThatSomebodyHasPassed) {
  SmallWorld world;
  world.answer = Refused{.kind = Refused::Kind::kLimit};
  world.Beats(3, 1240);
  world.target.desired = world.target.ready = 3;
  world.Beat(500);
  EXPECT_EQ(world.history.ceiling, std::nullopt);
}

TEST(Remember, MeasuresTheFlightFromTheNewestOrder) {
  SmallWorld world;
  world.target.ready = 1;
  const async::BootTime start = world.now.boot;
  world.Beats(2, 500);
  EXPECT_EQ(world.history.in_flight_since, std::optional(start));
  world.target.desired = 4;
  const async::BootTime again = world.now.boot;
  world.Beat(500);
  EXPECT_EQ(world.history.in_flight_since, std::optional(again));
  world.target.ready = 4;
  world.Beat(500);
  EXPECT_EQ(world.history.in_flight_since, std::nullopt);
}

TEST(Remember, LearnsHowLongInstancesTakeToServe) {
  SmallWorld world;
  world.answer = Applied{3};
  world.Beats(3, 1240);
  world.target.desired = 3;
  for (int i = 0; i < 4; ++i) world.Beat(500);
  EXPECT_EQ(world.history.boot_time, std::nullopt);
  world.target.ready = 3;
  world.Beat(500);
  EXPECT_EQ(world.history.boot_time, absl::Seconds(150)) << "ordered, four polls in flight, seen at the next";
  // What somebody else orders is not ours, and what goes away takes no time to serve.
  world.target.desired = 5;
  world.Beats(2, 500);
  world.target.ready = 5;
  world.answer = std::nullopt;
  world.Beats(12, 100);
  EXPECT_LT(world.target.desired, 5);
  EXPECT_EQ(world.history.boot_time, absl::Seconds(150));
}

TEST(Remember, TakesWhatNeverServedInTimeForNoBootTime) {
  SmallWorld world;
  world.spec.behavior.progress_deadline = absl::Seconds(60);
  world.answer = Applied{3};
  world.Beats(3, 1240);
  world.target.desired = 3;
  for (int i = 0; i < 4; ++i) world.Beat(500);
  world.target.ready = 3;
  world.Beat(500);
  EXPECT_EQ(world.history.boot_time, std::nullopt);
}

TEST(Remember, StaysBoundedWhateverIsSeen) {
  SmallWorld world;
  world.spec.poll_period = absl::Seconds(1);
  world.spec.max_capacity = 100000;
  world.spec.behavior.scale_in.stabilization_window = absl::Hours(1);
  world.spec.behavior.scale_out.policies = {
      {.type = policy::RatePolicy::Type::kInstances, .value = 1000, .period = absl::Hours(1)}};
  world.threshold().breaches_to_scale_out = 1;
  for (int i = 0; i < 2000; ++i) {
    world.Beat(1240);
    ASSERT_LE(world.history.recommendations.size(), History::kMaxEntries);
    ASSERT_LE(world.history.changes.size(), History::kMaxEntries);
  }
}

// What came and went within an hour is counted to the last, however the list was shortened.
TEST(Remember, ForgetsNoneOfManyChanges) {
  SmallWorld world;
  world.spec.max_capacity = 100000;
  world.target.desired = world.target.ready = 1000;
  world.threshold().breaches_to_scale_out = world.threshold().breaches_to_scale_in = 1;
  policy::RatePolicy rate{.type = policy::RatePolicy::Type::kInstances, .value = 80, .period = absl::Hours(1)};
  world.spec.behavior.scale_out.policies = {rate};
  rate.value = 60;
  world.spec.behavior.scale_in.policies = {rate};
  int out = 0;
  int in = 0;
  for (int i = 0; i < 119; ++i) {
    const int before = world.target.desired;
    world.Beat(i % 5 < 3 ? 1240 : 100);
    const int moved = world.target.desired - before;
    (moved > 0 ? out : in) += std::abs(moved);
    ASSERT_LE(world.history.changes.size(), History::kMaxEntries);
    int remembered_out = 0;
    int remembered_in = 0;
    for (const Change& change : world.history.changes) {
      (change.to > change.from ? remembered_out : remembered_in) += std::abs(change.to - change.from);
    }
    ASSERT_EQ(remembered_out, out) << i;
    ASSERT_EQ(remembered_in, in) << i;
  }
  EXPECT_GT(out, 50);
  EXPECT_GT(in, 40);
}

TEST(Remember, KeepsWhatAWindowNeededHoweverManyPassesItHas) {
  SmallWorld world;
  world.spec.poll_period = absl::Seconds(5);
  world.spec.max_capacity = 1000;
  world.spec.behavior.scale_in.stabilization_window = absl::Minutes(50);
  world.spec.metrics = {{.name = "load",
                         .source = {.type = "Load"},
                         .basis = policy::Basis::kPerInstance,
                         .sudden_drop = policy::Metric::SuddenDrop::kAccept,
                         .strategy = policy::TargetTracking{.target = 10, .scale_out_tolerance_percent = 0}}};
  world.target.desired = world.target.ready = 500;
  // 500 are needed, and each pass one fewer: 600 passes later 500 still are, and then one fewer each pass but for the
  // little that the shortened list is late.
  for (int i = 0; i < 600; ++i) {
    world.Pass({Valid(std::max(5000.0 - 10 * i, 10.0), world.now)});
    ASSERT_LE(world.history.recommendations.size(), History::kMaxEntries);
  }
  EXPECT_EQ(world.target.desired, 500);
  for (int i = 1; i < 400; ++i) {
    world.Pass({Valid(10, world.now)});
    ASSERT_GE(world.target.desired, 500 - i);
    ASSERT_LE(world.target.desired, 500 - i + 40);
  }
}

TEST(Remember, KeepsOfTheRecommendationsThoseThatCanStillMatter) {
  SmallWorld world;
  world.spec.behavior.scale_in.stabilization_window = absl::Seconds(300);
  for (int i = 0; i < 11; ++i) world.Beat(500);
  EXPECT_EQ(world.history.recommendations.size(), 1u) << "equal ones: the newest";
}

TEST(Settle, SaysTheSameTwice) {
  SmallWorld world;
  world.answer = Unknown{};
  world.Beats(3, 1240);
  world.target.desired = 4;
  const Observation seen = world.Seen({Valid(500, world.now)});
  const History once = Settle(world.spec, world.history, seen, world.now);
  EXPECT_EQ(Settle(world.spec, once, seen, world.now), once);
  ASSERT_TRUE(once.last_external) << "neither where it stood nor where we led it";
  EXPECT_EQ(once.last_external->to, 4);
}

}  // namespace
}  // namespace ottoscale::decision
