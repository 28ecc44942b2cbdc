// The HerokuFormation target against the simulated Platform API, in process. Both sides were written from the public
// reference and neither from the other: what they agree on here is the API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/http/loopback.h"
#include "pkg/providers/heroku/heroku.h"
#include "pkg/simulation/heroku.h"
#include "test/contracts/driven_target.h"

namespace ottoscale {
namespace {

using decision::Applied;
using decision::Refused;
using decision::TargetFailure;
using decision::TargetFault;
using decision::TargetState;
using decision::Unknown;
using decision::WriteResult;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kKey[] = "canary-key-0b81d2";
constexpr char kUuid[] = "01234567-89ab-cdef-0123-456789abcdef";

// What the way to the cloud does to requests of one method.
enum class Fault {
  kNone,
  kAnswer503,   // a gateway answers in its place, in HTML
  kDropAnswer,  // the request arrives, its answer does not
  kRefuse,      // nothing arrives
};

class Way final : public http::Transport {
 public:
  explicit Way(http::Transport& inner) : inner_(inner) {}

  async::Task<absl::StatusOr<http::Response>> Send(http::Request request, async::BootTime deadline) override {
    const Fault now = request.method == method ? fault : Fault::kNone;
    if (now == Fault::kRefuse) co_return http::MakeFailure({http::Failure::kConnect, false}, "connection refused");
    if (now == Fault::kAnswer503) {
      co_return http::Response{.status = 503, .body = std::string("<html><h1>Application error</h1></html>")};
    }
    absl::StatusOr<http::Response> response = co_await inner_.Send(std::move(request), deadline);
    if (now == Fault::kDropAnswer)
      co_return http::MakeFailure({http::Failure::kDisconnected, true}, "connection reset");
    co_return response;
  }

  Fault fault = Fault::kNone;
  std::string method;

 private:
  http::Transport& inner_;
};

struct World {
  explicit World(simulation::HerokuOptions options = {}) : cloud(loop, options) {
    cloud.AddAccount("shop", kKey);
    cloud.AddApp("shop", kUuid, "web", 2);
    cloud.AddProcess("shop", "worker", 1, "Standard-1X");
  }

  DrivenTarget Target(const std::string& app = "shop", const std::string& type = "web", const std::string& key = kKey) {
    const policy::ProviderConfig config = {
        .type = "HerokuFormation",
        .json = absl::StrCat(R"({"accountRef":{"name":"heroku"},"app":")", app, R"(","processType":")", type, R"("})"),
        .account = "heroku"};
    EXPECT_THAT(provider.check(config), testing::IsEmpty());
    const ports::Account account = {
        .name = "shop/heroku", .url = "https://api.heroku.com", .credential = Secret(key), .requests_per_minute = 600};
    return {loop, provider.make(config, account), kKey};
  }

