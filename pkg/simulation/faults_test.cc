#include "pkg/simulation/faults.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "pkg/async/scope.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"
#include "pkg/http/loopback.h"

namespace ottoscale::simulation {
namespace {

constexpr char kText[] = "twelve bytes";

class Chunks final : public http::BodySource {
 public:
  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    if (left_-- == 0) co_return std::nullopt;
    co_return std::string("chunk");
  }

 private:
  int left_ = 6;
};

class Server final : public http::Handler {
 public:
  async::Task<http::Response> Handle(http::ServerRequest request) override {
    ++asked;
    http::Response response;
    response.body = request.path == "/stream" ? http::Body(std::make_unique<Chunks>()) : http::Body(std::string(kText));
    co_return response;
  }
  int asked = 0;
};

struct Got {
  int status = 0;  // 0: the failure before an answer
  http::FailureDetail failure;
  std::string text;
  absl::Status end;  // of the body
  absl::Duration took;
};

async::Task<Got> Ask(async::Loop& loop, http::Transport& transport, http::Request request, async::BootTime deadline) {
  Got got;
  const async::BootTime start = loop.Now().boot;
  auto response = co_await transport.Send(std::move(request), deadline);
  if (!response.ok()) {
    got.failure = http::FailureOf(response.status());
  } else {
    got.status = response->status;
    http::Body body = std::move(response->body);
    if (body.source == nullptr) got.text = body.text;
    while (body.source != nullptr) {
      auto chunk = co_await body.source->Next();
      if (!chunk.ok()) got.end = chunk.status();
      if (!chunk.ok() || !chunk->has_value()) break;
      got.text += **chunk;
    }
  }
  got.took = loop.Now().boot - start;
  co_return got;
}

struct World {
  explicit World(FaultRates rates, uint64_t seed = 7) : loop(seed) { transport.SetRates(rates); }
  Got Get(async::BootTime deadline = async::BootTime::Infinite()) {
    return loop.Run(Ask(loop, transport, {.url = "http://shop.example/x"}, deadline));
  }
  Got Stream() {
    http::Request request{.url = "http://shop.example/stream", .streaming = true};
    return loop.Run(Ask(loop, transport, std::move(request), async::BootTime::Infinite()));
  }
  Got Patch() {
    http::Request request{.method = "PATCH", .url = "http://shop.example/x", .body = "{}"};
    return loop.Run(Ask(loop, transport, std::move(request), async::BootTime::Infinite()));
  }

