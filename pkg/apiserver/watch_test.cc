#include "pkg/apiserver/watch.h"

#include <gtest/gtest.h>

#include "pkg/apiserver/fixture_test.h"

namespace ottoscale::apiserver {
namespace {

using nlohmann::json;
using Texts = std::vector<std::string>;

std::string WatchPath(absl::string_view query) { return absl::StrCat(kPolicies, "?watch=true", query); }

void ExpectNothingLeft(Api& api) {
  api.scope.Cancel();
  api.loop.RunReady();
  EXPECT_EQ(api.scope.running(), 0u);
  EXPECT_EQ(api.store.listeners(), 0u);
  EXPECT_TRUE(api.loop.drained());
}

TEST(Watch, BeginsWithWhatThereIsAndGoesOnInOrder) {
  Api api;
  api.Call("POST", kPolicies, Policy("b"));
  api.Call("POST", kPolicies, Policy("a"));
  Watched watched;
  api.Watch(WatchPath(""), watched);
  EXPECT_EQ(watched.Summary(), (Texts{"ADDED a", "ADDED b"}));
  api.Merge(absl::StrCat(kPolicies, "/b"), R"({"spec": {"maxCapacity": 6}})");
  api.Call("DELETE", absl::StrCat(kPolicies, "/a"));
  api.Call("POST", kPolicies, Policy("a"));
  api.loop.RunReady();
  EXPECT_EQ(watched.Summary(), (Texts{"ADDED a", "ADDED b", "MODIFIED b", "DELETED a", "ADDED a"}));
  EXPECT_EQ(watched.events[3]["object"]["metadata"]["resourceVersion"], "5") << "a deletion has a revision of its own";
  EXPECT_FALSE(watched.ended);
  ExpectNothingLeft(api);
}

TEST(Watch, FromARevisionGivesEveryLaterChangeOnce) {
  Api api;
  for (int i = 0; i < 300; ++i) api.Call("POST", kPolicies, Policy(absl::StrCat("p", i)));
  Watched watched;
  api.Watch(WatchPath("&resourceVersion=101"), watched);
  ASSERT_EQ(watched.events.size(), 200u);
  for (size_t i = 0; i < watched.events.size(); ++i) {
    EXPECT_EQ(kubeapi::TextAt(watched.events[i], {"object", "metadata", "resourceVersion"}), absl::StrCat(102 + i));
  }
  EXPECT_GT(watched.chunks, 1u) << "a long history comes in slices";
  ExpectNothingLeft(api);
}

TEST(Watch, KeepsToItsNamespaceAndName) {
  Api api;
  const std::string other = "/apis/ottoscale.dev/v1alpha1/namespaces/other/scalingpolicies";
  Watched all;
  Watched shop;
  Watched one;
  api.Watch("/apis/ottoscale.dev/v1alpha1/scalingpolicies?watch=1&resourceVersion=1", all);
  api.Watch(WatchPath("&resourceVersion=1"), shop);
  api.Watch(WatchPath("&fieldSelector=metadata.name%3Db"), one);
  api.Call("POST", other, Policy("x"));
  api.Call("POST", kPolicies, Policy("a"));
  api.Call("POST", kPolicies, Policy("b"));
  api.Call("POST", "/api/v1/namespaces/shop/secrets",
           R"({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})");
  api.loop.RunReady();
  EXPECT_EQ(all.Summary(), (Texts{"ADDED x", "ADDED a", "ADDED b"}));
  EXPECT_EQ(shop.Summary(), (Texts{"ADDED a", "ADDED b"}));
  EXPECT_EQ(one.Summary(), (Texts{"ADDED b"}));
  ExpectNothingLeft(api);
}

TEST(Watch, ASelectorTurnsChangesIntoComingsAndGoings) {
  Api api;
  Watched watched;
  api.Watch(WatchPath("&labelSelector=on%3Dyes"), watched);
  const auto label = [&api](absl::string_view value) {
    api.Merge(kWeb, absl::StrCat(R"({"metadata": {"labels": {"on": )", value, "}}}"));
  };
  api.Call("POST", kPolicies, Policy("web"));
  label(R"("yes")");
  api.Merge(kWeb, R"({"spec": {"maxCapacity": 6}})");
  label(R"("no")");
  api.Merge(kWeb, R"({"spec": {"maxCapacity": 7}})");
  label(R"("yes")");
  api.Call("DELETE", kWeb);
  api.loop.RunReady();
  EXPECT_EQ(watched.Summary(), (Texts{"ADDED web", "MODIFIED web", "DELETED web", "ADDED web", "DELETED web"}));
  EXPECT_EQ(watched.events[2]["object"]["metadata"]["labels"]["on"], "yes") << "the state that the watcher knew";
  EXPECT_EQ(watched.events[2]["object"]["metadata"]["resourceVersion"], "5");
  ExpectNothingLeft(api);
}

TEST(Watch, BookmarksTellTheRevisionEveryMinuteOfSilence) {
  Api api;
  Watched with;
  Watched without;
  api.Watch(WatchPath("&allowWatchBookmarks=true&resourceVersion=1"), with);
  api.Watch(WatchPath("&resourceVersion=1"), without);
  api.loop.RunFor(absl::Seconds(59));
  EXPECT_TRUE(with.events.empty());
  api.Call("POST", "/api/v1/namespaces/shop/secrets",
           R"({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})");
  api.loop.RunFor(absl::Seconds(1));
  EXPECT_EQ(with.Summary(), (Texts{"BOOKMARK 2"})) << "the revision is that of the store";
  EXPECT_EQ(with.events[0]["object"]["kind"], "ScalingPolicy");
  api.loop.RunFor(absl::Seconds(30));
  api.Call("POST", kPolicies, Policy("a"));
  api.loop.RunFor(absl::Seconds(59));
  EXPECT_EQ(with.Summary(), (Texts{"BOOKMARK 2", "ADDED a"})) << "an event puts the bookmark off";
  api.loop.RunFor(absl::Seconds(1));
  EXPECT_EQ(with.Summary(), (Texts{"BOOKMARK 2", "ADDED a", "BOOKMARK 3"}));
  EXPECT_EQ(without.Summary(), (Texts{"ADDED a"}));
  ExpectNothingLeft(api);
}

TEST(Watch, EndsAfterItsTimeoutWithALastBookmark) {
  Api api;
  Watched watched;
  api.Watch(WatchPath("&allowWatchBookmarks=true&timeoutSeconds=30&resourceVersion=1"), watched);
  api.loop.RunFor(absl::Seconds(29));
  EXPECT_FALSE(watched.ended);
  api.loop.RunFor(absl::Seconds(1));
  EXPECT_TRUE(watched.ended);
  EXPECT_EQ(watched.Summary(), (Texts{"BOOKMARK 1"}));
  ExpectNothingLeft(api);
}

TEST(Watch, WithoutATimeoutTheServerEndsItWithinAnHour) {
  Api api;
  Watched watched;
  api.Watch(WatchPath(""), watched);
  api.loop.RunFor(absl::Minutes(30) - absl::Seconds(1));
  EXPECT_FALSE(watched.ended);
  api.loop.RunFor(absl::Minutes(30) + absl::Seconds(1));
  EXPECT_TRUE(watched.ended);
  ExpectNothingLeft(api);
}

TEST(Watch, AForgottenRevisionIsRefusedBeforeTheStream) {
  Api api;
  api.Call("POST", kPolicies, Policy("a"));
  api.Call("POST", kPolicies, Policy("b"));
  api.store.Compact(api.store.Revision());
  const Answered refused = api.Get(WatchPath("&resourceVersion=2"));
  EXPECT_EQ(refused.status, 410);
  EXPECT_EQ(refused.Text({"reason"}), "Expired");
  Watched latest;
  api.Watch(WatchPath("&resourceVersion=3"), latest);
  EXPECT_EQ(latest.status, 200) << "nothing after 3 is forgotten";
  ExpectNothingLeft(api);
}

async::Task<absl::StatusOr<std::string>> Pull(http::BodySource& source) {
  CO_ASSIGN_OR_RETURN(std::optional<std::string> chunk, co_await source.Next());
  co_return chunk.value_or("");
}

TEST(Watch, ARevisionForgottenWhileOpenIsAnErrorEventAndTheEnd) {
  async::SimulatedLoop loop(1);
  MemoryStore store(10);
  const Served served{.resource = kubeapi::ScalingPolicies()};
  const Target target{.served = &served};
  const auto put = [&store](int i) {
    const kubeapi::ObjectKey key{"shop", absl::StrCat("p", i)};
    ASSERT_TRUE(store.Put(kubeapi::ScalingPolicies(), key, json::parse(R"({"metadata": {}})"), 0).ok());
  };
  put(0);
  const auto source = OpenWatch(loop, store, target, {.resource_version = "1"}, absl::Seconds(60));
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_TRUE(absl::StartsWith(*loop.Run(Pull(**source)), R"({"type":"ADDED")"));
  for (int i = 1; i <= 11; ++i) put(i);
  const absl::StatusOr<std::string> error = loop.Run(Pull(**source));
  const json event = json::parse(*error);
  EXPECT_EQ(event["type"], "ERROR");
  EXPECT_EQ(event["object"]["kind"], "Status");
  EXPECT_EQ(event["object"]["code"], 410);
  EXPECT_EQ(event["object"]["reason"], "Expired");
  EXPECT_EQ(*loop.Run(Pull(**source)), "") << "nothing follows";
}

TEST(Watch, AWatchListMarksTheEndOfTheInitialEvents) {
  Api api;
  api.Call("POST", kPolicies, Policy("a"));
  api.Call("POST", kPolicies, Policy("b"));
  Watched watched;
  api.Watch(WatchPath("&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"), watched);
  EXPECT_EQ(watched.Summary(), (Texts{"ADDED a", "ADDED b", "BOOKMARK 3"}));
  EXPECT_EQ(watched.events[2]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
  api.loop.RunFor(absl::Seconds(60));
  ASSERT_EQ(watched.events.size(), 4u);
  EXPECT_FALSE(watched.events[3]["object"]["metadata"].contains("annotations")) << "only once";
  ExpectNothingLeft(api);
}

TEST(Watch, AnEmptyWatchListHasItsMarkToo) {
  Api api;
  Watched watched;
  api.Watch(WatchPath("&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"), watched);
  EXPECT_EQ(watched.Summary(), (Texts{"BOOKMARK 1"}));
  ExpectNothingLeft(api);
}

TEST(Watch, WithoutInitialEventsItStartsNow) {
  Api api;
  api.Call("POST", kPolicies, Policy("a"));
  Watched watched;
  api.Watch(WatchPath("&sendInitialEvents=false&resourceVersionMatch=NotOlderThan"), watched);
  EXPECT_TRUE(watched.events.empty());
  api.Call("POST", kPolicies, Policy("b"));
  api.loop.RunReady();
  EXPECT_EQ(watched.Summary(), (Texts{"ADDED b"}));
  ExpectNothingLeft(api);
}

TEST(Watch, CancellingLeavesNothingBehind) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Api api({}, 1000, seed);
    std::vector<Watched> watched(4);
    for (Watched& each : watched) api.Watch(WatchPath("&allowWatchBookmarks=true"), each);
    api.Call("POST", kPolicies, Policy("a"));
    EXPECT_EQ(api.store.listeners(), 4u);
    ExpectNothingLeft(api);
    for (const Watched& each : watched) EXPECT_FALSE(each.ended);
  }
}

TEST(Watch, AClientThatStopsReadingIsCutByItsIdleTimeout) {
  Api api;
  Watched watched;
  api.Watch(WatchPath("&resourceVersion=1"), watched, absl::Seconds(75));
  api.loop.RunFor(absl::Seconds(76));
  EXPECT_FALSE(watched.broken.ok()) << "no bookmarks were asked for, so nothing came in time";
  ExpectNothingLeft(api);
}

}  // namespace
}  // namespace ottoscale::apiserver
