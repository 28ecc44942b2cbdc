#include "pkg/simulation/heroku.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/codec/json.h"
#include "pkg/http/loopback.h"

namespace ottoscale::simulation {
namespace {

constexpr char kUuid[] = "01234567-89ab-cdef-0123-456789abcdef";

struct Ask {
  std::string method = "GET";
  std::string path;
  std::string body;
  std::string key = "key";
  std::string accept = "application/vnd.heroku+json; version=3";
  std::string content_type = "application/json";
  http::Headers more;
};

struct Told {
  int status = 0;
  http::Headers headers;
  nlohmann::json body;
  std::string id() const { return codec::StringOr(body, {"id"}, ""); }
};

async::Task<Told> Send(http::Transport& transport, Ask ask) {
  http::Request request{.method = ask.method, .url = absl::StrCat("https://api.heroku.com", ask.path), .headers = ask.more,
                        .body = ask.body};
  request.headers.Set("Accept", ask.accept);
  if (!ask.key.empty()) request.credential = Secret(ask.key);
  if (!ask.body.empty()) request.headers.Set("Content-Type", ask.content_type);
  auto response = co_await transport.Send(std::move(request), async::BootTime::Infinite());
  if (!response.ok()) co_return Told{};
  Told told{.status = response->status, .headers = response->headers};
  const auto text = co_await http::ReadAll(std::move(response->body), 1 << 22);
  if (text.ok() && !text->empty()) told.body = codec::ReadJson(*text).value_or(nlohmann::json());
  co_return told;
}

class HerokuTest : public testing::Test {
 protected:
  HerokuTest() {
    heroku.AddAccount("ops", "key");
    heroku.AddApp("shop", kUuid, "web", 2);
    heroku.AddProcess("shop", "worker", 1, "Basic");
  }
  Told Do(Ask ask) { return loop.Run(Send(transport, std::move(ask))); }

