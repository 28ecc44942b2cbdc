#include "pkg/kube/leader_election.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pkg/async/scope.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/http/loopback.h"
#include "pkg/kube/scripted_handler.h"

namespace ottoscale::kube {
namespace {

using kubeapi::ErrorReason;
using nlohmann::json;

// One Lease behind a resourceVersion, as much of an API server as an election needs.
class LeaseServer {
 public:
  Scripted Answer(const http::ServerRequest& request) {
    Scripted answer = Act(request);
    answer.delay = delay;
    return answer;
  }
  std::string holder() const { return kubeapi::TextAt(lease, {"spec", "holderIdentity"}); }

  json lease;
  int version = 0;
  absl::Duration delay;  // of each answer, after it was acted on

 private:
  Scripted Act(const http::ServerRequest& request) {
    if (request.method == "GET") return lease.is_null() ? Fails(ErrorReason::kNotFound) : Now();
    json sent = *codec::ReadJson(request.body);
    if (request.method == "POST" && !lease.is_null()) return Fails(ErrorReason::kAlreadyExists);
    if (request.method == "PUT" && lease.is_null()) return Fails(ErrorReason::kNotFound);
    if (request.method == "PUT" && sent["metadata"]["resourceVersion"] != absl::StrCat(version)) {
      return Fails(ErrorReason::kConflict);
    }
    lease = std::move(sent);
    lease["metadata"]["resourceVersion"] = absl::StrCat(++version);
    return Now();
  }
  Scripted Now() const { return {.body = codec::Dump(lease)}; }
};

class Election : public testing::Test {
 protected:
  Election() {
    api.answer = [this](const http::ServerRequest& request) { return server.Answer(request); };
  }
  ~Election() override {
    scope.Cancel();
    loop.RunUntilDone([this] { return scope.running() == 0; });
  }
  LeaderElector& Elector(const std::string& identity) {
    electors.push_back(std::make_unique<LeaderElector>(
        loop, client, LeaderElectionOptions{.ns = "ops", .identity = identity},
        LeaderElectionHooks{
            .on_holder =
                [this, identity](const std::string& holder) {
                  said.push_back(absl::StrCat(identity, " sees '", holder, "'"));
                },
            .on_failure = [this](const absl::Status& why) { failures.push_back(std::string(why.message())); }}));
    return *electors.back();
  }
  static async::Task<void> Lead(LeaderElector& elector, absl::Status& end) {
    end = co_await elector.Acquire();
    if (end.ok()) end = co_await elector.Hold();
  }

