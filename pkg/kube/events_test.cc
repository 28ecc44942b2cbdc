#include "pkg/kube/events.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "pkg/async/scope.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/http/loopback.h"
#include "pkg/kube/scripted_handler.h"

namespace ottoscale::kube {
namespace {

using kubeapi::ErrorReason;
using kubeapi::ObjectKey;
using nlohmann::json;

struct World {
  explicit World(EventRecorderOptions options = {}) : recorder(loop, client, std::move(options)) {}
  ~World() {
    scope.Cancel();
    loop.RunUntilDone([this] { return scope.running() == 0; });
  }
  void Start() { scope.Spawn(recorder.Run()); }
  void Record(absl::string_view note = "scaled out: 2 to 3", absl::string_view name = "web",
              absl::string_view uid = "u1") {
    recorder.Record(kubeapi::ScalingPolicies(), {"shop", std::string(name)}, uid, false, "ScaledOut", "Scale", note);
  }
  json Sent(size_t i) const { return json::parse(api.requests.at(i).body); }

  async::SimulatedLoop loop{1};
  ScriptedHandler api;
  http::Loopback transport{loop, api};
  Client client{transport, {.base_url = "http://api:80"}};
  async::Scope scope{loop};
  EventRecorder recorder;
};

TEST(Events, SaysWhatHappenedToWhat) {
  World world({.controller = "ottoscale.dev/operator", .instance = "pod-1"});
  world.Start();
  world.Record();
  world.loop.RunReady();
  ASSERT_EQ(world.api.requests.size(), 1u);
  EXPECT_EQ(world.api.Lines()[0], "POST /apis/events.k8s.io/v1/namespaces/shop/events");
  json event = world.Sent(0);
  const std::string name = event["metadata"]["name"].get<std::string>();
  EXPECT_EQ(name.substr(0, 4), "web.");
  EXPECT_EQ(name.size(), 4u + 16u);
  event["metadata"].erase("name");
  EXPECT_EQ(event, json::parse(R"({
    "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"namespace": "shop"},
    "eventTime": "2026-01-01T00:00:00.000000Z", "type": "Normal", "reason": "ScaledOut", "action": "Scale",
    "note": "scaled out: 2 to 3", "reportingController": "ottoscale.dev/operator", "reportingInstance": "pod-1",
    "regarding": {"apiVersion": "ottoscale.dev/v1alpha1", "kind": "ScalingPolicy", "namespace": "shop", "name": "web",
                  "uid": "u1"}})"));
}

TEST(Events, KeepsToTheLimitsOfTheApi) {
  World world;
  world.Start();
  const std::string note = std::string(1022, 'x') + "\xC3\xA9\xC3\xA9\n\xFF";
  world.recorder.Record(kubeapi::ScalingPolicies(), {"", std::string(300, 'n')}, "", true, std::string(200, 'R'), "",
                        note);
  world.loop.RunReady();
  const json event = world.Sent(0);
  EXPECT_LE(event["note"].get<std::string>().size(), 1024u);
  EXPECT_EQ(event["reason"].get<std::string>().size(), 128u);
  EXPECT_EQ(event["action"], event["reason"]);
  EXPECT_EQ(event["type"], "Warning");
  EXPECT_LE(event["metadata"]["name"].get<std::string>().size(), 253u);
  EXPECT_EQ(event["metadata"]["namespace"], "default");
}

TEST(Events, NamesFollowFromWhatIsToldAndWhen) {
  std::set<std::string> names;
  for (int run = 0; run < 2; ++run) {
    World world;
    world.Start();
    world.Record("one");
    world.Record("two");
    world.Record("one", "web", "another uid");
    world.loop.RunFor(absl::Hours(1));
    world.Record("one");
    world.loop.RunReady();
    ASSERT_EQ(world.api.requests.size(), 4u);
    for (size_t i = 0; i < 4; ++i) names.insert(world.Sent(i)["metadata"]["name"].get<std::string>());
  }
  EXPECT_EQ(names.size(), 4u);
}

TEST(Events, ASecondTimeBeginsASeriesThatIsWrittenSparingly) {
  World world;
  world.Start();
  for (int i = 0; i < 12; ++i) {  // each 5 minutes: 55 minutes
    world.Record();
    world.loop.RunFor(absl::Minutes(5));
  }
  ASSERT_EQ(world.api.requests.size(), 3u);  // created; second time at 5; refreshed at 35
  EXPECT_EQ(world.api.requests[1].method, "PATCH");
  EXPECT_EQ(world.Sent(1),
            json::parse(R"({"series": {"count": 2, "lastObservedTime": "2026-01-01T00:05:00.000000Z"}})"));
  EXPECT_EQ(world.Sent(2)["series"]["count"], 8);
  world.loop.RunFor(absl::Minutes(10));  // silence: the end
  ASSERT_EQ(world.api.requests.size(), 4u);
  EXPECT_EQ(world.Sent(3),
            json::parse(R"({"series": {"count": 12, "lastObservedTime": "2026-01-01T00:55:00.000000Z"}})"));
  EXPECT_EQ(world.recorder.counters().merged, 11u);
  world.Record();
  world.loop.RunReady();
  EXPECT_EQ(world.api.requests.back().method, "POST");
}

TEST(Events, AnotherNoteIsAnotherEvent) {
  World world;
  world.Start();
  world.Record("2 to 3");
  world.Record("3 to 4");
  world.loop.RunReady();
  EXPECT_EQ(world.Sent(1)["note"], "3 to 4");
}

TEST(Events, ASeriesWhoseFirstWasLostIsCreatedWhole) {
  World world;
  world.Start();
  world.Record();
  world.loop.RunReady();
  world.api.script = {Fails(ErrorReason::kNotFound)};
  world.Record();
  world.loop.RunReady();
  ASSERT_EQ(world.api.requests.size(), 3u);
  EXPECT_EQ(world.api.requests[2].method, "POST");
  EXPECT_EQ(world.Sent(2)["series"]["count"], 2);
  EXPECT_EQ(world.Sent(2)["metadata"], world.Sent(0)["metadata"]);
}

TEST(Events, EachObjectHasABudget) {
  World world;
  world.Start();
  for (int i = 0; i < 40; ++i) world.Record(absl::StrCat("note ", i));
  world.Record("note", "other", "u2");
  world.loop.RunReady();
  EXPECT_EQ(world.api.requests.size(), 26u);
  EXPECT_EQ(world.recorder.counters().dropped, 15u);
  world.loop.RunFor(absl::Minutes(10));
  for (int i = 100; i < 110; ++i) world.Record(absl::StrCat("note ", i));
  world.loop.RunReady();
  EXPECT_EQ(world.api.requests.size(), 28u);
}

TEST(Events, AFullQueueDropsTheNewestAndNothingWaits) {
  World world({.max_queued = 3});
  for (int i = 0; i < 5; ++i) world.Record("note", absl::StrCat("object", i), absl::StrCat("u", i));
  EXPECT_EQ(world.recorder.queued(), 3u);
  EXPECT_EQ(world.recorder.counters().dropped, 2u);
  world.Start();
  world.loop.RunReady();
  EXPECT_EQ(world.recorder.counters().sent, 3u);
}

TEST(Events, RemembersNoMoreThanItMay) {
  World world({.max_remembered = 2});
  world.Start();
  for (int i = 0; i < 3; ++i) {
    world.Record("note", absl::StrCat("object", i), absl::StrCat("u", i));
    world.loop.RunFor(absl::Seconds(1));
  }
  world.Record("note", "object0", "u0");  // forgotten: a new one
  world.loop.RunReady();
  EXPECT_EQ(world.recorder.counters().merged, 0u);
  EXPECT_EQ(world.api.requests.size(), 4u);
}

struct FailureRow {
  ErrorReason reason;
  size_t tries;
};

TEST(Events, TriesAgainWhatMayHelpAndGivesUpOnTheRest) {
  for (const FailureRow& row : std::vector<FailureRow>{{ErrorReason::kServiceUnavailable, 12},
                                                       {ErrorReason::kInternalError, 12},
                                                       {ErrorReason::kForbidden, 1},
                                                       {ErrorReason::kInvalid, 1}}) {
    World world;
    world.api.after = Fails(row.reason);
    world.Start();
    world.Record();
    world.loop.RunFor(absl::Minutes(5));
    EXPECT_EQ(world.api.requests.size(), row.tries) << ReasonName(row.reason);
    EXPECT_EQ(world.recorder.counters().dropped, 1u);
  }
}

TEST(Events, ClosingWritesOutWhatIsLeftAndEnds) {
  World world;
  world.Start();
  for (int i = 0; i < 3; ++i) world.Record();
  world.loop.RunReady();
  EXPECT_EQ(world.api.requests.size(), 2u);
  world.recorder.Close();
  world.Record("too late");
  world.loop.RunReady();
  EXPECT_EQ(world.scope.running(), 0u);
  ASSERT_EQ(world.api.requests.size(), 3u);
  EXPECT_EQ(world.Sent(2)["series"]["count"], 3);
  EXPECT_TRUE(world.loop.drained());
}

TEST(Events, ClosingDoesNotWaitForAServerThatIsAway) {
  World world;
  world.api.after = Fails(ErrorReason::kServiceUnavailable);
  for (int i = 0; i < 3; ++i) world.Record(absl::StrCat("note ", i));
  world.recorder.Close();
  world.Start();
  world.loop.RunReady();
  EXPECT_EQ(world.scope.running(), 0u);
  EXPECT_EQ(world.recorder.counters().dropped, 3u);
}

}  // namespace
}  // namespace ottoscale::kube
