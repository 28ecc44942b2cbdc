#include "pkg/reconcile/provider_check.h"

#include <gtest/gtest.h>

namespace ottoscale::reconcile {
namespace {

using manifest::ConfigKind;

// Finds fault with everything, in its own name.
ports::CheckConfig Complains(std::string who) {
  return [who](const policy::ProviderConfig& config) {
    return std::vector<ports::ConfigProblem>{{.path = "a", .message = who + " does not like " + config.type},
                                             {.path = "b[1]", .message = "nor this"}};
  };
}

struct World {
  World() {
    providers.sources.push_back({.type = "HTTPHeartbeat", .check = Complains("the heartbeat")});
    providers.sources.push_back({.type = "Both", .check = Complains("the source")});
    providers.targets.push_back({.type = "HerokuFormation", .check = Complains("the formation")});
    providers.targets.push_back({.type = "Both", .check = Complains("the target")});
  }
  // "path: message" of each.
  std::vector<std::string> Check(ConfigKind kind, const std::string& type) {
    std::vector<std::string> found;
    for (const codec::Problem& problem : CheckWith(providers)(kind, {.type = type})) {
      found.push_back(problem.path + ": " + problem.message);
    }
    return found;
  }
  ports::Providers providers;
};

using Found = std::vector<std::string>;

TEST(ProviderCheck, AsksTheProviderOfTheTypeAndGivesAllThatItFinds) {
  World world;
  EXPECT_EQ(world.Check(ConfigKind::kTarget, "HerokuFormation"),
            (Found{"a: the formation does not like HerokuFormation", "b[1]: nor this"}));
  EXPECT_EQ(world.Check(ConfigKind::kSource, "HTTPHeartbeat"),
            (Found{"a: the heartbeat does not like HTTPHeartbeat", "b[1]: nor this"}));
}

TEST(ProviderCheck, KeepsSourcesAndTargetsOfOneNameApart) {
  World world;
  EXPECT_EQ(world.Check(ConfigKind::kTarget, "Both")[0], "a: the target does not like Both");
  EXPECT_EQ(world.Check(ConfigKind::kSource, "Both")[0], "a: the source does not like Both");
}

TEST(ProviderCheck, ATypeThatNobodyHasIsAMistake) {
  World world;
  EXPECT_EQ(world.Check(ConfigKind::kTarget, "HTTPHeartbeat"),
            Found{": HTTPHeartbeat is not supported by this installation"});
  EXPECT_EQ(world.Check(ConfigKind::kSource, "HerokuFormation"),
            Found{": HerokuFormation is not supported by this installation"});
  EXPECT_EQ(world.Check(ConfigKind::kSource, ""), Found{":  is not supported by this installation"});
}

TEST(ProviderCheck, SeesProvidersThatWereAddedLater) {
  World world;
  const manifest::ProviderCheck check = CheckWith(world.providers);
  world.providers.targets.push_back({.type = "New", .check = Complains("the new one")});
  EXPECT_EQ(check(ConfigKind::kTarget, {.type = "New"}).size(), 2u);
  EXPECT_EQ(FindTarget(world.providers, "New"), &world.providers.targets.back());
  EXPECT_EQ(FindSource(world.providers, "New"), nullptr);
}

}  // namespace
}  // namespace ottoscale::reconcile