  async::SimulatedLoop loop{1};
  LeaseServer server;
  ScriptedHandler api;
  http::Loopback transport{loop, api};
  Client client{transport, LeaderClientOptions({.base_url = "http://api:80"}, {.ns = "ops", .identity = "x"})};
  std::vector<std::string> said;
  std::vector<std::string> failures;
  absl::Status end;
  std::vector<std::unique_ptr<LeaderElector>> electors;
  async::Scope scope{loop};
};

TEST_F(Election, UsesAClientOfItsOwn) {
  const ClientOptions options = LeaderClientOptions({.user_agent = "ottoscale/1"}, {});
  EXPECT_EQ(options.user_agent, "ottoscale/1 leader-election");
  EXPECT_EQ(options.timeout, absl::Seconds(5));
  EXPECT_EQ(LeaderClientOptions({}, {.renew_deadline = absl::Seconds(1)}).timeout, absl::Seconds(1));
}

TEST_F(Election, LeadsAtOnceAndRenewsEveryTwoSeconds) {
  LeaderElector& elector = Elector("a");
  EXPECT_FALSE(elector.leading());
  EXPECT_TRUE(loop.Run(elector.Acquire()).ok());
  EXPECT_TRUE(elector.leading());
  EXPECT_EQ(elector.LeaseLeft(), absl::Seconds(10));
  EXPECT_EQ(server.holder(), "a");
  EXPECT_EQ(api.Lines(), (std::vector<std::string>{
                             "GET /apis/coordination.k8s.io/v1/namespaces/ops/leases/ottoscale",
                             "POST /apis/coordination.k8s.io/v1/namespaces/ops/leases",
                         }));
  EXPECT_EQ(api.requests[0].headers.Get("User-Agent"), "ottoscale leader-election");
  scope.Spawn(Lead(elector, end));
  loop.RunFor(absl::Seconds(1.9));
  api.requests.clear();
  loop.RunFor(absl::Minutes(1));
  EXPECT_EQ(api.requests.size(), 30u);
  for (const http::ServerRequest& request : api.requests) EXPECT_EQ(request.method, "PUT");
  EXPECT_GE(elector.LeaseLeft(), absl::Seconds(8));
}

TEST_F(Election, CountsFromTheStartOfARenewalAndNotFromItsAnswer) {
  LeaderElector& elector = Elector("a");
  scope.Spawn(Lead(elector, end));
  loop.RunFor(absl::Seconds(1));
  server.delay = absl::Seconds(4);
  loop.RunFor(absl::Seconds(5.5));  // sent at 2, answered at 6
  EXPECT_EQ(elector.LeaseLeft(), absl::Seconds(12 - 6.5));
}

TEST_F(Election, EndsWithTheLastMomentOfItsLease) {
  LeaderElector& elector = Elector("a");
  scope.Spawn(Lead(elector, end));
  loop.RunFor(absl::Seconds(1));
  api.answer = [](const http::ServerRequest&) { return Scripted{.delay = absl::Hours(1)}; };
  loop.RunFor(absl::Seconds(8.9));
  EXPECT_TRUE(elector.leading());
  EXPECT_EQ(scope.running(), 1u);
  loop.RunFor(absl::Seconds(0.2));
  EXPECT_FALSE(elector.leading());
  EXPECT_EQ(end, absl::AbortedError("the lease ops/ottoscale is lost: it could not be renewed within 10s"));
  EXPECT_FALSE(failures.empty());
}

TEST_F(Election, TakesOverFromACrashedLeaderInAtMost17Seconds) {
  for (int i = 0; i < 30; ++i) {
    server.lease = json();
    LeaderElector& first = Elector("a");
    LeaderElector& second = Elector("b");
    ASSERT_TRUE(loop.Run(first.Acquire()).ok());  // and is never heard of again
    loop.RunFor(absl::Milliseconds(static_cast<int64_t>(loop.random().Below(1000))));
    const async::BootTime crash = loop.Now().boot;
    ASSERT_TRUE(loop.Run(second.Acquire()).ok());
    EXPECT_FALSE(first.leading());
    EXPECT_LE(loop.Now().boot - crash, absl::Seconds(17));
    EXPECT_EQ(second.transitions(), 1);
  }
}

TEST_F(Election, TakesOverFromAStoppedLeaderInAtMost2Seconds) {
  for (int i = 0; i < 30; ++i) {
    server.lease = json();
    LeaderElector& first = Elector("a");
    LeaderElector& second = Elector("b");
    ASSERT_TRUE(loop.Run(first.Acquire()).ok());
    async::Scope waiting(loop);
    waiting.Spawn(Lead(second, end));
    loop.RunFor(absl::Seconds(3) + absl::Milliseconds(static_cast<int64_t>(loop.random().Below(1000))));
    loop.Run(first.Release(loop.Now().boot + absl::Seconds(5)));
    const async::BootTime released = loop.Now().boot;
    EXPECT_FALSE(first.leading());
    EXPECT_EQ(server.holder(), "");
    ASSERT_TRUE(loop.RunUntilDone([&second] { return second.leading(); }));
    EXPECT_LE(loop.Now().boot - released, absl::Seconds(2));
    waiting.Cancel();
    ASSERT_TRUE(loop.RunUntilDone([&waiting] { return waiting.running() == 0; }));
  }
}

TEST_F(Election, ReleasesWhileItIsBeingCancelledAndAfterConflicts) {
  LeaderElector& elector = Elector("a");
  ASSERT_TRUE(loop.Run(elector.Acquire()).ok());
  server.lease["metadata"]["annotations"]["someone"] = "was here";
  server.lease["metadata"]["resourceVersion"] = absl::StrCat(++server.version);
  server.delay = absl::Seconds(1);
  scope.Spawn(elector.Release(loop.Now().boot + absl::Seconds(10)));
  loop.RunFor(absl::Seconds(0.5));
  EXPECT_EQ(elector.LeaseLeft(), absl::ZeroDuration());
  scope.Cancel();
  loop.RunFor(absl::Seconds(5));
  EXPECT_EQ(scope.running(), 0u);
  EXPECT_EQ(server.holder(), "");
  EXPECT_EQ(kubeapi::IntegerAt(server.lease, {"spec", "leaseDurationSeconds"}), 1);
}

TEST_F(Election, GivesUpReleasingAtItsDeadline) {
  LeaderElector& elector = Elector("a");
  ASSERT_TRUE(loop.Run(elector.Acquire()).ok());
  api.answer = [](const http::ServerRequest&) { return Fails(ErrorReason::kServiceUnavailable); };
  const async::BootTime start = loop.Now().boot;
  loop.Run(elector.Release(start + absl::Seconds(3)));
  EXPECT_EQ(loop.Now().boot - start, absl::Seconds(3));
}

TEST_F(Election, SaysWhoHoldsIt) {
  LeaderElector& first = Elector("a");
  LeaderElector& second = Elector("b");
  ASSERT_TRUE(loop.Run(first.Acquire()).ok());
  scope.Spawn(Lead(second, end));
  loop.RunFor(absl::Seconds(1));
  EXPECT_EQ(second.holder(), "a");
  loop.Run(first.Release(loop.Now().boot + absl::Seconds(5)));
  loop.RunFor(absl::Seconds(2));
  EXPECT_EQ(said, (std::vector<std::string>{"a sees 'a'", "b sees 'a'", "a sees ''", "b sees ''", "b sees 'b'"}));
  EXPECT_EQ(failures, std::vector<std::string>());
}

TEST_F(Election, StopsWaitingWhenItIsCancelled) {
  LeaderElector& first = Elector("a");
  LeaderElector& second = Elector("b");
  ASSERT_TRUE(loop.Run(first.Acquire()).ok());
  scope.Spawn(Lead(second, end));
  loop.RunFor(absl::Seconds(1));
  scope.Cancel();
  loop.RunReady();
  EXPECT_EQ(scope.running(), 0u);
  EXPECT_TRUE(absl::IsCancelled(end));
  const size_t before = api.requests.size();
  loop.Run(second.Release(loop.Now().boot + absl::Seconds(5)));
  EXPECT_EQ(api.requests.size(), before) << "it holds nothing";
}

}  // namespace
}  // namespace ottoscale::kube
