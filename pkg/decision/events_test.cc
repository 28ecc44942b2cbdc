#include "pkg/decision/events.h"

#include <gtest/gtest.h>

#include "pkg/decision/small_world.h"

namespace ottoscale::decision {
namespace {

struct EventWorld : SmallWorld {
  std::optional<Outcome> before;
  std::vector<Event> events;  // of the last pass

  // The reasons of the events of a pass, "!" before a warning.
  std::vector<std::string> Tell(std::vector<Sample> samples) {
    const Outcome outcome = Pass(std::move(samples));
    events = EventsFor(before ? &*before : nullptr, history, outcome);
    before = outcome;
    std::vector<std::string> reasons;
    for (const Event& event : events) reasons.push_back((event.warning ? "!" : "") + event.reason);
    return reasons;
  }
  std::vector<std::string> Beat(double milliseconds) { return Tell({Valid(milliseconds, now)}); }
  std::vector<std::string> Beats(int count, double milliseconds) {
    for (int i = 1; i < count; ++i) Beat(milliseconds);
    return Beat(milliseconds);
  }
  std::vector<std::string> NoBeat() { return Tell({Missing(MissingReason::kProbeFailed, "connection refused")}); }
};

using testing::ElementsAre;
using testing::IsEmpty;

TEST(EventsFor, TellsAScaleOutAndAScaleIn) {
  EventWorld world;
  EXPECT_THAT(world.Beats(2, 1240), IsEmpty());
  EXPECT_THAT(world.Beat(1240), ElementsAre("ScaledOut"));
  EXPECT_EQ(world.events[0].note, "heartbeat 1240 ms is above 1000 ms for 3 of 3 samples: 2 \u2192 3 dynos");
  EXPECT_EQ(world.events[0].action, "Scale");
  EXPECT_THAT(world.Beats(5, 100), ElementsAre("ScaledIn"));
}

TEST(EventsFor, SaysWhenTheCloudDidSomethingElse) {
  EventWorld world;
  world.answer = Applied{4};
  world.Beats(3, 1240);
  EXPECT_EQ(world.events[0].note,
            "heartbeat 1240 ms is above 1000 ms for 3 of 3 samples: 2 \u2192 3 dynos (the cloud says 4 dynos)");
}

TEST(EventsFor, TellsTheMaximumOnceAndNotEachBeat) {
  EventWorld world;
  world.spec.max_capacity = 2;
  EXPECT_THAT(world.Beats(3, 1240), ElementsAre("!LimitedByMaxCapacity"));
  for (int i = 0; i < 10; ++i) EXPECT_THAT(world.Beat(1240), IsEmpty());
  world.Beat(500);
  EXPECT_THAT(world.Beats(3, 1240), ElementsAre("!LimitedByMaxCapacity")) << "a new need";
}

TEST(EventsFor, DoesNotTellTheMaximumWhereItIsReachedByAChange) {
  EventWorld world;
  world.spec.max_capacity = 3;
  world.threshold().step_out = 5;
  EXPECT_THAT(world.Beats(3, 1240), ElementsAre("ScaledOut"));
}

TEST(EventsFor, TellsTheMinimumButNotAtOneDyno) {
  EventWorld world;
  world.spec.min_capacity = 2;
  EXPECT_THAT(world.Beats(5, 100), ElementsAre("!LimitedByMinCapacity"));
  EXPECT_THAT(world.Beat(100), IsEmpty());
  EventWorld small;
  small.target.desired = small.target.ready = 1;
  EXPECT_THAT(small.Beats(5, 100), IsEmpty());
}

TEST(EventsFor, TellsAFailedWriteOnceWhileItFailsAlike) {
  struct Case {
    WriteResult result;
    const char* reason;
  };
  const Case cases[] = {{Refused{.kind = Refused::Kind::kInvalid}, "!ScaleFailed"},
                        {Refused{.kind = Refused::Kind::kBusy}, "!ScaleFailed"},
                        {Refused{.kind = Refused::Kind::kRateLimited}, "!ProviderRateLimited"},
                        {Refused{.kind = Refused::Kind::kCredentials}, "!CredentialsInvalid"},
                        {Refused{.kind = Refused::Kind::kNotFound}, "!TargetNotFound"},
                        {Refused{.kind = Refused::Kind::kLimit}, "!LimitedByMaxCapacity"},
                        {Unknown{}, "!ScaleFailed"},
                        {Violation{}, "!ScaleFailed"}};
  for (const Case& c : cases) {
    EventWorld world;
    world.answer = c.result;
    EXPECT_THAT(world.Beats(3, 1240), ElementsAre(c.reason));
    EXPECT_THAT(world.Beat(1240), IsEmpty()) << c.reason;
    EXPECT_THAT(world.Beat(1240), IsEmpty()) << c.reason;
  }
}

TEST(EventsFor, TellsNothingOfAnOrdinaryRace) {
  EventWorld world;
  world.answer = Superseded{"the spec was changed"};
  EXPECT_THAT(world.Beats(3, 1240), IsEmpty());
}

TEST(EventsFor, TellsWhenAMetricGoesAndComesBack) {
  EventWorld world;
  world.Beat(500);
  EXPECT_THAT(world.NoBeat(), ElementsAre("!MetricUnavailable"));
  EXPECT_EQ(world.events[0].note, "metric heartbeat: ProbeFailed: connection refused");
  EXPECT_THAT(world.NoBeat(), IsEmpty());
  EXPECT_THAT(world.Beat(500), ElementsAre("MetricRecovered"));
  EventWorld fresh;
  EXPECT_THAT(fresh.NoBeat(), ElementsAre("!MetricUnavailable")) << "also at the start";
}

TEST(EventsFor, TellsWhatIsWrongWithTheTargetOnce) {
  EventWorld world;
  world.failure = TargetFailure{.fault = TargetFault::kCredentialsInvalid, .message = "the key was refused"};
  EXPECT_THAT(world.Beat(500), ElementsAre("!CredentialsInvalid"));
  EXPECT_THAT(world.Beat(500), IsEmpty());
  world.failure = TargetFailure{.fault = TargetFault::kTargetNotFound};
  EXPECT_THAT(world.Beat(500), ElementsAre("!TargetNotFound"));
  world.failure = TargetFailure{.fault = TargetFault::kConfigInvalid, .reason = "AmbiguousTarget"};
  EXPECT_THAT(world.Beat(500), ElementsAre("!AmbiguousTarget"));
}

TEST(EventsFor, TellsWhatSomebodyElseHasDone) {
  EventWorld world;
  world.Beat(500);
  world.target.desired = world.target.ready = 5;
  EXPECT_THAT(world.Beat(500), ElementsAre("ExternalChangeObserved"));
  EXPECT_EQ(world.events[0].note, "somebody else has changed the target: 2 \u2192 5 dynos");
  EXPECT_THAT(world.Beat(500), IsEmpty());
}

TEST(EventsFor, TakesItsOwnChangeForItsOwn) {
  EventWorld world;
  world.answer = Unknown{};
  world.Beats(3, 1240);
  world.target.desired = world.target.ready = 3;
  EXPECT_THAT(world.Beat(500), ElementsAre("ScaledOut"));
  EXPECT_EQ(world.events[0].note, "the write whose end was unknown was made: 2 \u2192 3 dynos");
  EXPECT_THAT(world.Beat(500), IsEmpty());

  EventWorld blind;
  blind.answer = Unknown{};
  blind.Beats(3, 1240);
  blind.failure = TargetFailure{.fault = TargetFault::kUnavailable};
  blind.Beat(500);
  blind.failure.reset();
  blind.target.desired = blind.target.ready = 3;
  EXPECT_THAT(blind.Beat(500), ElementsAre("ScaledOut")) << "the first reading failed";

  EventWorld lost;
  lost.answer = Unknown{};
  lost.Beats(3, 1240);
  EXPECT_THAT(lost.Beat(500), IsEmpty()) << "it was not made";
}

TEST(EventsFor, TellsOfSuspensionAlsoWhenThereIsNothingToHold) {
  EventWorld world;
  world.Beat(500);
  world.spec.suspend = policy::Suspend{};
  EXPECT_THAT(world.Beat(500), ElementsAre("Suspended"));
  EXPECT_THAT(world.Beat(500), IsEmpty());
  world.spec.suspend.reset();
  EXPECT_THAT(world.Beat(500), ElementsAre("Resumed"));
}

}  // namespace
}  // namespace ottoscale::decision
