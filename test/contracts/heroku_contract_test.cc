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

namespace ottoscale {
namespace {

using decision::Applied;
using decision::Refused;
using decision::TargetFailure;
using decision::TargetFault;
using decision::TargetReading;
using decision::TargetState;
using decision::Unknown;
using decision::WriteResult;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
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

  std::unique_ptr<ports::ScalingTarget> Target(const std::string& app = "shop", const std::string& type = "web",
                                               const std::string& key = kKey) {
    const policy::ProviderConfig config = {
        .type = "HerokuFormation",
        .json = absl::StrCat(R"({"accountRef":{"name":"heroku"},"app":")", app, R"(","processType":")", type, R"("})"),
        .account = "heroku"};
    EXPECT_THAT(provider.check(config), testing::IsEmpty());
    return provider.make(config, {.name = "shop/heroku",
                                  .url = "https://api.heroku.com",
                                  .credential = Secret(key),
                                  .requests_per_minute = 600});
  }
  TargetReading Read(ports::ScalingTarget& target) {
    return loop.Run(target.Read(loop.Now().boot + absl::Seconds(20)));
  }
  TargetState State(ports::ScalingTarget& target) {
    const TargetReading reading = Read(target);
    if (const auto* failure = std::get_if<TargetFailure>(&reading)) ADD_FAILURE() << failure->message;
    return std::holds_alternative<TargetState>(reading) ? std::get<TargetState>(reading) : TargetState{};
  }
  TargetFailure Failure(ports::ScalingTarget& target) {
    const TargetReading reading = Read(target);
    EXPECT_TRUE(std::holds_alternative<TargetFailure>(reading));
    if (!std::holds_alternative<TargetFailure>(reading)) return {};
    const TargetFailure failure = std::get<TargetFailure>(reading);
    EXPECT_THAT(failure.message, Not(HasSubstr(kKey)));
    return failure;
  }
  WriteResult Set(ports::ScalingTarget& target, int n) {
    return loop.Run(target.SetCapacity(n, loop.Now().boot + absl::Seconds(15)));
  }
  Refused Refusal(ports::ScalingTarget& target, int n) {
    const WriteResult result = Set(target, n);
    EXPECT_TRUE(std::holds_alternative<Refused>(result)) << result.index();
    return std::holds_alternative<Refused>(result) ? std::get<Refused>(result) : Refused{};
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
  TargetState state = world.State(*target);
  EXPECT_EQ(state.uid, absl::StrCat(kUuid, "/web"));
  EXPECT_EQ(state.display, "heroku/shop/web");
  EXPECT_EQ(state.desired, 2);
  EXPECT_EQ(state.ready, 2);
  EXPECT_FALSE(state.InFlight());

  EXPECT_EQ(world.Set(*target, 4), WriteResult(Applied{4}));
  state = world.State(*target);
  EXPECT_EQ(state.desired, 4);
  EXPECT_EQ(state.ready, 2) << "the new ones start";
  world.loop.RunFor(absl::Seconds(10));
  EXPECT_EQ(world.State(*target).ready, 4);

  EXPECT_EQ(world.Set(*target, 0), WriteResult(Applied{0})) << "0 is a value";
  EXPECT_EQ(world.State(*target).desired, 0);
  EXPECT_EQ(world.cloud.Quantity("shop", "worker"), 1) << "other types are left alone";
}

TEST(HerokuContract, SettingTwiceEqualsSettingOnce) {
  World world;
  const auto target = world.Target();
  (void)world.State(*target);
  EXPECT_EQ(world.Set(*target, 3), WriteResult(Applied{3}));
  EXPECT_EQ(world.Set(*target, 3), WriteResult(Applied{3}));
  EXPECT_EQ(world.cloud.Quantity("shop", "web"), 3);
}

TEST(HerokuContract, SeesWhatPeopleDo) {
  World world;
  const auto target = world.Target();
  (void)world.State(*target);
  world.cloud.HumanScales("shop", "web", 7);
  EXPECT_EQ(world.State(*target).desired, 7);
  world.cloud.SetMaintenance("shop", true);
  EXPECT_TRUE(world.State(*target).off);
  EXPECT_TRUE(world.State(*target).off) << "not modified";
  world.cloud.SetMaintenance("shop", false);
  EXPECT_FALSE(world.State(*target).off);
  world.cloud.Rename("shop", "store");
  EXPECT_EQ(world.State(*target).uid, absl::StrCat(kUuid, "/web"));
  EXPECT_EQ(world.State(*target).display, "heroku/store/web");
  EXPECT_EQ(world.Set(*target, 6), WriteResult(Applied{6}));
}

TEST(HerokuContract, IsAddressedByUuidToo) {
  World world;
  const auto target = world.Target(kUuid, "worker");
  EXPECT_EQ(world.State(*target).desired, 1);
  EXPECT_EQ(world.State(*target).display, "heroku/shop/worker");
}

TEST(HerokuContract, FollowsThePagesOfManyDynos) {
  World world;
  world.cloud.AddApp("big", "big-uuid", "web", 1200);
  const auto target = world.Target("big");
  const TargetState state = world.State(*target);
  EXPECT_EQ(state.desired, 1200);
  EXPECT_EQ(state.ready, 1200);
  EXPECT_EQ(world.cloud.requests(), 4u) << "app, formation, two pages";
}

TEST(HerokuContract, KeepsToTheLimitOfADynoSize) {
  World world;
  world.cloud.AddApp("small", "small-uuid", "web", 1, "Basic");
  const auto target = world.Target("small");
  (void)world.State(*target);
  const Refused refused = world.Refusal(*target, 2);
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
  (void)world.State(*target);
  const Refused shared = world.Refusal(*target, 60);  // 100 for web and worker together
  EXPECT_EQ(shared.kind, Refused::Kind::kLimit);
  EXPECT_EQ(shared.ceiling, 40);
  EXPECT_EQ(world.Refusal(*target, 101).ceiling, 100);
}

TEST(HerokuContract, SaysWhatIsWrongWithTheAccount) {
  World world;
  EXPECT_EQ(world.Failure(*world.Target("shop", "web", "wrong")).fault, TargetFault::kCredentialsInvalid);
  const auto target = world.Target();
  (void)world.State(*target);
  world.cloud.RefuseAccount("shop", 402);
  EXPECT_EQ(world.Failure(*target).fault, TargetFault::kForbidden);
  EXPECT_EQ(world.Refusal(*target, 3).kind, Refused::Kind::kCredentials);
  world.cloud.RefuseAccount("shop", 403);
  EXPECT_EQ(world.Failure(*target).fault, TargetFault::kForbidden);
  world.cloud.RevokeKey(kKey);
  const TargetFailure revoked = world.Failure(*target);
  EXPECT_EQ(revoked.fault, TargetFault::kCredentialsInvalid);
  EXPECT_THAT(revoked.message, AllOf(HasSubstr("401 unauthorized"), HasSubstr("Request-Id sim-")));
  EXPECT_EQ(world.Refusal(*target, 3).kind, Refused::Kind::kCredentials);
  EXPECT_EQ(world.cloud.Quantity("shop", "web"), 2);
}

TEST(HerokuContract, SaysWhatDoesNotExist) {
  World world;
  EXPECT_EQ(world.Failure(*world.Target("shopp")).fault, TargetFault::kTargetNotFound);
  const TargetFailure type = world.Failure(*world.Target("shop", "wbe"));
  EXPECT_EQ(type.fault, TargetFault::kTargetNotFound);
  EXPECT_EQ(type.message,
            "app 'shop' has no process type 'wbe' (it has 'web' and 'worker'): set "
            "spec.target.herokuFormation.processType");
}

TEST(HerokuContract, WaitsWhenTheAccountHasNoRequestsLeft) {
  World world({.rate_limit = 0});
  const auto target = world.Target();
  const TargetFailure failure = world.Failure(*target);
  EXPECT_EQ(failure.fault, TargetFault::kRateLimited);
  ASSERT_TRUE(failure.retry_at.has_value());
  EXPECT_EQ(world.Failure(*target).retry_at, failure.retry_at);
  EXPECT_EQ(world.cloud.requests(), 1u) << "asked once, then waited";
}

TEST(HerokuContract, LeavesRequestsToOthersOfTheAccount) {
  World world({.rate_limit = 1000, .rate_refill_per_minute = 0});
  const auto target = world.Target();
  while (std::holds_alternative<TargetState>(world.Read(*target))) world.loop.RunFor(absl::Seconds(1));
  // 999 was the most that was ever told; below 99 reads stop.
  EXPECT_EQ(world.Failure(*target).fault, TargetFault::kRateLimited);
  EXPECT_GE(world.cloud.requests(), 890u);
  EXPECT_LE(world.cloud.requests(), 910u);
  EXPECT_EQ(world.Set(*target, 3), WriteResult(Applied{3})) << "writes go on";
}

TEST(HerokuContract, WaitsOutA503) {
  World world;
  const auto target = world.Target();
  (void)world.State(*target);
  world.way.fault = Fault::kAnswer503;
  world.way.method = "GET";
  EXPECT_EQ(world.Failure(*target).fault, TargetFault::kUnavailable);
  world.way.method = "PATCH";
  EXPECT_TRUE(std::holds_alternative<Unknown>(world.Set(*target, 5)));
  EXPECT_EQ(world.State(*target).desired, 2);
}

TEST(HerokuContract, DoesNotKnowAboutALostAnswerUntilItReads) {
  World world;
  const auto target = world.Target();
  (void)world.State(*target);
  world.way.fault = Fault::kDropAnswer;
  world.way.method = "PATCH";
  EXPECT_TRUE(std::holds_alternative<Unknown>(world.Set(*target, 5)));
  EXPECT_THAT(world.cloud.writes(), SizeIs(1)) << "never repeated";
  EXPECT_EQ(world.State(*target).desired, 5);
}

TEST(HerokuContract, KnowsThatNothingArrived) {
  World world;
  const auto target = world.Target();
  (void)world.State(*target);
  world.way.fault = Fault::kRefuse;
  world.way.method = "PATCH";
  EXPECT_EQ(world.Refusal(*target, 5).kind, Refused::Kind::kBusy);
  EXPECT_EQ(world.State(*target).desired, 2);
}

}  // namespace
}  // namespace ottoscale
