#include "pkg/base/status.h"

#include <gtest/gtest.h>

#include "pkg/base/secret.h"

namespace ottoscale {
namespace {

TEST(Annotate, PutsTheOutermostFirst) {
  const absl::Status inner = absl::NotFoundError("couldn't find that app");
  EXPECT_EQ(Annotate("heroku app shop", inner), absl::NotFoundError("heroku app shop: couldn't find that app"));
  EXPECT_TRUE(Annotate("anything", absl::OkStatus()).ok());
}

TEST(Annotate, KeepsPayloads) {
  absl::Status inner = absl::UnavailableError("503");
  inner.SetPayload("x", absl::Cord("y"));
  EXPECT_EQ(Annotate("outer", inner).GetPayload("x"), absl::Cord("y"));
}

TEST(Secret, IsEmptyAfterAMove) {
  Secret key(std::string("short"));
  const Secret moved = std::move(key);
  EXPECT_EQ(moved.Reveal(), "short");
  EXPECT_TRUE(key.empty());  // NOLINT(bugprone-use-after-move): what is tested
}

}  // namespace
}  // namespace ottoscale
