#include "pkg/kube/cache.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "pkg/async/deadline.h"
#include "pkg/async/scope.h"
#include "pkg/async/simulated_loop.h"

namespace ottoscale::kube {
namespace {

using nlohmann::json;
using Told = std::vector<std::string>;

json ObjectOf(const std::string& name, const std::string& version, const std::string& uid = "u1") {
  json object = json::object();
  object["metadata"]["namespace"] = "ns";
  object["metadata"]["name"] = name;
  object["metadata"]["uid"] = uid;
  object["metadata"]["resourceVersion"] = version;
  return object;
}

struct Fixture {
  Fixture() {
    cache.OnChange([this](const kubeapi::ObjectKey& key) {
      const ObjectPtr object = cache.Get(key);
      told.push_back(absl::StrCat(key.name, "=", object == nullptr ? "gone" : object->meta.resource_version));
    });
  }
  Told Take() { return std::exchange(told, {}); }
  Cache cache;
  Told told;
};

TEST(Cache, TellsOfDifferencesOnlyWhenAListReplacesIt) {
  Fixture f;
  f.cache.Replace({ObjectOf("a", "1"), ObjectOf("b", "2"), ObjectOf("c", "3")});
  EXPECT_EQ(f.Take(), (Told{"a=1", "b=2", "c=3"}));
  const ObjectPtr b = f.cache.Get({"ns", "b"});
  f.cache.Replace({ObjectOf("b", "2"), ObjectOf("c", "4"), ObjectOf("d", "5")});
  EXPECT_EQ(f.Take(), (Told{"a=gone", "c=4", "d=5"}));
  EXPECT_EQ(f.cache.Get({"ns", "b"}), b);
  EXPECT_EQ(f.cache.size(), 3u);
}

TEST(Cache, BelievesAListEvenWhenVersionsGoBackwards) {
  Fixture f;
  f.cache.Replace({ObjectOf("a", "900")});
  f.cache.Replace({ObjectOf("a", "3")});
  EXPECT_EQ(f.Take(), (Told{"a=900", "a=3"}));
}

TEST(Cache, ANewObjectOfTheSameNameIsAChange) {
  Fixture f;
  f.cache.Replace({ObjectOf("a", "5", "u1")});
  f.cache.Replace({ObjectOf("a", "5", "u2")});
  EXPECT_EQ(f.Take(), (Told{"a=5", "a=5"}));
}

TEST(Cache, DropsEventsThatSayNothingNew) {
  Fixture f;
  f.cache.Replace({ObjectOf("a", "10")});
  f.Take();
  f.cache.Put(ObjectOf("a", "10"));                    // the same
  f.cache.Put(ObjectOf("a", "9"));                     // overtaken
  f.cache.Remove(ObjectOf("b", "12"));                 // unknown
  f.cache.Remove(ObjectOf("a", "12", "another uid"));  // its predecessor's end
  EXPECT_EQ(f.Take(), Told{});
  EXPECT_EQ(f.cache.counters().unchanged, 4u);
  f.cache.Put(ObjectOf("a", "11"));
  f.cache.Remove(ObjectOf("a", "12"));
  EXPECT_EQ(f.Take(), (Told{"a=11", "a=gone"}));
}

TEST(Cache, LeavesOutWhatIsNoObject) {
  Fixture f;
  f.cache.Replace({json(7), json::object(), ObjectOf("a", "1")});
  f.cache.Put(json::array());
  f.cache.Remove(json());
  EXPECT_EQ(f.Take(), (Told{"a=1"}));
  EXPECT_EQ(f.cache.counters().malformed, 4u);
}

TEST(Cache, StripsWhatNobodyReads) {
  Fixture f;
  json object = ObjectOf("a", "1");
  object["metadata"]["managedFields"] = json::array({json::object()});
  object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = "{}";
  object["metadata"]["annotations"]["keep"] = "me";
  f.cache.Put(object);
  const ObjectPtr kept = f.cache.Get({"ns", "a"});
  EXPECT_FALSE(kept->Json()["metadata"].contains("managedFields"));
  EXPECT_EQ(kept->meta.annotations, (std::map<std::string, std::string>{{"keep", "me"}}));
}

TEST(Cache, APassKeepsTheStateThatItBeganWith) {
  Cache cache;
  cache.Put(ObjectOf("a", "1"));
  const ObjectPtr before = cache.Get({"ns", "a"});
  cache.Put(ObjectOf("a", "2"));
  EXPECT_EQ(before->meta.resource_version, "1");
}

TEST(Cache, ListsOneNamespaceOrAll) {
  Cache cache;
  for (const char* ns : {"m", "n", "nn"}) {
    json object = ObjectOf("a", "1");
    object["metadata"]["namespace"] = ns;
    cache.Put(std::move(object));
  }
  EXPECT_EQ(cache.List("n").size(), 1u);
  EXPECT_EQ(cache.List().size(), 3u);
  EXPECT_TRUE(cache.List("o").empty());
}

TEST(Cache, ALateHandlerHearsOfWhatIsThere) {
  Cache cache;
  cache.Put(ObjectOf("a", "1"));
  Told told;
  cache.OnChange([&told](const kubeapi::ObjectKey& key) { told.push_back(key.ToString()); });
  EXPECT_EQ(told, (Told{"ns/a"}));
}

TEST(Cache, SyncedMeansThatTheHandlersWereTold) {
  async::SimulatedLoop loop(1);
  Cache cache;
  bool synced_when_told = true;
  cache.OnChange([&](const kubeapi::ObjectKey&) { synced_when_told = cache.has_synced(); });
  cache.Put(ObjectOf("a", "1"));
  EXPECT_TRUE(absl::IsDeadlineExceeded(loop.Run(async::WithTimeout(absl::Seconds(1), cache.WaitForSync()))));
  cache.Replace({ObjectOf("b", "1")});
  EXPECT_FALSE(synced_when_told);
  EXPECT_TRUE(cache.has_synced());
  EXPECT_TRUE(loop.Run(cache.WaitForSync()).ok());
}

TEST(Cache, EachNamespaceIsReplacedByItself) {
  Cache cache({"one", "two"});
  const auto in = [](const char* ns, const char* name) {
    nlohmann::json object = ObjectOf(name, "1");
    object["metadata"]["namespace"] = ns;
    return object;
  };
  cache.Replace({in("one", "a"), in("one", "b")}, "one");
  EXPECT_FALSE(cache.has_synced()) << "the other namespace was not listed yet";
  cache.Replace({in("two", "a")}, "two");
  EXPECT_TRUE(cache.has_synced());
  Told told;
  cache.OnChange([&told](const kubeapi::ObjectKey& key) { told.push_back(key.ToString()); });
  told.clear();
  cache.Replace({in("one", "b")}, "one");
  EXPECT_EQ(told, (Told{"one/a"})) << "what is gone from one says nothing about two";
  EXPECT_EQ(cache.size(), 2u);
}

async::Task<void> Await(Cache& cache, int& woken) {
  if ((co_await cache.WaitForSync()).ok()) ++woken;
}

TEST(Cache, AnEmptyListWakesAllWhoWait) {
  async::SimulatedLoop loop(1);
  Cache cache;
  async::Scope scope(loop);
  int woken = 0;
  for (int i = 0; i < 3; ++i) scope.Spawn(Await(cache, woken));
  loop.RunReady();
  cache.Replace({});
  loop.RunReady();
  EXPECT_EQ(woken, 3);
}

}  // namespace
}  // namespace ottoscale::kube
