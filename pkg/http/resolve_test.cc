#include "pkg/http/resolve.h"

#include <gtest/gtest.h>

#include "test/contracts/transport_rig.h"

namespace ottoscale::http {
namespace {

using Addresses = std::vector<std::string>;
using Answer = absl::StatusOr<Addresses>;

TEST(NameResolver, AnswersAddressesByThemselvesAndAsksForTheRest) {
  async::AsioLoop loop;
  async::BlockingPool pool(1);
  NameResolver names(loop, pool, [](const std::string& host) -> Answer { return Addresses{"asked " + host}; });
  for (const char* address : {"1.2.3.4", "::1", "fe80::1"}) {
    EXPECT_EQ(*contracts::RunReal(loop, names.Resolve(address)), Addresses{address});
  }
  for (const char* other : {"a.test", "127.1", "0x7f000001", "2130706433"}) {
    EXPECT_EQ(*contracts::RunReal(loop, names.Resolve(other)), Addresses{std::string("asked ") + other});
  }
}

TEST(NameResolver, SaysWhatFailed) {
  async::AsioLoop loop;
  async::BlockingPool pool(1);
  NameResolver names(loop, pool, [](const std::string& host) -> Answer {
    if (host == "empty.test") return Addresses{};
    if (host == "full.test") return MakeFailure({Failure::kLocalLimit, false}, "no memory");
    return absl::NotFoundError("no such name");
  });
  const auto failure = [&](const char* host) {
    return FailureOf(contracts::RunReal(loop, names.Resolve(host)).status());
  };
  EXPECT_EQ(failure("unknown.test"), contracts::NotSent(Failure::kResolve));
  EXPECT_EQ(failure("empty.test"), contracts::NotSent(Failure::kResolve));
  EXPECT_EQ(failure("full.test"), contracts::NotSent(Failure::kLocalLimit));
}

async::Task<std::vector<Answer>> AskTwice(NameResolver& names, contracts::TestNames& table) {
  std::vector<async::Task<Answer>> tasks;
  for (int i = 0; i < 50; ++i) tasks.push_back(names.Resolve("hang.test"));
  tasks.push_back([](contracts::TestNames& t, NameResolver& n) -> async::Task<Answer> {
    while (t.Hanging() == 0) (void)co_await async::Yield();
    t.Release();
    co_return co_await n.Resolve("app.test");  // the pool's only thread is free again
  }(table, names));
  co_return co_await async::All(std::move(tasks));
}

TEST(NameResolver, AsksOnceForAllWhoWait) {
  async::AsioLoop loop;
  async::BlockingPool pool(1);
  contracts::TestNames table;
  table.Set("hang.test", {"10.0.0.1"});
  NameResolver names(loop, pool, table.AsResolver());
  for (const Answer& answer : contracts::RunReal(loop, AskTwice(names, table)))
    EXPECT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(table.Hanging(), 1u);
}

TEST(NameResolver, MayDieBeforeAnAnswerComes) {
  async::AsioLoop loop;
  contracts::TestNames table;
  {
    async::BlockingPool pool(1);
    NameResolver names(loop, pool, table.AsResolver());
    const Answer answer =
        contracts::RunReal(loop, async::WithTimeout(absl::Milliseconds(20), names.Resolve("hang.test")));
    EXPECT_EQ(FailureOf(answer.status()), contracts::NotSent(Failure::kTimeout));
  }
  table.Release();
}

TEST(SystemResolver, KnowsLocalhostAndSpellingsOfAddresses) {
  const Resolver resolver = SystemResolver();
  EXPECT_TRUE(resolver("localhost").ok());
  EXPECT_EQ(*resolver("127.1"), Addresses{"127.0.0.1"});
  EXPECT_EQ(FailureOf(resolver("no such name").status()).kind, Failure::kResolve);
}

}  // namespace
}  // namespace ottoscale::http
