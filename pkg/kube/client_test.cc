#include "pkg/kube/client.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/codec/json.h"
#include "pkg/http/loopback.h"
#include "pkg/kube/scripted_handler.h"
#include "pkg/kubeapi/api_error.h"

namespace ottoscale::kube {
namespace {

using kubeapi::ErrorReason;
using kubeapi::ObjectKey;
using nlohmann::json;
using Lines = std::vector<std::string>;

const ObjectKey kWeb{"shop", "web"};
const std::string kPath = "/apis/ottoscale.dev/v1alpha1/namespaces/shop/scalingpolicies";

json Policy(int min = 1) {
  json object = json::object();
  object["metadata"]["namespace"] = "shop";
  object["metadata"]["name"] = "web";
  object["spec"]["minCapacity"] = min;
  return object;
}

struct World {
  explicit World(ClientOptions options = {}) : client(transport, WithUrl(std::move(options))) {}
  static ClientOptions WithUrl(ClientOptions options) {
    options.base_url = "http://api:80";
    return options;
  }
  async::BootTime In(absl::Duration d) { return loop.Now().boot + d; }
  auto Get() { return loop.Run(client.Get(kubeapi::ScalingPolicies(), kWeb, In(absl::Seconds(20)))); }
  auto Create(json object) {
    return loop.Run(client.Create(kubeapi::ScalingPolicies(), std::move(object), In(absl::Seconds(20))));
  }
  auto List(ListOptions options) {
    return loop.Run(client.List(kubeapi::ScalingPolicies(), std::move(options), In(absl::Seconds(20))));
  }