  async::SimulatedLoop loop;
  Server server;
  http::Loopback inner{loop, server};
  Wire wire;
  FaultyTransport transport{loop, inner, "app", wire};
};

// Each fault is one that the client can see, and each is counted.
TEST(FaultyTransport, InjectsEachFault) {
  struct Row {
    const char* name;
    double FaultRates::* rate;
    bool server_acts;
    int status;       // 0: a failure; 5: any 5xx
    bool maybe_sent;  // of a failure
    bool whole;       // the body came to its end
    bool takes_time;
  };
  const std::vector<Row> rows = {
      {"slow", &FaultRates::slow, true, 200, false, true, true},
      {"lost request", &FaultRates::lost_request, false, 0, true, true, true},
      {"lost answer", &FaultRates::lost_answer, true, 0, true, true, false},
      {"5xx", &FaultRates::server_error, false, 5, false, true, false},
      {"error after", &FaultRates::error_after, true, 5, false, true, false},
      {"429", &FaultRates::rate_limited, false, 429, false, true, false},
      {"garbage", &FaultRates::garbage, false, 200, false, true, false},
      {"truncated body", &FaultRates::truncated_body, true, 200, false, false, false},
      {"slow body", &FaultRates::slow_body, true, 200, false, true, true},
  };
  for (const Row& row : rows) {
    FaultRates rates;
    rates.*row.rate = 1;
    World world(rates);
    const Got got = world.Get();
    EXPECT_EQ(row.status == 5 ? got.status / 100 : got.status, row.status) << row.name;
    EXPECT_EQ(world.server.asked, row.server_acts ? 1 : 0) << row.name;
    if (row.status == 0) {
      EXPECT_EQ(got.failure, (http::FailureDetail{http::Failure::kDisconnected, row.maybe_sent})) << row.name;
    }
    EXPECT_EQ(got.end.ok(), row.whole) << row.name;
    EXPECT_EQ(got.text == kText, row.server_acts && row.status == 200 && row.whole) << row.name;
    EXPECT_EQ(got.took > absl::Seconds(1), row.takes_time) << row.name;
    EXPECT_EQ(world.transport.injected(), (std::map<std::string, uint64_t>{{row.name, 1}}));
    world.transport.SetRates(Quiet());
    const Got quiet = world.Get();
    EXPECT_EQ(quiet.text, kText) << row.name;
    EXPECT_EQ(quiet.took, absl::ZeroDuration()) << row.name;
  }
}

TEST(FaultyTransport, ALossMayBeSilentUntilTheDeadline) {
  for (double FaultRates::* rate : {&FaultRates::lost_request, &FaultRates::lost_answer}) {
    FaultRates rates{.silent = 1};
    rates.*rate = 1;
    World world(rates);
    const Got got = world.Get(world.loop.Now().boot + absl::Seconds(42));
    EXPECT_EQ(got.failure, (http::FailureDetail{http::Failure::kTimeout, true}));
    EXPECT_EQ(got.took, absl::Seconds(42));
  }
}

TEST(FaultyTransport, WhatIsTooSlowEndsAtTheDeadline) {
  World delayed({.latency_min = absl::Seconds(10), .latency_max = absl::Seconds(10)});
  const Got never_sent = delayed.Get(delayed.loop.Now().boot + absl::Seconds(5));
  EXPECT_EQ(never_sent.failure, (http::FailureDetail{http::Failure::kTimeout, false}));
  EXPECT_EQ(delayed.server.asked, 0);

  World dripping({.slow_body = 1, .slowest = absl::Hours(1)});
  const Got half = dripping.Get(dripping.loop.Now().boot + absl::Seconds(5));
  EXPECT_EQ(half.status, 200);
  EXPECT_EQ(half.text, "twelve");
  EXPECT_EQ(http::FailureOf(half.end).kind, http::Failure::kTimeout);
  EXPECT_EQ(half.took, absl::Seconds(5));
}

TEST(FaultyTransport, SpoilsStreamsChunkByChunk) {
  World world({});
  EXPECT_EQ(world.Stream().text.size(), 30u);
  world.transport.SetRates({.slow_body = 1, .slowest = absl::Seconds(10)});
  const Got slow = world.Stream();
  EXPECT_EQ(slow.text.size(), 30u);
  EXPECT_TRUE(slow.end.ok());
  EXPECT_GT(slow.took, absl::Seconds(1));
  world.transport.SetRates({.truncated_body = 1});
  const Got cut = world.Stream();
  EXPECT_EQ(http::FailureOf(cut.end).kind, http::Failure::kDisconnected);
  EXPECT_EQ(cut.text.size() % 5, 2u) << "in the middle of a chunk";
}

TEST(FaultyTransport, KeepsToItsRates) {
  World world({.lost_answer = 0.1, .server_error = 0.2, .rate_limited = 0.05});
  for (int i = 0; i < 2000; ++i) (void)world.Get();
  EXPECT_NEAR(static_cast<double>(world.transport.injected().at("lost answer")), 200, 50);
  EXPECT_NEAR(static_cast<double>(world.transport.injected().at("5xx")), 400, 70);
  EXPECT_NEAR(static_cast<double>(world.transport.injected().at("429")), 100, 40);
  EXPECT_EQ(world.server.asked,
            2000 - static_cast<int>(world.transport.injected().at("5xx") + world.transport.injected().at("429")));
}

TEST(FaultyTransport, ASeedIsAWorld) {
  const auto trace = [](uint64_t seed) {
    World world(Quiet(), seed);
    world.transport.SetRates(DrawRates(world.loop.random(), 0.3));
    std::string text;
    for (int i = 0; i < 100; ++i) {
      const Got got = world.Get(world.loop.Now().boot + absl::Seconds(30));
      text += absl::StrCat(got.status, " ", got.text, " ", absl::FormatDuration(got.took), "\n");
    }
    return text;
  };
  EXPECT_EQ(trace(5), trace(5));
  EXPECT_NE(trace(5), trace(6));
}

TEST(DrawRates, LeavesFaultsOffAndAddsUpToOneAtMost) {
  async::Random random(1);
  int off = 0;
  for (int i = 0; i < 200; ++i) {
    const FaultRates rates = DrawRates(random, 0.9);
    const std::vector<double> all = {rates.slow,         rates.lost_request,   rates.lost_answer,
                                     rates.server_error, rates.error_after,    rates.rate_limited,
                                     rates.garbage,      rates.truncated_body, rates.slow_body};
    EXPECT_LE(std::accumulate(all.begin(), all.end(), 0.0), 1 + 1e-9);
    for (const double rate : all) {
      EXPECT_GE(rate, 0);
      off += rate == 0;
    }
  }
  EXPECT_GT(off, 700);
  EXPECT_LT(off, 1400);
}

// Effects of a PATCH: 1 is its sending, 2 its answer.
TEST(Wire, ACrashAtAnEffectLetsNothingThrough) {
  for (const uint64_t cut : {1u, 2u}) {
    World world({});
    world.wire.CutAt(cut);
    int told = 0;
    world.wire.OnCut([&] { ++told; });
    EXPECT_EQ(world.Patch().status, 0);
    EXPECT_EQ(world.server.asked, cut == 2 ? 1 : 0)
        << "before the request nothing happens, after it the server has acted";
    EXPECT_EQ(told, 1);
    EXPECT_EQ(world.Patch().failure.maybe_sent, false);
    const Got after = world.Get();
    EXPECT_EQ(after.status, 0);
    EXPECT_EQ(after.took, absl::ZeroDuration()) << "what is dead ends at once";
    EXPECT_EQ(world.server.asked, cut == 2 ? 1 : 0);
    EXPECT_EQ(world.wire.effects(), cut);
    EXPECT_EQ(told, 1);
  }
}

TEST(Wire, NumbersEachEffectOnce) {
  std::vector<std::string> seen;
  World world({});
  world.wire = Wire([&](uint64_t number, const std::string& what) { seen.push_back(absl::StrCat(number, " ", what)); });
  (void)world.Get();
  (void)world.Patch();
  EXPECT_EQ(seen, (std::vector<std::string>{
                      "1 send app GET http://shop.example/x", "2 answer app GET http://shop.example/x",
                      "3 send app PATCH http://shop.example/x", "4 answer app PATCH http://shop.example/x (write)"}));
}

TEST(Wire, MayNumberWritesOnly) {
  World world({});
  world.wire.CountWritesOnly();
  world.wire.CutAt(2);
  EXPECT_EQ(world.Get().status, 200);
  EXPECT_EQ(world.wire.effects(), 0u);
  EXPECT_EQ(world.Patch().status, 0);
  EXPECT_EQ(world.server.asked, 2);
  EXPECT_EQ(world.Get().status, 0) << "a cut wire carries reads no more than writes";
}

}  // namespace
}  // namespace ottoscale::simulation
