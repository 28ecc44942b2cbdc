#include "pkg/simulation/heroku.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "pkg/async/scope.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"
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
  std::string scheme = "Bearer";
  http::Headers more;
};

struct Told {
  int status = 0;
  http::Headers headers;
  nlohmann::json body;
  std::string id() const { return codec::StringOr(body, {"id"}, ""); }
};

async::Task<Told> Send(http::Transport& transport, Ask ask) {
  http::Request request{.method = ask.method,
                        .url = absl::StrCat("https://api.heroku.com", ask.path),
                        .headers = ask.more,
                        .body = ask.body};
  request.headers.Set("Accept", ask.accept);
  request.credential_scheme = ask.scheme;
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
      {"the CLI's scheme", {.path = "/apps/shop", .scheme = "Basic"}, 401, "unauthorized"},
      {"another version",
       {.path = "/apps/shop", .accept = "application/vnd.heroku+json; version=2"},
       406,
       "not_acceptable"},
      {"no such app", {.path = "/apps/shap"}, 404, "not_found"},
      {"no such type", {.path = "/apps/shop/formation/wbe"}, 404, "not_found"},
      {"no such endpoint", {.path = "/nothing"}, 404, "not_found"},
      {"a slash at the end", {.path = "/apps/shop/formation/"}, 404, "not_found"},
      {"a method that is none of its own",
       {.method = "POST", .path = web, .body = "{\"quantity\":3}"},
       404,
       "not_found"},
      {"not an object", {.method = "PATCH", .path = web, .body = "[3]"}, 400, "bad_request"},
      {"a member twice",
       {.method = "PATCH", .path = web, .body = "{\"quantity\":3,\"quantity\":4}"},
       400,
       "bad_request"},
      {"an unknown member",
       {.method = "PATCH", .path = web, .body = "{\"quantity\":3,\"count\":3}"},
       422,
       "invalid_params"},
      {"an unknown size",
       {.method = "PATCH", .path = web, .body = "{\"quantity\":3,\"size\":\"2X\"}"},
       422,
       "invalid_params"},
      {"quantity as text", {.method = "PATCH", .path = web, .body = "{\"quantity\":\"3\"}"}, 422, "invalid_params"},
      {"quantity as 3.0", {.method = "PATCH", .path = web, .body = "{\"quantity\":3.0}"}, 422, "invalid_params"},
      {"quantity past counting",
       {.method = "PATCH", .path = web, .body = "{\"quantity\":4294967297}"},
       422,
       "invalid_params"},
      {"relative as the CLI",
       {.method = "PATCH", .path = web, .body = "{\"quantity\":\"web+1\"}"},
       422,
       "invalid_params"},
      {"not JSON", {.method = "PATCH", .path = web, .body = "quantity=3"}, 400, "bad_request"},
      {"no content type",
       {.method = "PATCH", .path = web, .body = "{\"quantity\":3}", .content_type = "text/plain"},
       400,
       "bad_request"},
      {"relative", {.method = "PATCH", .path = web, .body = "{\"quantity\":\"+1\"}"}, 422, "invalid_params"},
      {"fraction", {.method = "PATCH", .path = web, .body = "{\"quantity\":2.5}"}, 422, "invalid_params"},
      {"negative", {.method = "PATCH", .path = web, .body = "{\"quantity\":-1}"}, 422, "invalid_params"},
      {"missing", {.method = "PATCH", .path = web, .body = "{}"}, 422, "invalid_params"},
      {"basic limit",
       {.method = "PATCH", .path = "/apps/shop/formation/worker", .body = "{\"quantity\":2}"},
       422,
       "cannot_update_above_limit"},
      {"app limit", {.method = "PATCH", .path = web, .body = "{\"quantity\":100}"}, 422, "cannot_update_above_limit"},
      {"a resize past the limit",
       {.method = "PATCH", .path = web, .body = "{\"size\":\"Basic\"}"},
       422,
       "cannot_update_above_limit"},
      {"sizes that do not mix",
       {.method = "PATCH", .path = web, .body = "{\"quantity\":1,\"size\":\"Eco\"}"},
       422,
       "invalid_params"},
      {"a batch without updates",
       {.method = "PATCH", .path = "/apps/shop/formation", .body = "{\"quantity\":3}"},
       422,
       "invalid_params"},
      {"a batch of no type",
       {.method = "PATCH", .path = "/apps/shop/formation", .body = "{\"updates\":[{\"quantity\":3}]}"},
       404,
       "not_found"},
      {"a batch with a type twice",
       {.method = "PATCH",
        .path = "/apps/shop/formation",
        .body = "{\"updates\":[{\"type\":\"web\",\"quantity\":3},{\"type\":\"web\",\"quantity\":4}]}"},
       422,
       "invalid_params"},
      {"bad range",
       {.path = "/apps/shop/dynos", .more = {{"Range", "name a.."}}},
       416,
       "requested_range_not_satisfiable"},
      {"big range",
       {.path = "/apps/shop/dynos", .more = {{"Range", "id ..; max=1001"}}},
       416,
       "requested_range_not_satisfiable"},
  };
  for (const Row& row : rows) {
    const Told told = Do(row.ask);
    EXPECT_EQ(told.status, row.status) << row.what;
    EXPECT_EQ(told.id(), row.id) << row.what;
    EXPECT_NE(codec::StringOr(told.body, {"message"}, ""), "") << row.what;
    EXPECT_NE(codec::StringOr(told.body, {"url"}, ""), "") << row.what;
    EXPECT_TRUE(told.headers.Get("RateLimit-Remaining").has_value()) << row.what;
    EXPECT_TRUE(told.headers.Get("Request-Id").has_value()) << row.what;
    EXPECT_FALSE(told.headers.Get("ETag").has_value()) << row.what;
  }
  EXPECT_EQ(heroku.Quantity("shop", "web"), 2);
  EXPECT_EQ(heroku.requests(), rows.size());
  for (const HerokuWrite& write : heroku.writes()) EXPECT_FALSE(write.accepted()) << Describe(write);
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

