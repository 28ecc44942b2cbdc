#include <gtest/gtest.h>

#include "pkg/reconcile/write_gate.h"

namespace ottoscale::reconcile {
namespace {

TEST(Claims, APolicyIsNoRivalOfItself) {
  Claims claims;
  claims.Set("shop/a", "app/web", true);
  claims.Set("shop/a", "app/web", true);
  EXPECT_EQ(claims.Rival("shop/a", "app/web"), std::nullopt);
}

TEST(Claims, EachOfTwoIsTheOthersRivalUntilOneLeaves) {
  Claims claims;
  claims.Set("shop/a", "app/web", true);
  claims.Set("shop/b", "app/web", true);
  EXPECT_EQ(claims.Rival("shop/a", "app/web"), "shop/b");
  EXPECT_EQ(claims.Rival("shop/b", "app/web"), "shop/a");
  claims.Remove("shop/a");
  EXPECT_EQ(claims.Rival("shop/b", "app/web"), std::nullopt);
  EXPECT_EQ(claims.Rival("shop/a", "app/web"), "shop/b") << "who has no claim of its own still sees that of the other";
}

TEST(Claims, NamesTheFirstRivalByName) {
  Claims claims;
  for (const char* policy : {"shop/c", "shop/b", "shop/a"}) claims.Set(policy, "app/web", true);
  EXPECT_EQ(claims.Rival("shop/a", "app/web"), "shop/b");
  EXPECT_EQ(claims.Rival("shop/c", "app/web"), "shop/a");
}

TEST(Claims, DifferentTargetsHaveNothingToDoWithEachOther) {
  Claims claims;
  claims.Set("shop/a", "app/web", true);
  claims.Set("shop/b", "app/worker", true);
  EXPECT_EQ(claims.Rival("shop/a", "app/web"), std::nullopt);
  EXPECT_EQ(claims.Rival("shop/b", "app/worker"), std::nullopt);
}

TEST(Claims, ANewClaimReplacesTheOldOne) {
  Claims claims;
  claims.Set("shop/a", "app/web", true);
  claims.Set("shop/a", "app/worker", true);
  EXPECT_EQ(claims.Rival("shop/b", "app/web"), std::nullopt);
  EXPECT_EQ(claims.Rival("shop/b", "app/worker"), "shop/a");
}

TEST(Claims, WhoDoesNotWriteOrKnowsNoTargetClaimsNothing) {
  Claims claims;
  claims.Set("shop/a", "app/web", true);
  claims.Set("shop/a", "app/web", false);  // now Recommend: the earlier claim goes
  EXPECT_EQ(claims.Rival("shop/b", "app/web"), std::nullopt);
  claims.Set("shop/a", "", true);
  claims.Set("shop/b", "", true);
  EXPECT_EQ(claims.Rival("shop/a", ""), std::nullopt) << "two targets that nobody has read are not the same one";
}

TEST(Claims, RemovingWhatIsNotThereChangesNothing) {
  Claims claims;
  claims.Set("shop/a", "app/web", true);
  claims.Remove("shop/b");
  claims.Remove("shop/b");
  EXPECT_EQ(claims.Rival("shop/b", "app/web"), "shop/a");
}

}  // namespace
}  // namespace ottoscale::reconcile
