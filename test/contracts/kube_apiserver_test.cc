// pkg/kube against pkg/apiserver: a cache and a controller behind a network that loses requests, answers and streams,
// and a server that forgets its history, end up in the state that the server has, for every seed, and the same way each
// time.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pkg/apiserver/api_server.h"
#include "pkg/apiserver/memory_store.h"
#include "pkg/async/scope.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"
#include "pkg/base/status.h"
#include "pkg/http/loopback.h"
#include "pkg/kube/cache.h"
#include "pkg/kube/client.h"
#include "pkg/kube/controller.h"
#include "pkg/kube/events.h"
#include "pkg/kube/reflector.h"
#include "pkg/kubeapi/api_error.h"
#include "test/contracts/bad_network.h"

namespace ottoscale::kube {
namespace {

using kubeapi::ObjectKey;
using nlohmann::json;

json Policy(const std::string& name, int64_t wanted) {
  json object = json::object();
  object["apiVersion"] = kubeapi::ScalingPolicies().ApiVersion();
  object["kind"] = kubeapi::ScalingPolicies().kind;
  object["metadata"]["name"] = name;
  object["metadata"]["namespace"] = "shop";
  object["spec"]["wanted"] = wanted;
  return object;
}

struct World {
  explicit World(uint64_t seed)
      : loop(seed),
        server(loop, store),
        clean(loop, server),
        network(loop, clean, absl::Milliseconds(300), absl::Minutes(1)),
        user_side(loop, server),
        client(network, {.base_url = "http://api:80"}),
        user(user_side, {.base_url = "http://api:80"}),
        reflector(loop, client, cache, {.resource = kubeapi::ScalingPolicies()}),
        events(loop, client),
        controller(loop, {.workers = 3}, [this](ObjectKey key) { return Reconcile(*this, std::move(key)); }) {}
  ~World() {
    loop.Run(controller.Stop(loop.Now().boot));
    scope.Cancel();
    loop.RunUntilDone([this] { return scope.running() == 0; });
    EXPECT_TRUE(loop.drained());
  }

  async::BootTime Soon() { return loop.Now().boot + absl::Seconds(10); }

  // Says in the status what the spec wants.
  static async::Task<absl::StatusOr<Requeue>> Reconcile(World& world, ObjectKey key) {
    EXPECT_EQ(++world.busy[key], 1) << key.ToString();
    const absl::StatusOr<Requeue> result = co_await ReconcileOnce(world, key);
    --world.busy[key];
    co_return result;
  }
  static async::Task<absl::StatusOr<Requeue>> ReconcileOnce(World& world, ObjectKey key) {
    const ObjectPtr object = world.cache.Get(key);
    if (object == nullptr) co_return Requeue::Never();
    const auto wanted = kubeapi::IntegerAt(object->Json(), {"spec", "wanted"});
    if (wanted == kubeapi::IntegerAt(object->Json(), {"status", "seen"})) co_return Requeue::Never();
    json status = json::object();
    status["seen"] = *wanted;
    const absl::Status applied =
        co_await world.client.ApplyStatus(kubeapi::ScalingPolicies(), key, std::move(status), world.Soon());
    if (kubeapi::Is(applied, kubeapi::ErrorReason::kNotFound)) co_return Requeue::Never();
    CO_RETURN_IF_ERROR(applied);
    world.events.Record(kubeapi::ScalingPolicies(), key, object->meta.uid, false, "Seen", "Look", "saw what is wanted");
    co_return Requeue::After(absl::Minutes(1));
  }

