#include "pkg/manifest/crds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/codec/json.h"

namespace ottoscale::manifest {
namespace {

TEST(Crds, AreTheThreeKindsInOneVersion) {
  std::vector<std::string> kinds;
  for (const nlohmann::json& crd : Crds()) {
    kinds.push_back(codec::StringOr(crd, {"spec", "names", "kind"}, ""));
    EXPECT_EQ(crd.at("spec").at("versions").size(), 1u);
  }
  EXPECT_THAT(kinds, ::testing::ElementsAre("CloudAccount", "NotificationChannel", "ScalingPolicy"));
}

}  // namespace
}  // namespace ottoscale::manifest