  async::SimulatedLoop loop{1};
  simulation::SimulatedHeroku cloud;
  http::Loopback wire{loop, cloud};
  Way way{wire};
  ports::TargetProvider provider = heroku::MakeHerokuProvider(loop, way, {});
};

TEST(HerokuContract, ReadsAndSets) {
  World world;
  const auto target = world.Target();
  TargetState state = target.State();
  EXPECT_EQ(state.uid, absl::StrCat(kUuid, "/web"));
  EXPECT_EQ(state.display, "heroku/shop/web");
  EXPECT_EQ(state.desired, 2);
  EXPECT_EQ(state.ready, 2);
  EXPECT_FALSE(state.InFlight());

  EXPECT_EQ(target.Set(4), WriteResult(Applied{4}));
  state = target.State();
  EXPECT_EQ(state.desired, 4);
  EXPECT_EQ(state.ready, 2) << "the new ones start";
  world.loop.RunFor(absl::Seconds(10));
  EXPECT_EQ(target.State().ready, 4);

  EXPECT_EQ(target.Set(0), WriteResult(Applied{0})) << "0 is a value";
  EXPECT_EQ(target.State().desired, 0);
  EXPECT_EQ(world.cloud.Quantity("shop", "worker"), 1) << "other types are left alone";
}

TEST(HerokuContract, SettingTwiceEqualsSettingOnce) {
  World world;
  const auto target = world.Target();
  (void)target.State();
  EXPECT_EQ(target.Set(3), WriteResult(Applied{3}));
  EXPECT_EQ(target.Set(3), WriteResult(Applied{3}));
  EXPECT_EQ(world.cloud.Quantity("shop", "web"), 3);
}

TEST(HerokuContract, SeesWhatPeopleDo) {
  World world;
  const auto target = world.Target();
  (void)target.State();
  world.cloud.HumanScales("shop", "web", 7);
  EXPECT_EQ(target.State().desired, 7);
  world.cloud.SetMaintenance("shop", true);
  EXPECT_TRUE(target.State().off);
  EXPECT_TRUE(target.State().off) << "not modified";
  world.cloud.SetMaintenance("shop", false);
  EXPECT_FALSE(target.State().off);
  world.cloud.Rename("shop", "store");
  EXPECT_EQ(target.State().uid, absl::StrCat(kUuid, "/web"));
  EXPECT_EQ(target.State().display, "heroku/store/web");
  EXPECT_EQ(target.Set(6), WriteResult(Applied{6}));
}

TEST(HerokuContract, IsAddressedByUuidToo) {
  World world;
  const auto target = world.Target(kUuid, "worker");
  EXPECT_EQ(target.State().desired, 1);
  EXPECT_EQ(target.State().display, "heroku/shop/worker");
}

TEST(HerokuContract, FollowsThePagesOfManyDynos) {
  World world;
  world.cloud.AddApp("big", "big-uuid", "web", 1200);
  const auto target = world.Target("big");
  const TargetState state = target.State();
  EXPECT_EQ(state.desired, 1200);
  EXPECT_EQ(state.ready, 1200);
  EXPECT_EQ(world.cloud.requests(), 4u) << "app, formation, two pages";
}

TEST(HerokuContract, KeepsToTheLimitOfADynoSize) {
  World world;
  world.cloud.AddApp("small", "small-uuid", "web", 1, "Basic");
  const auto target = world.Target("small");
  (void)target.State();
  const Refused refused = target.Refusal(2);
  EXPECT_EQ(refused.kind, Refused::Kind::kLimit);
  EXPECT_EQ(refused.ceiling, 1);
  EXPECT_THAT(refused.message, HasSubstr("Cannot update to more than 1 Basic size dynos per process type"));
  EXPECT_EQ(world.cloud.Quantity("small", "web"), 1);
}

TEST(HerokuContract, KeepsWhatStandsAtTheLimitOfTheApp) {
  World world;
  world.cloud.AddApp("wide", "wide-uuid", "web", 40);
  world.cloud.AddProcess("wide", "worker", 50, "Standard-1X");
  const auto target = world.Target("wide");
  (void)target.State();
  const Refused shared = target.Refusal(60);  // 100 for web and worker together
  EXPECT_EQ(shared.kind, Refused::Kind::kLimit);
  EXPECT_EQ(shared.ceiling, 40);
  EXPECT_EQ(target.Refusal(101).ceiling, 100);
}

TEST(HerokuContract, SaysWhatIsWrongWithTheAccount) {
  World world;
  EXPECT_EQ(world.Target("shop", "web", "wrong").Failure().fault, TargetFault::kCredentialsInvalid);
  const auto target = world.Target();
  (void)target.State();
  world.cloud.RefuseAccount("shop", 402);
  EXPECT_EQ(target.Failure().fault, TargetFault::kForbidden);
  EXPECT_EQ(target.Refusal(3).kind, Refused::Kind::kCredentials);
  world.cloud.RefuseAccount("shop", 403);
  EXPECT_EQ(target.Failure().fault, TargetFault::kForbidden);
  world.cloud.RevokeKey(kKey);
  const TargetFailure revoked = target.Failure();
  EXPECT_EQ(revoked.fault, TargetFault::kCredentialsInvalid);
  EXPECT_THAT(revoked.message, AllOf(HasSubstr("401 unauthorized"), HasSubstr("Request-Id sim-")));
  EXPECT_EQ(target.Refusal(3).kind, Refused::Kind::kCredentials);
  EXPECT_EQ(world.cloud.Quantity("shop", "web"), 2);
}

TEST(HerokuContract, SaysWhatDoesNotExist) {
  World world;
  EXPECT_EQ(world.Target("shopp").Failure().fault, TargetFault::kTargetNotFound);
  const TargetFailure type = world.Target("shop", "wbe").Failure();
  EXPECT_EQ(type.fault, TargetFault::kTargetNotFound);
  EXPECT_EQ(type.message,
            "app 'shop' has no process type 'wbe' (it has 'web' and 'worker'): set "
            "spec.target.herokuFormation.processType");
}

TEST(HerokuContract, WaitsWhenTheAccountHasNoRequestsLeft) {
  World world({.rate_limit = 0});
  const auto target = world.Target();
  const TargetFailure failure = target.Failure();
  EXPECT_EQ(failure.fault, TargetFault::kRateLimited);
  ASSERT_TRUE(failure.retry_at.has_value());
  EXPECT_EQ(target.Failure().retry_at, failure.retry_at);
  EXPECT_EQ(world.cloud.requests(), 1u) << "asked once, then waited";
}

TEST(HerokuContract, LeavesRequestsToOthersOfTheAccount) {
  World world({.rate_limit = 1000, .rate_refill_per_minute = 0});
  const auto target = world.Target();
  while (std::holds_alternative<TargetState>(target.Read())) world.loop.RunFor(absl::Seconds(1));
  // 999 was the most that was ever told; below 99 reads stop.
  EXPECT_EQ(target.Failure().fault, TargetFault::kRateLimited);
  EXPECT_GE(world.cloud.requests(), 890u);
  EXPECT_LE(world.cloud.requests(), 910u);
  EXPECT_EQ(target.Set(3), WriteResult(Applied{3})) << "writes go on";
}

TEST(HerokuContract, WaitsOutA503) {
  World world;
  const auto target = world.Target();
  (void)target.State();
  world.way.fault = Fault::kAnswer503;
  world.way.method = "GET";
  EXPECT_EQ(target.Failure().fault, TargetFault::kUnavailable);
  world.way.method = "PATCH";
  EXPECT_TRUE(std::holds_alternative<Unknown>(target.Set(5)));
  EXPECT_EQ(target.State().desired, 2);
}

TEST(HerokuContract, DoesNotKnowAboutALostAnswerUntilItReads) {
  World world;
  const auto target = world.Target();
  (void)target.State();
  world.way.fault = Fault::kDropAnswer;
  world.way.method = "PATCH";
  EXPECT_TRUE(std::holds_alternative<Unknown>(target.Set(5)));
  EXPECT_THAT(world.cloud.writes(), SizeIs(1)) << "never repeated";
  EXPECT_EQ(target.State().desired, 5);
}

TEST(HerokuContract, KnowsThatNothingArrived) {
  World world;
  const auto target = world.Target();
  (void)target.State();
  world.way.fault = Fault::kRefuse;
  world.way.method = "PATCH";
  EXPECT_EQ(target.Refusal(5).kind, Refused::Kind::kBusy);
  EXPECT_EQ(target.State().desired, 2);
}

}  // namespace
}  // namespace ottoscale