  // People at work, on a good network: creations, changes, deletions; and a server that compacts its history.
  static async::Task<void> People(World& world) {
    async::Random& random = world.loop.random();
    for (int i = 0; i < 60; ++i) {
      (void)co_await async::Sleep(absl::Milliseconds(static_cast<int64_t>(random.Below(8'000))));
      const std::string name(1, static_cast<char>('a' + random.Below(6)));
      const ObjectKey key{"shop", name};
      const uint64_t what = random.Below(10);
      if (what == 0) world.store.Compact(world.store.Revision());
      if (what < 3) {
        (void)co_await world.user.Delete(kubeapi::ScalingPolicies(), key, "", world.Soon());
        continue;
      }
      absl::StatusOr<json> object = co_await world.user.Get(kubeapi::ScalingPolicies(), key, world.Soon());
      if (!object.ok()) {
        (void)co_await world.user.Create(kubeapi::ScalingPolicies(), Policy(name, i), world.Soon());
      } else {
        (*object)["spec"]["wanted"] = i;
        (void)co_await world.user.Update(kubeapi::ScalingPolicies(), *std::move(object), world.Soon());
      }
    }
  }

  void Live() {
    scope.Spawn(reflector.Run());
    scope.Spawn(events.Run());
    scope.Spawn(People(*this));
    controller.Follow(cache);
    controller.Start();
    loop.RunFor(absl::Minutes(10));
    network.faulty = false;
    loop.RunFor(absl::Minutes(10));
  }

  std::map<std::string, std::string> Stored() {
    std::map<std::string, std::string> all;
    const auto list = loop.Run(user.List(kubeapi::ScalingPolicies(), {}, Soon()));
    EXPECT_TRUE(list.ok()) << list.status();
    if (!list.ok()) return all;
    for (const json& object : list->items) {
      all[kubeapi::TextAt(object, {"metadata", "name"})] = kubeapi::TextAt(object, {"metadata", "resourceVersion"});
      EXPECT_EQ(kubeapi::IntegerAt(object, {"spec", "wanted"}), kubeapi::IntegerAt(object, {"status", "seen"}));
    }
    return all;
  }
  std::map<std::string, std::string> Cached() const {
    std::map<std::string, std::string> all;
    for (const ObjectPtr& object : cache.List()) all[object->meta.name] = object->meta.resource_version;
    return all;
  }

  async::SimulatedLoop loop;
  apiserver::MemoryStore store;
  apiserver::ApiServer server;
  http::Loopback clean;
  contracts::BadNetwork network;
  http::Loopback user_side;
  Client client;
  Client user;
  Cache cache;
  Reflector reflector;
  EventRecorder events;
  std::map<ObjectKey, int> busy;
  async::Scope scope{loop};
  Controller controller;
};

TEST(KubeWithApiServer, ConvergesUnderFaultsForEverySeed) {
  uint64_t lists = 0;
  uint64_t watches = 0;
  uint64_t retries = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    World world(seed);
    world.Live();
    EXPECT_EQ(world.Cached(), world.Stored());
    lists += world.reflector.counters().lists;
    watches += world.reflector.counters().watches;
    retries += world.controller.queue().counters().retries;
  }
  // The faults did happen.
  EXPECT_GT(lists, 400u);
  EXPECT_GT(watches, 2000u);
  EXPECT_GT(retries, 200u);
}

TEST(KubeWithApiServer, TheSameSeedGoesTheSameWay) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    std::vector<std::string> traces[2];
    for (auto& trace : traces) {
      World world(seed);
      world.Live();
      trace = world.network.trace;
    }
    EXPECT_EQ(traces[0], traces[1]) << "seed " << seed;
    EXPECT_GT(traces[0].size(), 30u);
  }
}

TEST(KubeWithApiServer, EventsReachTheServerAndBecomeSeries) {
  World world(1);
  world.network.faulty = false;
  world.scope.Spawn(world.events.Run());
  for (int i = 0; i < 2; ++i) {
    world.events.Record(kubeapi::ScalingPolicies(), {"shop", "web"}, "u1", true, "Refused", "Scale", "no such app");
    world.loop.RunFor(absl::Seconds(5));
  }
  const auto list = world.loop.Run(world.user.List(kubeapi::Events(), {.ns = "shop"}, world.Soon()));
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->items.size(), 1u);
  EXPECT_EQ(kubeapi::IntegerAt(list->items[0], {"series", "count"}), 2);
  EXPECT_EQ(kubeapi::TextAt(list->items[0], {"note"}), "no such app");
  EXPECT_EQ(world.events.counters().sent, 2u);
}

TEST(KubeWithApiServer, ACreateWhoseAnswerWasLostIsASuccessTheSecondTime) {
  World world(1);
  world.network.faulty = false;
  const auto Create = [&world](int64_t wanted) {
    return world.loop.Run(world.client.Create(kubeapi::ScalingPolicies(), Policy("web", wanted), world.Soon()));
  };
  const auto first = Create(1);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = Create(1);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(*first, *second);
  EXPECT_TRUE(absl::IsAlreadyExists(Create(2).status()));
}

}  // namespace
}  // namespace ottoscale::kube
