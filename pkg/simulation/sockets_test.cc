// The same worlds behind sockets: what a client sees there is what it sees in process.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pkg/async/asio_loop.h"
#include "pkg/async/blocking_pool.h"
#include "pkg/codec/json.h"
#include "pkg/http/client.h"
#include "pkg/http/loopback.h"
#include "pkg/http/server.h"
#include "pkg/simulation/demo_world.h"

namespace ottoscale::simulation {
namespace {

constexpr char kWeb[] = "/apps/demo-shop/formation/web";

struct Ask {
  std::string method = "GET";
  std::string path;
  std::string body;
  std::string key = "key";
};

// What the two ways must agree on: status, error or quantity, and which headers of the API are there.
async::Task<std::string> Tell(http::Transport& transport, std::string origin, Ask ask, async::BootTime deadline) {
  http::Request request{.method = ask.method, .url = origin + ask.path, .body = ask.body};
  request.headers.Set("Accept", "application/vnd.heroku+json; version=3");
  request.headers.Set("Range", "id ..; max=1");
  request.headers.Set("Request-Id", "mine");
  if (!ask.body.empty()) request.headers.Set("Content-Type", "application/json");
  request.credential = Secret(ask.key);
  auto response = co_await transport.Send(std::move(request), deadline);
  if (!response.ok()) co_return std::string(response.status().message());
  const auto text = co_await http::ReadAll(std::move(response->body), 1 << 20);
  const nlohmann::json body = text.ok() ? codec::ReadJson(*text).value_or(nlohmann::json()) : nlohmann::json();
  std::string told = absl::StrCat(response->status, " ", codec::FindInt64(body, {"quantity"}).value_or(-1));
  for (const char* header : {"ETag", "Next-Range", "RateLimit-Remaining", "Content-Type"}) {
    absl::StrAppend(&told, response->headers.Get(header) ? " " : " no ", header);
  }
  absl::StrAppend(&told, " ", response->headers.Get("Request-Id").value_or("no id"));
  if (response->status >= 400) absl::StrAppend(&told, " ", codec::StringOr(body, {"id"}, ""));
  co_return told;
}

const std::vector<Ask>& Asks() {
  static const std::vector<Ask>& asks = *new std::vector<Ask>{
      {.path = "/apps/demo-shop"},
      {.path = "/apps/demo-shop", .key = "wrong"},
      {.path = "/apps/nothing"},
      {.method = "PATCH", .path = kWeb, .body = "{\"quantity\":3}"},
      {.method = "PATCH", .path = kWeb, .body = "{\"quantity\":\"+1\"}"},
      {.method = "PATCH", .path = kWeb, .body = "{\"quantity\":101}"},
      {.path = kWeb},
      {.path = "/apps/demo-shop/dynos"},
      {.path = "/account/rate-limits"},
  };
  return asks;
}

async::Task<std::vector<std::string>> TellAll(async::Loop& loop, http::Transport& transport, std::string origin) {
  std::vector<std::string> told;
  for (const Ask& ask : Asks()) {
    told.push_back(co_await Tell(transport, origin, ask, loop.Now().boot + absl::Seconds(30)));
  }
  co_return told;
}

async::Task<int> Beat(async::Loop& loop, http::Transport& transport, std::string origin) {
  http::Request request{.url = origin + "/heartbeat/"};
  const auto response = co_await transport.Send(std::move(request), loop.Now().boot + absl::Seconds(30));
  co_return response.ok() ? response->status : 0;
}

template <class T>
T RunReal(async::AsioLoop& loop, async::Task<T> task) {
  async::Context root(loop);
  bool finished = false;
  task.Start(root, [&] {
    finished = true;
    loop.Stop();
  });
  while (!finished) loop.Run();  // NOLINT(bugprone-infinite-loop): the lambda above ends it
  return task.Take();
}

async::Task<bool> StopServer(http::Server& server, async::BootTime deadline) {
  co_await server.Stop(deadline);
  co_return true;
}

TEST(Sockets, AnswerAsInProcess) {
  async::AsioLoop loop;
  async::BlockingPool pool(2);
  DemoWorld near(loop, "key");
  http::Loopback loopback(loop, near.heroku);
  const std::vector<std::string> expected = RunReal(loop, TellAll(loop, loopback, "http://api.heroku.com"));
  EXPECT_EQ(expected.at(3), "200 3 no ETag no Next-Range RateLimit-Remaining Content-Type mine");

  DemoWorld far(loop, "key");
  auto server = http::Listen(loop, far.heroku, {});
  auto app = http::Listen(loop, far.app, {});
  ASSERT_TRUE(server.ok() && app.ok());
  const auto client = http::MakeCloudTransport(loop, pool, {});
  const std::string origin = absl::StrCat("http://127.0.0.1:", (*server)->port());
  EXPECT_EQ(RunReal(loop, TellAll(loop, *client, origin)), expected);
  EXPECT_EQ(RunReal(loop, Beat(loop, *client, absl::StrCat("http://127.0.0.1:", (*app)->port()))), 200);
  EXPECT_EQ(far.heroku.writes().size(), 3u);
  for (http::Server* one : {server->get(), app->get()}) {
    EXPECT_TRUE(RunReal(loop, StopServer(*one, loop.Now().boot + absl::Seconds(5))));
  }
}

}  // namespace
}  // namespace ottoscale::simulation