  async::SimulatedLoop loop{1};
  ScriptedHandler api;
  http::Loopback transport{loop, api};
  Client client;
};

TEST(Client, GetsAnObjectAndSaysWhoAsks) {
  World world({.user_agent = "ottoscale/1.0 (linux/amd64)"});
  world.api.after.body = codec::Dump(Policy());
  const auto object = world.Get();
  ASSERT_TRUE(object.ok()) << object.status();
  EXPECT_EQ(*object, Policy());
  EXPECT_EQ(world.api.Lines(), (Lines{"GET " + kPath + "/web"}));
  EXPECT_EQ(world.api.requests[0].headers.Get("User-Agent"), "ottoscale/1.0 (linux/amd64)");
  EXPECT_EQ(world.api.requests[0].headers.Get("Authorization"), std::nullopt);
  EXPECT_EQ((world.client.counters().requests.at({"GET", "200"})), 1u);
}

TEST(Client, ErrorsCarryTheReasonAndSayWhatWasTried) {
  World world;
  world.api.after = Fails(ErrorReason::kNotFound);
  const auto object = world.Get();
  EXPECT_TRUE(absl::IsNotFound(object.status()));
  EXPECT_TRUE(kubeapi::Is(object.status(), ErrorReason::kNotFound));
  EXPECT_EQ(object.status().message(), "get scalingpolicies shop/web: scripted");
}

TEST(Client, AnAnswerThatIsNoJsonIsAnError) {
  World world;
  world.api.after.body = "<html>";
  EXPECT_TRUE(absl::IsDataLoss(world.Get().status()));
}

TEST(Client, ReadsAreTriedAgainWhenTheServerSaysWhen) {
  World world;
  Scripted busy = Fails(ErrorReason::kTooManyRequests);
  busy.headers = {{"Retry-After", "3"}};
  world.api.script = {busy, busy};
  const async::BootTime start = world.loop.Now().boot;
  EXPECT_TRUE(world.Get().ok());
  EXPECT_EQ(world.loop.Now().boot - start, absl::Seconds(6));
  EXPECT_EQ(world.client.counters().retries, 2u);
}

TEST(Client, ReadsAreNotTriedAgainWithoutRetryAfterOrPastTheDeadline) {
  World world;
  world.api.after = Fails(ErrorReason::kServiceUnavailable);
  EXPECT_TRUE(absl::IsUnavailable(world.Get().status()));
  EXPECT_EQ(world.api.requests.size(), 1u);
  world.api.after.headers = {{"Retry-After", "60"}};
  const async::BootTime start = world.loop.Now().boot;
  EXPECT_TRUE(absl::IsUnavailable(world.Get().status()));
  EXPECT_EQ(world.api.requests.size(), 2u);
  EXPECT_EQ(world.loop.Now().boot, start);
}

TEST(Client, WritesAreTriedAgainOnlyWhenTheServerWasTooBusyAndSaysWhen) {
  World world;
  const async::BootTime start = world.loop.Now().boot;
  world.api.script = {Fails(ErrorReason::kTooManyRequests)};
  world.api.script[0].headers = {{"Retry-After", "3"}};
  EXPECT_TRUE(world.Create(Policy()).ok());
  EXPECT_EQ(world.api.requests.size(), 2u);
  EXPECT_EQ(world.loop.Now().boot - start, absl::Seconds(3));
  EXPECT_EQ(world.client.counters().retries, 1u);
  world.api.requests.clear();
  for (const ErrorReason reason : {ErrorReason::kServiceUnavailable, ErrorReason::kServerTimeout}) {
    world.api.script = {Fails(reason)};
    world.api.script[0].headers = {{"Retry-After", "1"}};
    EXPECT_FALSE(world.Create(Policy()).ok());
  }
  world.api.script = {Fails(ErrorReason::kTooManyRequests)};  // and does not say when
  EXPECT_FALSE(
      world.loop.Run(world.client.Delete(kubeapi::ScalingPolicies(), kWeb, "", world.In(absl::Seconds(20)))).ok());
  EXPECT_EQ(world.api.requests.size(), 3u);
}

TEST(Client, AnErrorOfAListSaysWhere) {
  World world;
  world.api.after = Fails(ErrorReason::kForbidden);
  EXPECT_EQ(world.List({.ns = "shop"}).status().message(), "list scalingpolicies in namespace shop: scripted");
  EXPECT_EQ(world.List({}).status().message(), "list scalingpolicies in all namespaces: scripted");
}

TEST(Client, NothingWaitsPastItsDeadlineNorPastTheClientsOwn) {
  World world({.timeout = absl::Seconds(5)});
  world.api.after.delay = absl::Hours(1);
  async::BootTime start = world.loop.Now().boot;
  EXPECT_TRUE(absl::IsDeadlineExceeded(world.Get().status()));
  EXPECT_EQ(world.loop.Now().boot - start, absl::Seconds(5));
  start = world.loop.Now().boot;
  const auto soon = world.loop.Run(world.client.Get(kubeapi::ScalingPolicies(), kWeb, start + absl::Seconds(2)));
  EXPECT_TRUE(absl::IsDeadlineExceeded(soon.status()));
  EXPECT_EQ(world.loop.Now().boot - start, absl::Seconds(2));
}

TEST(Client, ACreateThatFindsItsOwnObjectHasSucceeded) {
  World world;
  json stored = Policy();
  stored["metadata"]["uid"] = "7";
  stored["spec"]["maxCapacity"] = 5;  // a default of the server
  world.api.script = {Fails(ErrorReason::kAlreadyExists), {.body = codec::Dump(stored)}};
  const auto created = world.Create(Policy());
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(*created, stored);
  EXPECT_EQ(world.api.Lines(), (Lines{"POST " + kPath, "GET " + kPath + "/web"}));
}

TEST(Client, ACreateThatFindsAnothersObjectHasFailed) {
  World world;
  world.api.script = {Fails(ErrorReason::kAlreadyExists), {.body = codec::Dump(Policy(2))}};
  EXPECT_TRUE(absl::IsAlreadyExists(world.Create(Policy(1)).status()));
}

struct CoverRow {
  const char* stored;
  const char* sent;
  bool covers;
};

TEST(Covers, ComparesOnlyWhatWasSent) {
  for (const CoverRow& row : std::vector<CoverRow>{{R"({"a":1,"b":2})", R"({"a":1})", true},
                                                   {R"({"a":1})", R"({"a":1,"b":2})", false},
                                                   {R"({"a":{"b":1,"c":2}})", R"({"a":{"b":1}})", true},
                                                   {R"({"a":[{"b":1,"c":2}]})", R"({"a":[{"b":1}]})", true},
                                                   {R"({"a":[1,2]})", R"({"a":[1]})", false},
                                                   {R"({"a":[1]})", R"({"a":{}})", false},
                                                   {R"({})", R"({"a":null})", true},
                                                   {R"("x")", R"({"a":1})", false}}) {
    EXPECT_EQ(Covers(json::parse(row.stored), json::parse(row.sent)), row.covers) << row.stored << " " << row.sent;
  }
}

TEST(Client, AnUpdateWithoutVersionIsRefusedHere) {
  World world;
  const auto updated =
      world.loop.Run(world.client.Update(kubeapi::ScalingPolicies(), Policy(), world.In(absl::Seconds(9))));
  EXPECT_TRUE(absl::IsInvalidArgument(updated.status()));
  EXPECT_TRUE(world.api.requests.empty());
}

TEST(Client, AppliesTheWholeStatusWithForce) {
  World world({.field_manager = "ottoscale-status"});
  json status = json::object();
  status["capacity"] = 3;
  EXPECT_TRUE(
      world.loop.Run(world.client.ApplyStatus(kubeapi::ScalingPolicies(), kWeb, status, world.In(absl::Seconds(9))))
          .ok());
  EXPECT_EQ(world.api.Lines(), (Lines{"PATCH " + kPath + "/web/status?fieldManager=ottoscale-status&force=true"}));
  EXPECT_EQ(world.api.requests[0].headers.Get("Content-Type"), "application/apply-patch+yaml");
  EXPECT_EQ(
      world.api.requests[0].body,
      R"({"apiVersion":"ottoscale.dev/v1alpha1","kind":"ScalingPolicy","metadata":{"name":"web","namespace":"shop"},)"
      R"("status":{"capacity":3}})");
}

TEST(Client, PatchesAndDeletes) {
  World world;
  json patch = json::object();
  patch["spec"]["suspend"] = true;
  EXPECT_TRUE(
      world.loop.Run(world.client.MergePatch(kubeapi::ScalingPolicies(), kWeb, patch, world.In(absl::Seconds(9))))
          .ok());
  EXPECT_TRUE(
      world.loop.Run(world.client.Delete(kubeapi::ScalingPolicies(), kWeb, "u7", world.In(absl::Seconds(9)))).ok());
  EXPECT_EQ(world.api.Lines(), (Lines{"PATCH " + kPath + "/web", "DELETE " + kPath + "/web"}));
  EXPECT_EQ(world.api.requests[0].headers.Get("Content-Type"), "application/merge-patch+json");
  EXPECT_TRUE(absl::StrContains(world.api.requests[1].body, R"("preconditions":{"uid":"u7"})"));
}

Scripted Page(const std::string& version, const std::string& token, std::vector<int> mins) {
  json list = json::object();
  list["metadata"]["resourceVersion"] = version;
  if (!token.empty()) list["metadata"]["continue"] = token;
  list["items"] = json::array();
  for (const int min : mins) list["items"].push_back(Policy(min));
  return {.body = codec::Dump(list)};
}

TEST(Client, TheNewestListComesInPages) {
  World world;
  world.api.script = {Page("9", "next one", {1, 2}), Page("9", "", {3})};
  const auto list = world.List({.ns = "shop", .label_selector = "a=b"});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->resource_version, "9");
  EXPECT_EQ(list->items, (std::vector<json>{Policy(1), Policy(2), Policy(3)}));
  EXPECT_EQ(world.api.Lines(), (Lines{"GET " + kPath + "?labelSelector=a%3Db&limit=500",
                                      "GET " + kPath + "?labelSelector=a%3Db&limit=500&continue=next%20one"}));
}

TEST(Client, AListAtAVersionComesWhole) {
  World world;
  world.api.script = {Page("9", "", {1})};
  ASSERT_TRUE(world.List({.resource_version = "0"}).ok());
  EXPECT_EQ(world.api.Lines(), (Lines{"GET /apis/ottoscale.dev/v1alpha1/scalingpolicies?resourceVersion=0"}));
}

TEST(Client, AListThatExpiresOnTheWayBeginsAnewOnce) {
  World world;
  world.api.script = {Page("9", "t", {1}), Fails(ErrorReason::kExpired), Page("12", "", {2})};
  const auto list = world.List({.ns = "shop"});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->resource_version, "12");
  EXPECT_EQ(list->items, (std::vector<json>{Policy(2)}));
  world.api.after = Fails(ErrorReason::kExpired);
  EXPECT_TRUE(kubeapi::IsExpired(world.List({.ns = "shop"}).status()));
}