TEST_F(HerokuTest, AKeyMoreSharesTheRateLimitAndOthersDoNot) {
  heroku.AddAccount("ops", "second");
  heroku.AddAccount("dev", "third");
  EXPECT_EQ(Do({.path = "/apps/shop"}).headers.Get("RateLimit-Remaining"), "4499");
  EXPECT_EQ(Do({.path = "/apps/shop", .key = "second"}).headers.Get("RateLimit-Remaining"), "4498");
  EXPECT_EQ(Do({.path = "/apps/shop", .key = "third"}).headers.Get("RateLimit-Remaining"), "4499");
  EXPECT_EQ(Do({.path = "/apps/shop", .key = "wrong"}).headers.Get("RateLimit-Remaining"), "4499");
}

TEST_F(HerokuTest, ATokenComesBackEachFourFifthsOfASecond) {
  heroku.SetRemaining("ops", 0);
  for (int i = 0; i < 40; ++i) {
    loop.RunFor(absl::Milliseconds(790));
    EXPECT_EQ(Do({.path = "/apps/shop"}).status, 429) << i;
    loop.RunFor(absl::Milliseconds(10));
    EXPECT_EQ(Do({.path = "/apps/shop"}).status, 200) << i;
  }
  EXPECT_EQ(heroku.answers().at(429), 40u);
  loop.RunFor(absl::Hours(2));
  EXPECT_EQ(codec::FindInt64(Do({.path = "/account/rate-limits"}).body, {"remaining"}), 4500);
}

