#include <gtest/gtest.h>

#include "pkg/apiserver/fixture_test.h"
#include "pkg/http/http.h"

namespace ottoscale::apiserver {
namespace {

using nlohmann::json;

std::vector<std::string> Names(const Answered& list) {
  std::vector<std::string> names;
  for (const json& item : list.body["items"]) {
    names.push_back(absl::StrCat(kubeapi::TextAt(item, {"metadata", "namespace"}), "/",
                                 kubeapi::TextAt(item, {"metadata", "name"})));
  }
  return names;
}

using Texts = std::vector<std::string>;

class List : public ::testing::Test {
 protected:
  void SetUp() override {
    Add("shop", "b", R"(, "labels": {"tier": "web"})");
    Add("shop", "a", R"(, "labels": {"tier": "job", "old": "1"})");
    Add("blog", "c", "");
    Add("shop-2", "d", "");
  }
  void Add(absl::string_view ns, absl::string_view name, absl::string_view metadata) {
    const std::string path = absl::StrCat("/apis/ottoscale.dev/v1alpha1/namespaces/", ns, "/scalingpolicies");
    ASSERT_EQ(api.Call("POST", path, Policy(name, 5, metadata)).status, 201);
  }
  Api api;
  const std::string all = "/apis/ottoscale.dev/v1alpha1/scalingpolicies";
};

TEST_F(List, IsOrderedByNamespaceAndNameAndKnowsItsRevision) {
  const Answered list = api.Get(all);
  EXPECT_EQ(list.Text({"kind"}), "ScalingPolicyList");
  EXPECT_EQ(list.Text({"metadata", "resourceVersion"}), "5");
  EXPECT_EQ(Names(list), (Texts{"blog/c", "shop/a", "shop/b", "shop-2/d"}));
  EXPECT_EQ(Names(api.Get(kPolicies)), (Texts{"shop/a", "shop/b"}));
  EXPECT_EQ(Names(api.Get("/apis/ottoscale.dev/v1alpha1/cloudaccounts")), Texts{});
}

TEST_F(List, SelectsByLabelsAndNames) {
  const std::vector<std::pair<std::string, Texts>> rows = {
      {"labelSelector=tier=web", {"shop/b"}},
      {"labelSelector=tier==web", {"shop/b"}},
      {"labelSelector=tier!=web", {"blog/c", "shop/a", "shop-2/d"}},
      {"labelSelector=tier", {"shop/a", "shop/b"}},
      {"labelSelector=!tier", {"blog/c", "shop-2/d"}},
      {"labelSelector=tier in (web, job),!old", {"shop/b"}},
      {"labelSelector=tier notin (web)", {"blog/c", "shop/a", "shop-2/d"}},
      {"fieldSelector=metadata.name=c", {"blog/c"}},
      {"fieldSelector=metadata.namespace=shop,metadata.name!=a", {"shop/b"}},
  };
  for (const auto& [query, names] : rows) {
    const std::vector<std::string> parts = absl::StrSplit(query, absl::MaxSplits('=', 1));
    EXPECT_EQ(Names(api.Get(absl::StrCat(all, "?", parts[0], "=", http::EncodeComponent(parts[1])))), names) << query;
  }
}

TEST_F(List, PagesAreOfOneRevisionWhateverHappensMeanwhile) {
  const Answered first = api.Get(absl::StrCat(all, "?limit=2"));
  EXPECT_EQ(Names(first), (Texts{"blog/c", "shop/a"}));
  EXPECT_EQ(first.body["metadata"]["remainingItemCount"], 2);
  api.Call("DELETE", absl::StrCat(kPolicies, "/b"));
  Add("shop", "bb", "");
  const std::string next = http::EncodeComponent(first.Text({"metadata", "continue"}));
  const Answered second = api.Get(absl::StrCat(all, "?limit=2&continue=", next));
  EXPECT_EQ(Names(second), (Texts{"shop/b", "shop-2/d"}));
  EXPECT_EQ(second.Text({"metadata", "resourceVersion"}), "5");
  EXPECT_FALSE(second.body["metadata"].contains("continue"));
  api.store.Compact(api.store.Revision());
  const Answered expired = api.Get(absl::StrCat(all, "?limit=2&continue=", next));
  EXPECT_EQ(expired.status, 410);
  EXPECT_EQ(expired.Text({"reason"}), "Expired");
}

TEST(LongList, IsWrittenInSlicesAndIsTheSame) {
  Api api;
  for (int i = 0; i < 350; ++i) api.Call("POST", kPolicies, Policy(absl::StrCat("p", i)));
  const uint64_t before = api.loop.turns();
  const Answered list = api.Get(kPolicies);
  EXPECT_GE(api.loop.turns() - before, 4u) << "one turn for a hundred objects";
  ASSERT_EQ(list.body["items"].size(), 350u) << list.text.substr(0, 300);
  EXPECT_EQ(list.Text({"kind"}), "ScalingPolicyList");
  EXPECT_EQ(kubeapi::TextAt(list.body["items"][349], {"metadata", "name"}), "p99");
  EXPECT_TRUE(api.loop.drained());
}

TEST_F(List, AnExactRevisionIsThePast) {
  api.Merge(absl::StrCat(kPolicies, "/b"), R"({"spec": {"maxCapacity": 9}})");
  const Answered past = api.Get(absl::StrCat(all, "?resourceVersion=3&resourceVersionMatch=Exact"));
  EXPECT_EQ(Names(past), (Texts{"shop/a", "shop/b"}));
  EXPECT_EQ(past.body["items"][1]["spec"]["maxCapacity"], 5);
  EXPECT_EQ(past.body["items"][1]["metadata"]["resourceVersion"], "2");
  EXPECT_EQ(Names(api.Get(absl::StrCat(all, "?resourceVersion=3"))).size(), 4u) << "not older than 3 is the present";
  EXPECT_EQ(api.Get(absl::StrCat(all, "?resourceVersion=0")).Text({"metadata", "resourceVersion"}), "6");
}

}  // namespace
}  // namespace ottoscale::apiserver
