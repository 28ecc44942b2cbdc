#include "pkg/simulation/token_bucket.h"

#include <gtest/gtest.h>

namespace ottoscale::simulation {
namespace {

constexpr async::BootTime kStart{absl::Seconds(1000)};

TEST(TokenBucket, ATokenThatCameInManyPartsIsAWholeOne) {
  for (const int parts : {1, 3, 7, 10, 80, 999}) {
    TokenBucket bucket(4500, 75, kStart);
    bucket.Set(0);
    const absl::Duration whole = absl::Milliseconds(800);
    for (int i = 1; i < parts; ++i) EXPECT_EQ(bucket.Remaining(kStart + whole * i / parts), 0) << parts;
    EXPECT_FALSE(bucket.Take(kStart + whole - absl::Milliseconds(1)));
    EXPECT_TRUE(bucket.Take(kStart + whole)) << parts;
    EXPECT_FALSE(bucket.Take(kStart + whole)) << parts;
  }
}

TEST(TokenBucket, HoldsNoMoreThanItsSize) {
  TokenBucket bucket(2, 60, kStart);
  EXPECT_EQ(bucket.Remaining(kStart + absl::Hours(1)), 2);
  EXPECT_TRUE(bucket.Take(kStart + absl::Hours(1)));
  EXPECT_TRUE(bucket.Take(kStart + absl::Hours(1)));
  EXPECT_FALSE(bucket.Take(kStart + absl::Hours(1)));
  bucket.Set(100);
  EXPECT_EQ(bucket.Remaining(kStart + absl::Hours(1)), 2);
}

}  // namespace
}  // namespace ottoscale::simulation
