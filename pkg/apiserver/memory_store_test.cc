#include "pkg/apiserver/memory_store.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace ottoscale::apiserver {
namespace {

using kubeapi::ObjectKey;
using kubeapi::ScalingPolicies;
using kubeapi::Secrets;
using nlohmann::json;

json Object(int value) { return json::parse(absl::StrCat(R"({"metadata": {}, "value": )", value, "}")); }

const ObjectKey kA{"shop", "a"};
const ObjectKey kB{"shop", "b"};

TEST(MemoryStore, WritesOnlyFromTheRevisionThatTheCallerSaw) {
  MemoryStore store;
  EXPECT_TRUE(absl::IsAborted(store.Put(Secrets(), kA, Object(1), 1).status())) << "it does not exist";
  const absl::StatusOr<Stored> first = store.Put(Secrets(), kA, Object(1), 0);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(absl::IsAborted(store.Put(Secrets(), kA, Object(2), 0).status())) << "it exists";
  const absl::StatusOr<Stored> second = store.Put(Secrets(), kA, Object(2), first->revision);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(absl::IsAborted(store.Put(Secrets(), kA, Object(3), first->revision).status())) << "it changed";
  EXPECT_TRUE(absl::IsAborted(store.Delete(Secrets(), kA, first->revision).status())) << "it changed";
  EXPECT_TRUE(absl::IsAborted(store.Delete(Secrets(), kB, 0).status())) << "it does not exist";
  EXPECT_EQ((*store.Get(Secrets(), kA))->object->at("value"), 2);
  EXPECT_EQ(store.Revision(), second->revision) << "what was refused has no revision";
}

TEST(MemoryStore, RevisionsGrowAcrossResourcesAndStandInTheObjects) {
  MemoryStore store;
  EXPECT_EQ(store.Revision(), 1);
  EXPECT_EQ(store.Put(Secrets(), kA, Object(1), 0)->revision, 2);
  EXPECT_EQ(store.Put(ScalingPolicies(), kA, Object(1), 0)->revision, 3);
  const absl::StatusOr<Stored> last = store.Delete(Secrets(), kA, 2);
  EXPECT_EQ(last->revision, 4);
  EXPECT_EQ(last->object->at("metadata").at("resourceVersion"), "4");
  EXPECT_FALSE(store.Get(Secrets(), kA)->has_value());
  EXPECT_TRUE(store.Get(ScalingPolicies(), kA)->has_value());
}

TEST(MemoryStore, ChangesTellWhatWasBefore) {
  MemoryStore store;
  ASSERT_TRUE(store.Put(Secrets(), kA, Object(1), 0).ok());
  ASSERT_TRUE(store.Put(Secrets(), kA, Object(2), 2).ok());
  ASSERT_TRUE(store.Delete(Secrets(), kA, 3).ok());
  const absl::StatusOr<std::vector<Change>> changes = store.ChangesAfter(Secrets(), 1, 10);
  ASSERT_EQ(changes->size(), 3u);
  EXPECT_EQ(changes->at(0).previous, nullptr);
  EXPECT_EQ(changes->at(1).previous, changes->at(0).object);
  EXPECT_FALSE(changes->at(1).deleted);
  EXPECT_TRUE(changes->at(2).deleted);
  EXPECT_EQ(changes->at(2).previous, changes->at(1).object);
  EXPECT_EQ(store.ChangesAfter(Secrets(), 2, 1)->at(0).revision, 3);
  EXPECT_TRUE(store.ChangesAfter(Secrets(), 4, 10)->empty());
}

TEST(MemoryStore, EveryPastStateWithinTheHistoryCanBeListed) {
  MemoryStore store(3);
  ASSERT_TRUE(store.Put(Secrets(), kA, Object(1), 0).ok());
  ASSERT_TRUE(store.Put(Secrets(), kB, Object(2), 0).ok());
  ASSERT_TRUE(store.Put(Secrets(), kA, Object(3), 2).ok());
  ASSERT_TRUE(store.Delete(Secrets(), kB, 3).ok());
  const auto values = [&store](int64_t at) {
    std::string text;
    const absl::StatusOr<std::vector<Stored>> list = store.List(Secrets(), "", at);
    for (const Stored& stored : *list) {
      absl::StrAppend(&text, stored.key.name, stored.object->at("value").dump(), "@", stored.revision, " ");
    }
    return text;
  };
  EXPECT_EQ(values(2), "a1@2 ");
  EXPECT_EQ(values(3), "a1@2 b2@3 ");
  EXPECT_EQ(values(4), "a3@4 b2@3 ");
  EXPECT_EQ(values(5), "a3@4 ");
  EXPECT_TRUE(absl::IsOutOfRange(store.List(Secrets(), "", 1).status()));
  EXPECT_TRUE(absl::IsOutOfRange(store.ChangesAfter(Secrets(), 1, 1).status()));
}

TEST(MemoryStore, ListensUntilForgotten) {
  MemoryStore store;
  async::Signal signal;
  store.Listen(Secrets(), signal);
  EXPECT_EQ(store.listeners(), 1u);
  store.Forget(Secrets(), signal);
  EXPECT_EQ(store.listeners(), 0u);
  EXPECT_DEATH(store.Forget(Secrets(), signal), "only a listener can be forgotten");
}

}  // namespace
}  // namespace ottoscale::apiserver