  async::SimulatedLoop loop{1};
  SimulatedHeroku heroku{loop, {.boot_min = absl::Seconds(3), .boot_max = absl::Seconds(9)}};
  http::Loopback transport{loop, heroku};
};

TEST_F(HerokuTest, RejectsWhatTheRealOneRejects) {
  struct Row {
    const char* what;
    Ask ask;
    int status;
    const char* id;
  };
  const std::string web = "/apps/shop/formation/web";
  const std::vector<Row> rows = {
      {"no version", {.path = "/apps/shop", .accept = "application/json"}, 406, "not_acceptable"},
      {"no key", {.path = "/apps/shop", .key = ""}, 401, "unauthorized"},
      {"wrong key", {.path = "/apps/shop", .key = "other"}, 401, "unauthorized"},
      {"no such app", {.path = "/apps/shap"}, 404, "not_found"},
      {"no such type", {.path = "/apps/shop/formation/wbe"}, 404, "not_found"},
      {"no such endpoint", {.path = "/nothing"}, 404, "not_found"},
      {"not JSON", {.method = "PATCH", .path = web, .body = "quantity=3"}, 400, "bad_request"},
      {"no content type", {.method = "PATCH", .path = web, .body = "{\"quantity\":3}", .content_type = "text/plain"}, 400,
       "bad_request"},
      {"relative", {.method = "PATCH", .path = web, .body = "{\"quantity\":\"+1\"}"}, 422, "invalid_params"},
      {"fraction", {.method = "PATCH", .path = web, .body = "{\"quantity\":2.5}"}, 422, "invalid_params"},
      {"negative", {.method = "PATCH", .path = web, .body = "{\"quantity\":-1}"}, 422, "invalid_params"},
      {"missing", {.method = "PATCH", .path = web, .body = "{}"}, 422, "invalid_params"},
      {"basic limit", {.method = "PATCH", .path = "/apps/shop/formation/worker", .body = "{\"quantity\":2}"}, 422,
       "cannot_update_above_limit"},
      {"app limit", {.method = "PATCH", .path = web, .body = "{\"quantity\":100}"}, 422, "cannot_update_above_limit"},
      {"bad range", {.path = "/apps/shop/dynos", .more = {{"Range", "name a.."}}}, 416, "requested_range_not_satisfiable"},
      {"big range", {.path = "/apps/shop/dynos", .more = {{"Range", "id ..; max=1001"}}}, 416,
       "requested_range_not_satisfiable"},
  };
  for (const Row& row : rows) {
    const Told told = Do(row.ask);
    EXPECT_EQ(told.status, row.status) << row.what;
    EXPECT_EQ(told.id(), row.id) << row.what;
  }
  EXPECT_EQ(heroku.Quantity("shop", "web"), 2);
}

TEST_F(HerokuTest, ScalesByNameAndUuidAndJournals) {
  EXPECT_EQ(Do({.method = "PATCH", .path = "/apps/shop/formation/web", .body = "{\"quantity\":3}"}).status, 200);
  const Told told =
      Do({.method = "PATCH", .path = absl::StrCat("/apps/", kUuid, "/formation/web"), .body = "{\"quantity\":4}"});
  EXPECT_EQ(codec::FindInt64(told.body, {"quantity"}), 4);
  ASSERT_EQ(heroku.writes().size(), 2u);
  EXPECT_EQ(heroku.writes()[1].from, 3);
  EXPECT_EQ(heroku.writes()[1].to, 4);
  EXPECT_EQ(heroku.writes()[1].who, "ops");
}

TEST_F(HerokuTest, DynosBootBeforeTheyServe) {
  Do({.method = "PATCH", .path = "/apps/shop/formation/web", .body = "{\"quantity\":4}"});
  EXPECT_EQ(heroku.Up("shop", "web"), 2);
  loop.RunFor(absl::Seconds(2.9));
  EXPECT_EQ(heroku.Up("shop", "web"), 2);
  loop.RunFor(absl::Seconds(7));
  EXPECT_EQ(heroku.Up("shop", "web"), 4);
  heroku.Crash("shop", "web");
  EXPECT_EQ(heroku.Up("shop", "web"), 3);
}

TEST_F(HerokuTest, PagesLists) {
  heroku.AddProcess("shop", "job", 90, "Standard-1X");
  std::set<std::string> ids;
  std::string range = "id ..; max=40";
  int pages = 0;
  for (bool more = true; more; ++pages) {
    const Told told = Do({.path = "/apps/shop/dynos", .more = {{"Range", range}}});
    more = told.status == 206;
    EXPECT_EQ(told.status, more ? 206 : 200);
    for (const auto& dyno : told.body) ids.insert(codec::StringOr(dyno, {"id"}, ""));
    range = told.headers.Get("Next-Range").value_or("");
  }
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(ids.size(), 93u);
}

TEST_F(HerokuTest, AnswersNotModifiedAndEchoesTheRequestId) {
  const Told first = Do({.path = "/apps/shop", .more = {{"Request-Id", "abc"}}});
  EXPECT_EQ(first.headers.Get("Request-Id"), "abc");
  const std::string etag = first.headers.Get("ETag").value_or("");
  EXPECT_EQ(Do({.path = "/apps/shop", .more = {{"If-None-Match", etag}}}).status, 304);
  heroku.SetMaintenance("shop", true);
  EXPECT_EQ(Do({.path = "/apps/shop", .more = {{"If-None-Match", etag}}}).status, 200);
}

TEST_F(HerokuTest, TakesATokenForEachAnswerAndRefillsThem) {
  SimulatedHeroku poor(loop, {.rate_limit = 3, .rate_refill_per_minute = 6});
  poor.AddAccount("ops", "key");
  poor.AddApp("shop", kUuid, "web", 1);
  http::Loopback to(loop, poor);
  for (int left : {2, 1, 0}) {
    EXPECT_EQ(loop.Run(Send(to, {.path = "/apps/shop"})).headers.Get("RateLimit-Remaining"), absl::StrCat(left));
  }
  EXPECT_EQ(loop.Run(Send(to, {.path = "/apps/shop"})).id(), "rate_limit");
  EXPECT_EQ(loop.Run(Send(to, {.path = "/account/rate-limits"})).status, 200);
  loop.RunFor(absl::Seconds(10));
  EXPECT_EQ(loop.Run(Send(to, {.path = "/apps/shop"})).status, 200);
}

TEST_F(HerokuTest, RefusesAccountsThatDoNotPay) {
  heroku.RefuseAccount("ops", 402);
  EXPECT_EQ(Do({.path = "/apps/shop"}).id(), "delinquent");
  heroku.RefuseAccount("ops", 403);
  EXPECT_EQ(Do({.path = "/apps/shop"}).status, 403);
}

}  // namespace
}  // namespace ottoscale::simulation