TEST(Client, AListWithoutVersionOrItemsIsAnError) {
  World world;
  world.api.script = {Page("", "", {}), {.body = R"({"metadata":{"resourceVersion":"1"}})"}, {.body = "[]"}};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(absl::IsDataLoss(world.List({}).status())) << i;
}

async::Task<absl::StatusOr<Lines>> WatchAll(const Client& client, async::BootTime deadline) {
  auto stream = co_await client.Watch(kubeapi::ScalingPolicies(), {.ns = "shop", .resource_version = "5"}, deadline);
  if (!stream.ok()) co_return stream.status();
  Lines lines;
  while (true) {
    auto line = co_await (*stream)->Next();
    if (!line.ok()) co_return line.status();
    if (!line->has_value()) co_return lines;
    lines.push_back(**line);
  }
}

TEST(Client, WatchesLineByLine) {
  World world;
  world.api.script = {{.chunks = {"{\"a\":", "1}\n{}\n"}, .stream = true}};
  const auto lines = world.loop.Run(WatchAll(world.client, world.In(absl::Seconds(5))));
  ASSERT_TRUE(lines.ok()) << lines.status();
  EXPECT_EQ(*lines, (Lines{"{\"a\":1}", "{}"}));
  EXPECT_EQ(world.api.Lines(),
            (Lines{"GET " + kPath + "?watch=1&allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds=300"}));
}

TEST(Client, ASilentWatchTimesOut) {
  World world;
  world.api.script = {{.chunks = {"{}\n"}, .hang = true, .stream = true}};
  const async::BootTime start = world.loop.Now().boot;
  EXPECT_TRUE(absl::IsDeadlineExceeded(world.loop.Run(WatchAll(world.client, world.In(absl::Seconds(5)))).status()));
  EXPECT_EQ(world.loop.Now().boot - start, absl::Seconds(90));
}

TEST(Client, TellsEachWarningOnce) {
  Lines warnings;
  World world({.on_warning = [&warnings](absl::string_view text) { warnings.emplace_back(text); }});
  world.api.after.headers = {{"Warning", "299 - \"deprecated\""}};
  (void)world.Get();
  (void)world.Get();
  world.api.after.headers = {{"Warning", "299 - \"deprecated\", 299 host \"say \\\"x, y\\\"\""}, {"Warning", "odd"}};
  (void)world.Get();
  EXPECT_EQ(warnings, (Lines{"deprecated", "say \"x, y\"", "odd"}));
}

}  // namespace
}  // namespace ottoscale::kube
