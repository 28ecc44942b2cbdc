#include "pkg/kube/reflector.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pkg/async/scope.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/http/loopback.h"
#include "pkg/kube/scripted_handler.h"

namespace ottoscale::kube {
namespace {

using kubeapi::ErrorReason;

std::string ObjectText(const std::string& name, int version) {
  return absl::StrCat(R"({"metadata":{"name":")", name, R"(","resourceVersion":")", version, R"("}})");
}
Scripted ListOf(int version, std::vector<std::string> objects) {
  std::string items;
  for (const std::string& object : objects) absl::StrAppend(&items, items.empty() ? "" : ",", object);
  return {.body = absl::StrCat(R"({"metadata":{"resourceVersion":")", version, R"("},"items":[)", items, "]}")};
}
std::string Line(const std::string& type, const std::string& object) {
  return absl::StrCat(R"({"type":")", type, R"(","object":)", object, "}\n");
}
std::string Gone() {
  return Line("ERROR", codec::Dump(kubeapi::ToJson(kubeapi::MakeApiError(ErrorReason::kExpired, "too old"))));
}
Scripted StreamOf(std::vector<std::string> lines, bool hang) {
  return {.chunks = std::move(lines), .hang = hang, .stream = true};
}

struct World {
  explicit World(uint64_t seed = 1) : loop(seed) {
    options.resource = kubeapi::ScalingPolicies();
    api.after = StreamOf({}, true);
    options.on_failure = [this](const absl::Status& why, absl::Duration) {
      failures.push_back(std::string(why.message()));
    };
  }
  ~World() { Stop(); }
  void Start() {
    reflector = std::make_unique<Reflector>(loop, client, cache, options);
    scope.Spawn(reflector->Run());
  }
  void Stop() {
    scope.Cancel();
    loop.RunUntilDone([this] { return scope.running() == 0; });
  }
  std::string Cached() const {
    std::string text;
    for (const ObjectPtr& object : cache.List()) {
      absl::StrAppend(&text, text.empty() ? "" : " ", object->meta.name, "=", object->meta.resource_version);
    }
    return text;
  }
  // "list 5", "watch 7": what was asked, in order.
  std::vector<std::string> Asked() const {
    std::vector<std::string> asked;
    for (const http::ServerRequest& request : api.requests) {
      const std::string version = http::QueryValue(request.query, "resourceVersion").value_or("''");
      asked.push_back(absl::StrCat(http::QueryValue(request.query, "watch") ? "watch " : "list ", version));
    }
    return asked;
  }

  async::SimulatedLoop loop;
  ScriptedHandler api;
  http::Loopback transport{loop, api};
  Client client{transport, {.base_url = "http://api:80"}};
  Cache cache;
  ReflectorOptions options;
  std::vector<std::string> failures;
  async::Scope scope{loop};
  std::unique_ptr<Reflector> reflector;
};

using Asked = std::vector<std::string>;

TEST(Reflector, ListsThenWatchesFromThere) {
  World world;
  world.api.script = {
      ListOf(5, {ObjectText("a", 3), ObjectText("b", 4)}),
      StreamOf({Line("MODIFIED", ObjectText("a", 6)), Line("ADDED", ObjectText("c", 7)),
                Line("DELETED", ObjectText("b", 8)), Line("BOOKMARK", R"({"metadata":{"resourceVersion":"12"}})")},
               true)};
  world.Start();
  world.loop.RunReady();
  EXPECT_EQ(world.Cached(), "a=6 c=7");
  EXPECT_EQ(world.Asked(), (Asked{"list 0", "watch 5"}));
  EXPECT_EQ(world.reflector->counters().events, 3u);
  EXPECT_EQ(world.reflector->resource_version(), "12");
  world.Stop();
  EXPECT_TRUE(world.loop.drained());
}

TEST(Reflector, ListsAnewAfterA410InsideAStream) {
  World world;
  world.api.script = {ListOf(5, {ObjectText("a", 3)}), StreamOf({Line("ADDED", ObjectText("b", 6)), Gone()}, false),
                      ListOf(90, {ObjectText("b", 80)})};
  world.Start();
  world.loop.RunReady();
  EXPECT_EQ(world.Cached(), "b=80");
  EXPECT_EQ(world.Asked(), (Asked{"list 0", "watch 5", "list ''", "watch 90"}));
  EXPECT_TRUE(world.failures.empty());
}

TEST(Reflector, SurvivesAServerThatIsAway) {
  World world;
  for (int i = 0; i < 6; ++i) world.api.script.push_back(Fails(ErrorReason::kServiceUnavailable));
  world.api.script.push_back(ListOf(5, {}));
  world.Start();
  world.loop.RunFor(absl::Seconds(1));
  EXPECT_FALSE(world.cache.has_synced());
  world.loop.RunFor(absl::Minutes(3));
  EXPECT_TRUE(world.cache.has_synced());
  EXPECT_EQ(world.failures, (Asked(6, "list scalingpolicies in all namespaces: scripted")));
}

TEST(Reflector, ASilentStreamIsGivenUpAndTheNextIsTrustedUntilItsEnd) {
  World world;
  world.api.script = {ListOf(5, {})};
  world.Start();
  world.loop.RunFor(absl::Seconds(89));
  EXPECT_EQ(world.Asked(), (Asked{"list 0", "watch 5"}));
  world.loop.RunFor(absl::Seconds(5));
  EXPECT_EQ(world.Asked(), (Asked{"list 0", "watch 5", "watch 5"}));
  world.loop.RunFor(absl::Seconds(320));  // at least 300 s, and 30 s of grace
  EXPECT_EQ(world.Asked().size(), 3u);
  world.loop.RunFor(absl::Seconds(320));
  EXPECT_GE(world.Asked().size(), 4u);
}

TEST(Reflector, GarbageInAStreamLeadsToANewList) {
  World world;
  world.api.script = {ListOf(5, {}), StreamOf({"{\"type\":\"ADD", "ED\"}\n"}, true), ListOf(6, {ObjectText("a", 6)})};
  world.Start();
  world.loop.RunFor(absl::Seconds(5));
  EXPECT_EQ(world.Cached(), "a=6");
  EXPECT_EQ(world.Asked(), (Asked{"list 0", "watch 5", "list 5", "watch 6"}));
}

TEST(Reflector, DrawsTheLengthOfEachWatch) {
  World world;
  world.api.answer = [](const http::ServerRequest& request) {
    Scripted list = ListOf(5, {});
    if (!http::QueryValue(request.query, "watch")) return list;
    Scripted stream = StreamOf({}, false);
    stream.delay = absl::Seconds(2);
    return stream;
  };
  world.Start();
  world.loop.RunFor(absl::Minutes(2));
  std::set<std::string> lengths;
  for (const http::ServerRequest& request : world.api.requests) {
    if (const auto length = http::QueryValue(request.query, "timeoutSeconds")) {
      EXPECT_GE(std::stoi(*length), 300);
      EXPECT_LT(std::stoi(*length), 600);
      lengths.insert(*length);
    }
  }
  EXPECT_GE(lengths.size(), 5u);
}

TEST(Reflector, AServerThatEndsEachWatchAtOnceIsNotStormed) {
  World world;
  world.api.answer = [](const http::ServerRequest& request) {
    return http::QueryValue(request.query, "watch") ? StreamOf({}, false) : ListOf(5, {});
  };
  world.Start();
  world.loop.RunFor(absl::Minutes(10));
  EXPECT_LE(world.api.requests.size(), 80u);
}

}  // namespace
}  // namespace ottoscale::kube