TEST_F(HerokuTest, HidesAppsFromStrangersAndHoldsWritesDuringARelease) {
  heroku.SetReleaseRunning("shop", true);
  EXPECT_EQ(Do({.path = "/apps/shop/formation/web"}).status, 200);
  EXPECT_EQ(Do({.method = "PATCH", .path = "/apps/shop/formation/web", .body = "{\"quantity\":3}"}).id(), "conflict");
  ASSERT_EQ(heroku.writes().size(), 1u);
  EXPECT_EQ(heroku.writes()[0].status, 409);
  heroku.AddCollaborator("shop", "dev");
  EXPECT_EQ(Do({.path = "/apps/shop"}).id(), "forbidden");
  heroku.AddCollaborator("shop", "ops");
  EXPECT_EQ(Do({.path = "/apps/shop"}).status, 200);
}

TEST_F(HerokuTest, ABatchIsAllOrNothing) {
  const auto batch = [this](int web, int worker) {
    return Do({.method = "PATCH",
               .path = "/apps/shop/formation",
               .body = absl::StrCat(R"({"updates":[{"type":"web","quantity":)", web,
                                    R"(},{"type":"worker","quantity":)", worker, "}]}")});
  };
  EXPECT_EQ(codec::FindInt64(batch(5, 2).body, {"limit"}), 1);
  EXPECT_EQ(heroku.Quantity("shop", "web"), 2);
  EXPECT_EQ(batch(5, 0).body.size(), 2u);
  EXPECT_EQ(heroku.Quantity("shop", "web"), 5);
  EXPECT_EQ(heroku.Quantity("shop", "worker"), 0);
  std::vector<std::string> lines;
  for (const HerokuWrite& write : heroku.writes()) lines.push_back(Describe(write));
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "2026-01-01T00:00:00Z ops shop/web 2 -> 5: 422 cannot_update_above_limit",
                       "2026-01-01T00:00:00Z ops shop/worker 1 -> 2: 422 cannot_update_above_limit",
                       "2026-01-01T00:00:00Z ops shop/web 2 -> 5",
                       "2026-01-01T00:00:00Z ops shop/worker 1 -> 0",
                   }));
}

TEST_F(HerokuTest, PeopleScaleToo) {
  std::vector<std::string> seen;
  heroku.OnWrite([&](const HerokuWrite& write) { seen.push_back(absl::StrCat(write.who, " ", write.to)); });
  EXPECT_TRUE(heroku.HumanScales("shop", "web", 4));
  EXPECT_FALSE(heroku.HumanScales("shop", "worker", 2)) << "limits hold for everybody";
  EXPECT_EQ(heroku.Quantity("shop", "worker"), 1);
  EXPECT_EQ(seen, (std::vector<std::string>{"human 4", "human 2"}));
}

TEST_F(HerokuTest, SaysWhoSendsASize) {
  Do({.method = "PATCH", .path = "/apps/shop/formation/web", .body = R"({"quantity":2,"size":"standard-2x"})"});
  ASSERT_EQ(heroku.writes().size(), 1u);
  EXPECT_TRUE(heroku.writes()[0].size_sent);
  EXPECT_EQ(codec::StringOr(Do({.path = "/apps/shop/formation/web"}).body, {"size"}, ""), "Standard-2X");
  EXPECT_EQ(heroku.Up("shop", "web"), 0) << "a new size restarts the dynos";
}

TEST_F(HerokuTest, ListsDynosThroughTheirLives) {
  const auto states = [this] {
    std::map<std::string, std::string> states;
    for (const auto& dyno : Do({.path = "/apps/shop/dynos"}).body) {
      if (codec::StringOr(dyno, {"type"}, "") != "web") continue;
      states[codec::StringOr(dyno, {"name"}, "")] = codec::StringOr(dyno, {"state"}, "");
    }
    return states;
  };
  using States = std::map<std::string, std::string>;
  heroku.HumanScales("shop", "web", 3);
  EXPECT_EQ(states(), (States{{"web.1", "up"}, {"web.2", "up"}, {"web.3", "starting"}}));
  loop.RunFor(absl::Seconds(9));
  heroku.Crash("shop", "web");
  EXPECT_EQ(states(), (States{{"web.1", "up"}, {"web.2", "up"}, {"web.3", "crashed"}}));
  loop.RunFor(absl::Seconds(10));
  EXPECT_EQ(states().at("web.3"), "starting");
  loop.RunFor(absl::Seconds(9));
  EXPECT_EQ(states().at("web.3"), "up");
  heroku.SetAsleep("shop", "web", true);
  EXPECT_EQ(states().at("web.1"), "idle");
  heroku.SetAsleep("shop", "web", false);
  heroku.SetBootFails("shop", "web", true);
  EXPECT_EQ(heroku.Up("shop", "web"), 0);
  EXPECT_EQ(states().at("web.1"), "crashed");
}

