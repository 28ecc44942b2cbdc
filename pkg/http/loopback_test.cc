#include "pkg/http/loopback.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "pkg/async/scope.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"

namespace ottoscale::http {
namespace {

// Chunks with a pause before each; then `end`, or silence for ever when it is not set.
class Ticker final : public BodySource {
 public:
  Ticker(std::vector<std::string> chunks, absl::Duration pause, absl::Status end)
      : chunks_(std::move(chunks)), pause_(pause), end_(std::move(end)) {}
  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    if (absl::Status status = co_await async::Sleep(pause_); !status.ok()) co_return status;
    if (next_ < chunks_.size()) co_return chunks_[next_++];
    if (end_.ok()) co_return std::nullopt;
    co_return end_;
  }

 private:
  std::vector<std::string> chunks_;
  size_t next_ = 0;
  absl::Duration pause_;
  absl::Status end_;
};

struct Plan {
  absl::Duration think;
  Response response;
};

class Scripted final : public Handler {
 public:
  async::Task<Response> Handle(ServerRequest request) override {
    seen.push_back(std::move(request));
    slept = co_await async::Sleep(plan.think);
    co_return std::move(plan.response);
  }
  Plan plan;
  std::vector<ServerRequest> seen;
  absl::Status slept;
};

struct World {
  async::SimulatedLoop loop{1};
  Scripted handler;
  Loopback transport{loop, handler};
  async::BootTime In(absl::Duration d) { return loop.Now().boot + d; }
  absl::StatusOr<Response> Send(Request request, absl::Duration limit = absl::Seconds(10)) {
    return loop.Run(transport.Send(std::move(request), In(limit)));
  }
  absl::StatusOr<std::string> Read(Body body) { return loop.Run(ReadAll(std::move(body), 1 << 20)); }
};

TEST(Loopback, ShowsTheHandlerWhatAServerWould) {
  World world;
  world.handler.plan.response = {.status = 201, .headers = {{"A", "b"}}, .body = std::string("done")};
  const absl::StatusOr<Response> response = world.Send({.method = "POST",
                                                        .url = "http://api:8080/x?y=1",
                                                        .headers = {{"K", "v"}},
                                                        .body = "text",
                                                        .credential = Secret("t")});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->headers.Get("a"), "b");
  EXPECT_EQ(response->body.text, "done");
  const ServerRequest& seen = world.handler.seen.at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, "/x");
  EXPECT_EQ(seen.query, "y=1");
  EXPECT_EQ(seen.body, "text");
  EXPECT_EQ(seen.headers,
            (Headers{{"Host", "api:8080"}, {"Authorization", "Bearer t"}, {"K", "v"}, {"Content-Length", "4"}}));
  EXPECT_TRUE(world.loop.drained());
}

TEST(Loopback, RefusesBeforeTheHandlerSeesAnything) {
  World world;
  EXPECT_EQ(FailureOf(world.Send({.url = "http://u@a/"}).status()).kind, Failure::kInvalidRequest);
  EXPECT_EQ(FailureOf(world.Send({.url = "http://a/", .headers = {{"A", "\n"}}}).status()).kind,
            Failure::kInvalidRequest);
  EXPECT_EQ(FailureOf(world.Send({.url = "http://a/"}, absl::Seconds(-1)).status()),
            (FailureDetail{Failure::kTimeout, false}));
  EXPECT_TRUE(world.handler.seen.empty());
}

TEST(Loopback, DeadlineCancelsTheHandler) {
  World world;
  world.handler.plan.think = absl::Seconds(60);
  const async::BootTime start = world.loop.Now().boot;
  EXPECT_EQ(FailureOf(world.Send({.url = "http://a/"}).status()), (FailureDetail{Failure::kTimeout, true}));
  EXPECT_EQ(world.loop.Now().boot - start, absl::Seconds(10));
  EXPECT_TRUE(absl::IsDeadlineExceeded(world.handler.slept));
}

TEST(Loopback, DeadlineCoversTheBody) {
  World world;
  world.handler.plan.response.body =
      Body(std::make_unique<Ticker>(std::vector<std::string>(9, "x"), absl::Seconds(3), absl::OkStatus()));
  absl::StatusOr<Response> response = world.Send({.url = "http://a/"});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(FailureOf(world.Read(std::move(response->body)).status()), (FailureDetail{Failure::kTimeout, true}));
}

TEST(Loopback, BodyIsCappedAndTimed) {
  World world;
  world.handler.plan.response.body =
      Body(std::make_unique<Ticker>(std::vector<std::string>(3, "ab"), absl::Seconds(1), absl::OkStatus()));
  absl::StatusOr<Response> response = world.Send({.url = "http://a/", .max_body_bytes = 6});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->body.text, "ababab");
  EXPECT_EQ(response->times.total, absl::Seconds(4));  // the end is asked for, too
  world.handler.plan.response.body = std::string("1234567");
  response = world.Send({.url = "http://a/", .max_body_bytes = 6});
  EXPECT_EQ(FailureOf(world.Read(std::move(response->body)).status()).kind, Failure::kBodyTooLarge);
}

TEST(Loopback, ABrokenSourceLooksLikeABrokenConnection) {
  World world;
  for (const bool streaming : {false, true}) {
    world.handler.plan.response.body = Body(std::make_unique<Ticker>(std::vector<std::string>{"x"}, absl::Seconds(1),
                                                                     absl::CancelledError("server stops")));
    absl::StatusOr<Response> response = world.Send({.url = "http://a/", .streaming = streaming});
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(FailureOf(world.Read(std::move(response->body)).status()), (FailureDetail{Failure::kDisconnected, true}));
  }
}

TEST(Loopback, StreamOutlivesTheDeadlineButNotSilence) {
  World world;
  world.handler.plan.response.body =
      Body(std::make_unique<Ticker>(std::vector<std::string>(20, "x"), absl::Seconds(80), absl::OkStatus()));
  absl::StatusOr<Response> response = world.Send({.url = "http://a/", .streaming = true});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(*world.Read(std::move(response->body)), std::string(20, 'x'));
  world.handler.plan.response.body =
      Body(std::make_unique<Ticker>(std::vector<std::string>(20, "x"), absl::Seconds(80), absl::OkStatus()));
  response = world.Send({.url = "http://a/", .streaming = true, .idle_timeout = absl::Seconds(70)});
  EXPECT_EQ(FailureOf(world.Read(std::move(response->body)).status()), (FailureDetail{Failure::kTimeout, true}));
}

async::Task<void> Keep(async::Task<absl::StatusOr<Response>> task, std::optional<absl::Status>& out) {
  const absl::StatusOr<Response> response = co_await std::move(task);
  out = response.status();
}

TEST(Loopback, CancellationReachesTheHandler) {
  World world;
  world.handler.plan.think = absl::Seconds(60);
  async::Scope scope(world.loop);
  std::optional<absl::Status> out;
  scope.Spawn(Keep(world.transport.Send({.url = "http://a/"}, async::BootTime::Infinite()), out));
  world.loop.RunFor(absl::Seconds(1));
  scope.Cancel();
  world.loop.RunReady();
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(FailureOf(*out), (FailureDetail{Failure::kCancelled, true}));
  EXPECT_TRUE(absl::IsCancelled(world.handler.slept));
  EXPECT_TRUE(world.loop.drained());
}

TEST(Loopback, HeadHasNoBody) {
  World world;
  world.handler.plan.response.body = std::string("text");
  EXPECT_EQ(world.Send({.method = "HEAD", .url = "http://a/"})->body.text, "");
}

}  // namespace
}  // namespace ottoscale::http