TEST_F(HerokuTest, ADynoThatIsToldToStopIsListedUntilItExits) {
  SimulatedHeroku slow(loop, {.stop_min = absl::Seconds(20), .stop_max = absl::Seconds(20)});
  slow.AddAccount("ops", "key");
  slow.AddApp("shop", kUuid, "web", 3);
  http::Loopback to(loop, slow);
  slow.HumanScales("shop", "web", 1);
  const auto listed = [&] { return loop.Run(Send(to, {.path = "/apps/shop/dynos"})).body.size(); };
  EXPECT_EQ(slow.Quantity("shop", "web"), 1);
  EXPECT_EQ(slow.Up("shop", "web"), 1) << "the router sends it nothing any more";
  loop.RunFor(absl::Seconds(19));
  EXPECT_EQ(listed(), 3u);
  slow.HumanScales("shop", "web", 2);
  EXPECT_EQ(listed(), 4u) << "a new web.2 beside the old one";
  loop.RunFor(absl::Seconds(1));
  EXPECT_EQ(listed(), 2u);
}

TEST_F(HerokuTest, KnowsItsDynoSizes) {
  const Told told = Do({.path = "/dyno-sizes"});
  ASSERT_EQ(told.status, 200);
  ASSERT_EQ(told.body.size(), DynoSizes().size());
  EXPECT_EQ(codec::StringOr(told.body.at(0), {"name"}, ""), "Eco");
}

TEST_F(HerokuTest, FindsARenamedAppByItsUuidOnly) {
  heroku.Rename("shop", "store");
  EXPECT_EQ(Do({.path = "/apps/shop"}).status, 404);
  EXPECT_EQ(codec::StringOr(Do({.path = absl::StrCat("/apps/", kUuid)}).body, {"name"}, ""), "store");
  heroku.RemoveApp("store");
  EXPECT_EQ(Do({.path = absl::StrCat("/apps/", kUuid)}).status, 404);
}

async::Task<void> ScaleAFew(http::Transport& transport, async::Loop& loop) {
  for (int i = 0; i < 20; ++i) {
    (void)co_await async::Sleep(absl::Seconds(3) * loop.random().Unit());
    const std::string body = absl::StrCat("{\"quantity\":", loop.random().Below(120), "}");
    (void)co_await Send(transport, {.method = "PATCH", .path = "/apps/shop/formation/web", .body = body});
  }
}

// The journal and the dynos of a world in which three clients scale at the same time.
std::string Trace(uint64_t seed) {
  async::SimulatedLoop loop(seed);
  SimulatedHeroku heroku(loop);
  heroku.AddAccount("ops", "key");
  heroku.AddApp("shop", kUuid, "web", 2);
  http::Loopback transport(loop, heroku);
  async::Scope scope(loop);
  for (int i = 0; i < 3; ++i) scope.Spawn(ScaleAFew(transport, loop));
  loop.RunFor(absl::Minutes(5));
  std::string trace;
  for (const HerokuWrite& write : heroku.writes()) absl::StrAppend(&trace, Describe(write), "\n");
  return trace + loop.Run(Send(transport, {.path = "/apps/shop/dynos"})).body.dump();
}

TEST(HerokuWorlds, ASeedIsAWorld) {
  std::set<std::string> traces;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const std::string trace = Trace(seed);
    EXPECT_EQ(trace, Trace(seed)) << seed;
    traces.insert(trace);
  }
  EXPECT_EQ(traces.size(), 20u);
}

}  // namespace
}  // namespace ottoscale::simulation
