// The provider against scripted answers: each row of the error table on reads and writes, and what it must never do.
#include "pkg/providers/heroku/heroku.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"
#include "test/contracts/driven_target.h"

namespace ottoscale::heroku {
namespace {

using decision::Applied;
using decision::Refused;
using decision::TargetFailure;
using decision::TargetFault;
using decision::TargetState;
using decision::Unknown;
using decision::WriteResult;
using http::Failure;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kKey[] = "canary-7f3c9a";
constexpr char kId[] = "01234567-89ab-cdef-0123-456789abcdef";

// An answer, or no answer.
struct Reply {
  int status = 200;
  std::string body;
  http::Headers headers;
  std::optional<http::FailureDetail> failure;
  bool cut = false;  // the body breaks off
};

class CutOff final : public http::BodySource {
 public:
  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    co_return http::MakeFailure({Failure::kDisconnected, true}, "closed");
  }
};

// Answers by "METHOD path"; several replies to one are given in turn, the last one for ever.
class Script final : public http::Transport {
 public:
  async::Task<absl::StatusOr<http::Response>> Send(http::Request request, async::BootTime) override {
    const auto url = http::ParseUrl(request.url);
    const std::string key = absl::StrCat(request.method, " ", url->path);
    requests.push_back(std::move(request));
    std::deque<Reply>& queue = replies[key];
    if (queue.empty()) {
      ADD_FAILURE() << "not in the script: " << key;
      co_return http::MakeFailure({Failure::kConnect, false}, "not in the script");
    }
    const Reply reply = queue.front();
    if (queue.size() > 1) queue.pop_front();
    if (reply.failure) co_return http::MakeFailure(*reply.failure, absl::StrCat("transport says ", kKey));
    http::Response response{.status = reply.status, .headers = reply.headers, .body = reply.body};
    if (reply.cut) response.body = http::Body(std::make_unique<CutOff>());
    co_return std::move(response);
  }

  std::vector<std::string> Lines() const {
    std::vector<std::string> out;
    for (const http::Request& request : requests) {
      out.push_back(
          absl::StrCat(request.method, " ", request.url.substr(std::string("https://api.heroku.com").size())));
    }
    return out;
  }

  std::map<std::string, std::deque<Reply>> replies;
  std::vector<http::Request> requests;
};

std::string App(const std::string& id, const std::string& name, bool maintenance = false) {
  return absl::StrCat(R"({"id":")", id, R"(","name":")", name, R"(","maintenance":)", maintenance ? "true" : "false",
                      "}");
}
std::string Quantity(int n) {
  return absl::StrCat(R"({"id":"f","type":"web","size":"Standard-1X","quantity":)", n, "}");
}
std::string Dynos(const std::vector<std::pair<std::string, std::string>>& dynos) {
  std::string out;
  for (const auto& [type, state] : dynos) {
    absl::StrAppend(&out, out.empty() ? "" : ",", R"({"id":"d","type":")", type, R"(","state":")", state, R"("})");
  }
  return absl::StrCat("[", out, "]");
}
std::string Error(const std::string& id, const std::string& message) {
  return absl::StrCat(R"({"id":")", id, R"(","message":")", message, R"("})");
}

const std::string kAppPath = absl::StrCat("/apps/", kId);
const std::string kWeb = kAppPath + "/formation/web";
const std::string kDynos = kAppPath + "/dynos";

struct World {
  World() {
    script.replies["GET /apps/shop"] = {{.body = App(kId, "shop"), .headers = {{"ETag", "\"v1\""}}}};
    script.replies["GET " + kAppPath] = {{.status = 304}};
    script.replies["GET " + kWeb] = {{.body = Quantity(3)}};
    script.replies["GET " + kDynos] = {{.body = Dynos({{"web", "up"}, {"web", "starting"}, {"worker", "up"}})}};
    script.replies["PATCH " + kWeb] = {{.body = Quantity(5)}};
  }

  DrivenTarget Make(const std::string& fields = R"("app":"shop")") {
    const policy::ProviderConfig config = {
        .type = "HerokuFormation", .json = absl::StrCat("{", fields, "}"), .account = "heroku"};
    EXPECT_THAT(provider.check(config), IsEmpty());
    return {loop, provider.make(config, account), kKey};
  }

  async::SimulatedLoop loop{1};
  Script script;
  ports::Account account = {.name = "shop/heroku", .url = "https://api.heroku.com", .credential = Secret(kKey)};
  ports::TargetProvider provider =
      MakeHerokuProvider(loop, script, {.allowed_endpoints = {"http://127.0.0.1:5000/"}, .user_agent = "ottoscale/1"});
};

TEST(HerokuConfig, RefusesEveryMistakeAtOnce) {
  World world;
  const auto problems = [&](const std::string& json) {
    std::vector<std::string> out;
    for (const ports::ConfigProblem& p : world.provider.check({.type = "HerokuFormation", .json = json})) {
      out.push_back(absl::StrCat(p.path, ": ", p.message));
    }
    return out;
  };
  EXPECT_THAT(problems(R"({"accountRef":{"name":"heroku"},"app":"shop-1","processType":"wor_ker-2"})"), IsEmpty());
  EXPECT_THAT(problems(absl::StrCat(R"({"app":")", kId, R"("})")), IsEmpty());
  EXPECT_THAT(problems("{}"), ElementsAre("app: is required: the name or the UUID of a Heroku app"));
  EXPECT_THAT(problems(R"({"app":"../account","processtype":"web"})"),
              ElementsAre("app: must consist of letters, digits and '-', found '../account'",
                          "processtype: is an unknown field, did you mean `processType`?"));
  EXPECT_THAT(problems(R"({"app":7,"processType":"run"})"),
              ElementsAre("app: must be a string, found 7: quote it",
                          "processType: must be a type of the formation, found 'run': one-off dynos"));
  EXPECT_EQ(problems("{").size(), 1u);
}

TEST(HerokuRead, TellsWhatTheCloudTells) {
  World world;
  const auto target = world.Make();
  const TargetState expected = {.uid = absl::StrCat(kId, "/web"),
                                .display = "heroku/shop/web",
                                .unit = "dynos",
                                .desired = 3,
                                .ready = 1,
                                .read_at = world.loop.Now()};
  EXPECT_EQ(target.State(), expected);
  EXPECT_EQ(world.provider.type, "HerokuFormation");
  EXPECT_EQ(world.provider.account_type, "Heroku");
}

TEST(HerokuRead, LooksTheAppUpOnceAndThenUsesItsUuid) {
  World world;
  const auto target = world.Make();
  (void)target.State();
  (void)target.State();
  EXPECT_THAT(world.script.Lines(), ElementsAre("GET /apps/shop", "GET " + kWeb, "GET " + kDynos, "GET " + kAppPath,
                                                "GET " + kWeb, "GET " + kDynos));
  EXPECT_EQ(world.script.requests[3].headers.Get("If-None-Match"), "\"v1\"");
  EXPECT_FALSE(world.script.requests[4].headers.Get("If-None-Match").has_value()) << "the formation is never cached";
}

TEST(HerokuRead, SendsTheHeadersThatTheApiWants) {
  World world;
  const auto target = world.Make();
  (void)target.State();
  for (const http::Request& request : world.script.requests) {
    EXPECT_EQ(request.headers.Get("Accept"), "application/vnd.heroku+json; version=3");
    EXPECT_EQ(request.headers.Get("User-Agent"), "ottoscale/1");
    EXPECT_EQ(request.credential_scheme, "Bearer");
    ASSERT_TRUE(request.credential.has_value());
    EXPECT_EQ(request.credential->Reveal(), kKey);
    EXPECT_FALSE(request.at_most_once);
  }
}

TEST(HerokuRead, CountsWhatServes) {
  World world;
  const auto target = world.Make();
  world.script.replies["GET " + kDynos] = {{.body = Dynos({{"web", "up"},
                                                           {"web", "idle"},
                                                           {"web", "crashed"},
                                                           {"web", "down"},
                                                           {"web", "starting"},
                                                           {"web", "hibernating"},
                                                           {"run", "up"},
                                                           {"release", "up"},
                                                           {"web", "up"}})}};
  EXPECT_EQ(target.State().ready, 3);
}

TEST(HerokuRead, FollowsPages) {
  World world;
  const auto target = world.Make();
  const std::string page = Dynos({{"web", "up"}, {"web", "up"}});
  world.script.replies["GET " + kDynos] = {
      {.status = 206, .body = page, .headers = {{"Next-Range", "id ]d2..; max=1000;"}}},
      {.status = 206, .body = page, .headers = {{"Next-Range", "id ]d4..; max=1000;"}}},
      {.status = 200, .body = page}};
  EXPECT_EQ(target.State().ready, 6);
  EXPECT_EQ(world.script.requests[2].headers.Get("Range"), "id ..; max=1000;");
  EXPECT_EQ(world.script.requests[3].headers.Get("Range"), "id ]d2..; max=1000;");
  EXPECT_EQ(world.script.requests[4].headers.Get("Range"), "id ]d4..; max=1000;");
}

TEST(HerokuRead, StartsAListingAnewOnceWhenItsRangeIsRefused) {
  const std::string page = Dynos({{"web", "up"}});
  const Reply refused = {.status = 416, .body = Error("requested_range_not_satisfiable", "m")};
  const Reply first = {.status = 206, .body = page, .headers = {{"Next-Range", "id ]d2..; max=1000;"}}};
  World world;
  const auto target = world.Make();
  world.script.replies["GET " + kDynos] = {first, refused, {.body = page}};
  EXPECT_EQ(target.State().ready, 1);
  EXPECT_FALSE(world.script.requests.back().headers.Get("Range").has_value());
  world.script.replies["GET " + kDynos] = {first, refused};
  EXPECT_EQ(target.Failure().fault, TargetFault::kInvalidAnswer);
}

TEST(HerokuRead, DoesNotGoRoundInPages) {
  for (const http::Headers& headers :
       {http::Headers{}, http::Headers{{"Next-Range", "id ..; max=1000;"}}, http::Headers{{"Next-Range", "id \x01"}}}) {
    World world;
    const auto target = world.Make();
    world.script.replies["GET " + kDynos] = {{.status = 206, .body = "[]", .headers = headers}};
    const TargetFailure failure = target.Failure();
    EXPECT_EQ(failure.fault, TargetFault::kInvalidAnswer);
    EXPECT_THAT(failure.message, HasSubstr("`Next-Range` does not lead on"));
    EXPECT_EQ(world.script.requests.size(), 3u);
  }
}

TEST(HerokuRead, IsOffInMaintenanceUntilItEnds) {
  World world;
  const auto target = world.Make();
  world.script.replies["GET /apps/shop"] = {{.body = App(kId, "shop", true), .headers = {{"ETag", "\"m\""}}}};
  TargetState state = target.State();
  EXPECT_TRUE(state.off);
  EXPECT_EQ(state.off_reason, "app 'shop' is in maintenance");
  EXPECT_TRUE(target.State().off) << "304: as before";
  world.script.replies["GET " + kAppPath] = {{.body = App(kId, "shop")}};
  state = target.State();
  EXPECT_FALSE(state.off);
  EXPECT_EQ(state.off_reason, "");
}

TEST(HerokuRead, StaysWithARenamedApp) {
  World world;
  const auto target = world.Make();
  (void)target.State();
  world.script.replies["GET " + kAppPath] = {{.body = App(kId, "store")}};
  const TargetState state = target.State();
  EXPECT_EQ(state.uid, absl::StrCat(kId, "/web"));
  EXPECT_EQ(state.display, "heroku/store/web");
}

TEST(HerokuRead, NoticesAnotherAppUnderTheName) {
  World world;
  const auto target = world.Make();
  (void)target.State();
  world.script.replies["GET " + kAppPath] = {{.status = 404, .body = Error("not_found", "Couldn't find that app.")}};
  world.script.replies["GET /apps/shop"] = {{.body = App("new-id", "shop")}};
  world.script.replies["GET /apps/new-id/formation/web"] = {{.body = Quantity(1)}};
  world.script.replies["GET /apps/new-id/dynos"] = {{.body = "[]"}};
  const TargetState state = target.State();
  EXPECT_EQ(state.uid, "new-id/web");
  EXPECT_EQ(state.desired, 1);
}

TEST(HerokuRead, SaysThatAnAppIsGoneAndWritesNothingThen) {
  World world;
  const auto target = world.Make();
  (void)target.State();
  world.script.replies["GET " + kAppPath] = {{.status = 404, .body = Error("not_found", "Couldn't find that app.")}};
  world.script.replies["GET /apps/shop"] = {{.status = 404, .body = Error("not_found", "Couldn't find that app.")}};
  const TargetFailure failure = target.Failure();
  EXPECT_EQ(failure.fault, TargetFault::kTargetNotFound);
  EXPECT_EQ(
      failure.message,
      "read app 'shop' with CloudAccount 'shop/heroku': 404 not_found: Couldn't find that app: no such app, or the "
      "owner of the key may not see it: correct `spec.target.herokuFormation.app`");
  const size_t before = world.script.requests.size();
  EXPECT_EQ(target.Refusal(2).kind, Refused::Kind::kBusy);
  EXPECT_EQ(world.script.requests.size(), before);
}

TEST(HerokuRead, NamesTheProcessTypesThatTheAppHas) {
  World world;
  const auto target = world.Make(R"("app":"shop","processType":"wbe")");
  world.script.replies["GET " + kAppPath + "/formation/wbe"] = {{.status = 404, .body = Error("not_found", "no")}};
  world.script.replies["GET " + kAppPath + "/formation"] = {{.body = R"([{"type":"worker"},{"type":"web"}])"},
                                                            {.body = "[]"}};
  const TargetFailure expected = {.fault = TargetFault::kTargetNotFound,
                                  .reason = "ProcessTypeNotFound",
                                  .message =
                                      "app 'shop' has no process type 'wbe' (it has 'web' and 'worker'): set "
                                      "spec.target.herokuFormation.processType"};
  EXPECT_EQ(target.Failure(), expected);
  EXPECT_EQ(target.Failure().message,
            "app 'shop' has no process type 'wbe' (it has none: is it deployed?): set "
            "spec.target.herokuFormation.processType");
}

struct StatusRow {
  Reply reply;
  TargetFault read;
  std::optional<Refused::Kind> write;  // nullopt: Unknown
  const char* says;
};

const StatusRow kStatusRows[] = {
    {{.status = 400, .body = Error("bad_request", "m")},
     TargetFault::kConfigInvalid,
     Refused::Kind::kInvalid,
     "400 bad_request: m: Heroku did not understand"},
    {{.status = 401, .body = Error("unauthorized", "m")},
     TargetFault::kCredentialsInvalid,
     Refused::Kind::kCredentials,
     "401 unauthorized: m: the API key is wrong or was revoked"},
    {{.status = 402, .body = Error("delinquent", "m")},
     TargetFault::kForbidden,
     Refused::Kind::kCredentials,
     "402 delinquent: m: a bill"},
    {{.status = 403, .body = Error("forbidden", "m")},
     TargetFault::kForbidden,
     Refused::Kind::kCredentials,
     "403 forbidden: m: the API key may not do this"},
    {{.status = 403, .body = Error("suspended", "m")},
     TargetFault::kForbidden,
     Refused::Kind::kCredentials,
     "403 suspended: m: the Heroku account or the app is suspended"},
    {{.status = 403, .body = Error("two_factor", "m")},
     TargetFault::kForbidden,
     Refused::Kind::kCredentials,
     "403 two_factor: m: this needs a second factor"},
    {{.status = 404, .body = Error("not_found", "m")},
     TargetFault::kTargetNotFound,
     Refused::Kind::kNotFound,
     "404 not_found: m"},
    {{.status = 406, .body = Error("not_acceptable", "m")},
     TargetFault::kConfigInvalid,
     Refused::Kind::kInvalid,
     "406 not_acceptable: m: this API"},
    {{.status = 408}, TargetFault::kUnavailable, std::nullopt, "408"},
    {{.status = 409, .body = Error("conflict", "m")},
     TargetFault::kUnavailable,
     Refused::Kind::kBusy,
     "409 conflict: m: something else is changing"},
    {{.status = 410, .body = Error("gone", "m")},
     TargetFault::kTargetNotFound,
     Refused::Kind::kNotFound,
     "410 gone: m"},
    {{.status = 416, .body = Error("requested_range_not_satisfiable", "m")},
     TargetFault::kInvalidAnswer,
     Refused::Kind::kInvalid,
     "416 requested_range"},
    {{.status = 418}, TargetFault::kInvalidAnswer, Refused::Kind::kInvalid, "418"},
    {{.status = 422, .body = Error("invalid_params", "m")},
     TargetFault::kConfigInvalid,
     Refused::Kind::kInvalid,
     "422 invalid_params: m"},
    {{.status = 422, .body = Error("verification_needed", "m")},
     TargetFault::kConfigInvalid,
     Refused::Kind::kInvalid,
     "422 verification_needed: m: the Heroku account needs"},
    {{.status = 422, .body = "<html>", .cut = true}, TargetFault::kConfigInvalid, Refused::Kind::kInvalid, "422"},
    {{.status = 429, .body = Error("rate_limit", "m")},
     TargetFault::kRateLimited,
     Refused::Kind::kRateLimited,
     "429 rate_limit: m: too many requests"},
    {{.status = 500, .body = "<html>oops</html>"}, TargetFault::kUnavailable, std::nullopt, "500: Heroku has trouble"},
    {{.status = 503, .body = Error("maintenance", "m")}, TargetFault::kUnavailable, std::nullopt, "503 maintenance: m"},
    {{.status = 301, .headers = {{"Location", "https://evil.example/"}}},
     TargetFault::kInvalidAnswer,
     std::nullopt,
     "301: is this Heroku's API?"},
    {{.status = 304}, TargetFault::kInvalidAnswer, std::nullopt, "304"},
    {{.status = 200, .body = "<html>login</html>"},
     TargetFault::kInvalidAnswer,
     std::nullopt,
     "200: the answer is not JSON"},
    {{.status = 200, .body = ""}, TargetFault::kInvalidAnswer, std::nullopt, "200: the answer is not JSON"},
    {{.status = 200, .body = "[]"}, TargetFault::kInvalidAnswer, std::nullopt, "200: the answer is not a formation"},
    {{.status = 200, .body = R"({"type":"web"})"},
     TargetFault::kInvalidAnswer,
     std::nullopt,
     "200: `quantity` is missing"},
    {{.status = 200, .body = R"({"type":"web","quantity":"+1"})"},
     TargetFault::kInvalidAnswer,
     std::nullopt,
     "200: `quantity` must be"},
    {{.status = 200, .body = R"({"type":"web","quantity":1.5})"},
     TargetFault::kInvalidAnswer,
     std::nullopt,
     "200: `quantity` must be"},
    {{.status = 200, .body = R"({"type":"web","quantity":-1})"},
     TargetFault::kInvalidAnswer,
     std::nullopt,
     "200: `quantity` must be"},
    {{.status = 200, .body = R"({"type":"web","quantity":4294967297})"},
     TargetFault::kInvalidAnswer,
     std::nullopt,
     "200: `quantity` must be"},
    {{.status = 200, .body = R"({"type":"web","quantity":null})"},
     TargetFault::kInvalidAnswer,
     std::nullopt,
     "200: `quantity` is missing"},
    {{.status = 200, .body = R"({"type":"worker","quantity":1})"},
     TargetFault::kInvalidAnswer,
     std::nullopt,
     "200: the answer is about another"},
    {{.status = 200, .body = R"({"quantity":1,"quantity":2})"},
     TargetFault::kInvalidAnswer,
     std::nullopt,
     "200: the answer is not JSON"},
    {{.status = 200, .cut = true}, TargetFault::kInvalidAnswer, std::nullopt, "200: the answer broke off"},
    {{.failure = {{Failure::kResolve, false}}},
     TargetFault::kUnavailable,
     Refused::Kind::kBusy,
     "no answer from https://api.heroku.com"},
    {{.failure = {{Failure::kConnect, false}}}, TargetFault::kUnavailable, Refused::Kind::kBusy, "no answer from"},
    {{.failure = {{Failure::kTls, false}}}, TargetFault::kUnavailable, Refused::Kind::kBusy, "no answer from"},
    {{.failure = {{Failure::kLocalLimit, false}}}, TargetFault::kUnavailable, Refused::Kind::kBusy, "no answer from"},
    {{.failure = {{Failure::kTimeout, false}}}, TargetFault::kUnavailable, Refused::Kind::kBusy, "no answer from"},
    {{.failure = {{Failure::kTimeout, true}}}, TargetFault::kUnavailable, std::nullopt, "no answer from"},
    {{.failure = {{Failure::kCancelled, true}}}, TargetFault::kUnavailable, std::nullopt, "no answer from"},
    {{.failure = {{Failure::kDisconnected, true}}}, TargetFault::kUnavailable, std::nullopt, "no answer from"},
    {{.failure = {{Failure::kProtocol, true}}}, TargetFault::kInvalidAnswer, std::nullopt, "no answer from"},
    {{.failure = {{Failure::kBodyTooLarge, true}}}, TargetFault::kInvalidAnswer, std::nullopt, "no answer from"},
    {{.failure = {{Failure::kInvalidRequest, false}}},
     TargetFault::kConfigInvalid,
     Refused::Kind::kInvalid,
     "no answer from"},
};

std::string Name(const StatusRow& row) { return absl::StrCat(row.reply.status, " ", row.reply.body, " ", row.says); }

TEST(HerokuRead, ClassifiesEachAnswer) {
  for (const StatusRow& row : kStatusRows) {
    if (row.reply.status == 404) continue;  // of a formation it means: no such process type
    SCOPED_TRACE(Name(row));
    World world;
    const auto target = world.Make();
    world.script.replies["GET " + kWeb] = {row.reply};
    const TargetFailure failure = target.Failure();
    EXPECT_EQ(failure.fault, row.read) << failure.message;
    EXPECT_THAT(failure.message, HasSubstr(row.says));
    EXPECT_THAT(failure.message, StartsWith("read formation 'web' of app 'shop' with CloudAccount 'shop/heroku': "));
    EXPECT_EQ(failure.retry_at.has_value(), row.reply.status == 429 && !row.reply.failure);
  }
}

TEST(HerokuRead, ClassifiesEachAnswerAboutTheApp) {
  for (const StatusRow& row : kStatusRows) {
    if (row.reply.status == 200 && !row.reply.failure) continue;
    SCOPED_TRACE(Name(row));
    World world;
    const auto target = world.Make();
    world.script.replies["GET /apps/shop"] = {row.reply};
    EXPECT_EQ(target.Failure().fault, row.read);
    EXPECT_EQ(world.script.requests.size(), 1u) << "nothing is asked after a failure";
  }
}

TEST(HerokuRead, RefusesWhatIsNoAppAndNoListOfDynos) {
  for (const char* body : {"[]", "{}", "null", "7", R"({"id":"../x","name":"shop"})", R"({"id":7,"name":"shop"})"}) {
    World world;
    const auto target = world.Make();
    world.script.replies["GET /apps/shop"] = {{.body = body}};
    EXPECT_EQ(target.Failure().fault, TargetFault::kInvalidAnswer) << body;
  }
  for (const char* body : {"{}", "[7]", R"([{"type":"web"}])", R"([{"type":"web","state":7}])"}) {
    World world;
    const auto target = world.Make();
    world.script.replies["GET " + kDynos] = {{.body = body}};
    EXPECT_EQ(target.Failure().fault, TargetFault::kInvalidAnswer) << body;
  }
}

TEST(HerokuWrite, SendsOneAbsoluteQuantityAtMostOnce) {
  World world;
  const auto target = world.Make();
  (void)target.State();
  world.script.requests.clear();
  EXPECT_EQ(target.Set(5), WriteResult(Applied{5}));
  ASSERT_EQ(world.script.requests.size(), 1u);
  const http::Request& request = world.script.requests[0];
  EXPECT_EQ(request.method, "PATCH");
  EXPECT_EQ(request.url, "https://api.heroku.com" + kWeb);
  EXPECT_EQ(request.body, R"({"quantity":5})");
  EXPECT_EQ(request.headers.Get("Content-Type"), "application/json");
  EXPECT_TRUE(request.at_most_once);
}

TEST(HerokuWrite, TakesTheQuantityThatTheCloudAnswers) {
  World world;
  const auto target = world.Make();
  (void)target.State();
  world.script.replies["PATCH " + kWeb] = {{.body = Quantity(4)}};
  EXPECT_EQ(target.Set(5), WriteResult(Applied{4}));
  world.script.replies["PATCH " + kWeb] = {{.body = Quantity(0)}};
  EXPECT_EQ(target.Set(0), WriteResult(Applied{0}));
}

TEST(HerokuWrite, ClassifiesEachAnswerAndNeverRepeats) {
  for (const StatusRow& row : kStatusRows) {
    SCOPED_TRACE(Name(row));
    World world;
    const auto target = world.Make();
    (void)target.State();
    world.script.requests.clear();
    world.script.replies["PATCH " + kWeb] = {row.reply};
    const WriteResult result = target.Set(5);
    EXPECT_EQ(world.script.requests.size(), 1u);
    std::string message;
    if (row.write) {
      ASSERT_TRUE(std::holds_alternative<Refused>(result));
      const Refused& refused = std::get<Refused>(result);
      message = refused.message;
      EXPECT_EQ(refused.kind, *row.write);
      EXPECT_EQ(refused.ceiling, std::nullopt);
      EXPECT_EQ(refused.retry_at.has_value(), row.write == Refused::Kind::kRateLimited);
    } else {
      ASSERT_TRUE(std::holds_alternative<Unknown>(result));
      message = std::get<Unknown>(result).message;
    }
    EXPECT_THAT(message, HasSubstr(row.says));
    EXPECT_THAT(message, StartsWith("set 'web' of app 'shop' to 5 with CloudAccount 'shop/heroku': "));
    EXPECT_THAT(message, Not(HasSubstr(kKey)));
  }
}

TEST(HerokuWrite, LearnsACeilingFromARefusal) {
  struct Row {
    const char* limit;
    std::optional<int> ceiling;
  };
  // 3 dynos stand, 5 were asked for: a limit of 100 can only be the whole app's, so 3 is all there is.
  const Row rows[] = {{R"("limit":1,)", 1},
                      {R"("limit":4,)", 4},
                      {R"("limit":100,)", 3},
                      {R"("limit":0,)", 0},
                      {"", std::nullopt},
                      {R"("limit":-1,)", std::nullopt},
                      {R"("limit":"4",)", std::nullopt}};
  for (const Row& row : rows) {
    World world;
    const auto target = world.Make();
    (void)target.State();
    world.script.replies["PATCH " + kWeb] = {
        {.status = 422,
         .body = absl::StrCat("{", row.limit, R"("id":"cannot_update_above_limit","message":"Cannot update."})")}};
    const WriteResult result = target.Set(5);
    ASSERT_TRUE(std::holds_alternative<Refused>(result));
    const Refused expected = {
        .kind = Refused::Kind::kLimit,
        .message =
            "set 'web' of app 'shop' to 5 with CloudAccount 'shop/heroku': 422 cannot_update_above_limit: Cannot "
            "update: choose a dyno size that allows more, or lower maxCapacity",
        .ceiling = row.ceiling};
    EXPECT_EQ(std::get<Refused>(result), expected) << row.limit;
  }
}

TEST(HerokuWrite, IsRefusedBeforeTheFirstReading) {
  World world;
  const auto target = world.Make();
  EXPECT_EQ(target.Refusal(5).kind, Refused::Kind::kBusy);
  EXPECT_THAT(world.script.requests, IsEmpty());
}

TEST(HerokuMessages, AreShortPrintableAndNameTheRequestButNoKey) {
  World world;
  const auto target = world.Make();
  world.script.replies["GET " + kWeb] = {{.status = 403,
                                          .body = absl::StrCat(R"({"id":"forbidden","message":"key )", kKey,
                                                               R"( \u0007)", std::string(5000, 'x'), R"("})"),
                                          .headers = {{"Request-Id", absl::StrCat("req-1,", kKey)}}}};
  const TargetFailure failure = target.Failure();
  EXPECT_THAT(failure.message, HasSubstr("key [key] ?xxx"));
  EXPECT_THAT(failure.message, HasSubstr(" (Request-Id req-1,[key])"));
  EXPECT_LT(failure.message.size(), 600u);
}

TEST(HerokuAccount, GoesOnlyToEndpointsThatAreAllowed) {
  struct Row {
    const char* url;
    bool allowed;
  };
  const Row rows[] = {
      {"https://api.heroku.com", true},
      {"https://API.heroku.com:443/", true},
      {"http://127.0.0.1:5000", true},
      {"http://api.heroku.com", false},
      {"https://api.heroku.com:8443", false},
      {"https://api.heroku.com.evil.example", false},
      {"http://127.0.0.1:5001", false},
      {"https://127.0.0.1:5000", false},
      {"https://api.heroku.com/?x", false},
      {"https://x@api.heroku.com", false},
      {"", false},
  };
  for (const Row& row : rows) {
    World world;
    world.account.url = row.url;
    const auto target = world.Make();
    if (row.allowed) {
      EXPECT_TRUE(std::holds_alternative<TargetState>(target.Read())) << row.url;
      continue;
    }
    EXPECT_EQ(target.Failure().fault, TargetFault::kConfigInvalid) << row.url;
    (void)target.Refusal(2);
    EXPECT_THAT(world.script.requests, IsEmpty()) << row.url;
  }
  World world;
  world.account.url = "https://evil.example/v3";
  const auto target = world.Make();
  EXPECT_EQ(
      target.Failure().message,
      "CloudAccount 'shop/heroku': the endpoint https://evil.example is not allowed, only https://api.heroku.com is: "
      "an administrator can allow it with --allow-endpoint https://evil.example");
}

TEST(HerokuAccount, SendsNothingWithAKeyThatCannotBeOne) {
  for (const char* key : {"", "abc\n", "a b", "abc\r\nX: y", "schl\xC3\xBCssel"}) {
    World world;
    world.account.credential = Secret(key);
    const auto target = world.Make();
    const TargetFailure failure = target.Failure();
    EXPECT_EQ(failure.fault, TargetFault::kCredentialsInvalid);
    EXPECT_EQ(
        failure.message,
        "CloudAccount 'shop/heroku': the API key is empty or has a blank, a line break or another character that no "
        "key has: put the key alone into the Secret. Nothing was sent");
    EXPECT_EQ(target.Refusal(2).kind, Refused::Kind::kCredentials);
    EXPECT_THAT(world.script.requests, IsEmpty());
  }
}

TEST(HerokuBudget, ShedsReadsBeforeWritesWhenLittleIsLeft) {
  World world;
  const auto target = world.Make();
  world.script.replies["GET " + kWeb] = {{.body = Quantity(3), .headers = {{"RateLimit-Remaining", "4500"}}}};
  world.script.replies["GET " + kDynos] = {{.body = "[]", .headers = {{"RateLimit-Remaining", "400"}}}};
  (void)target.State();
  const size_t before = world.script.requests.size();
  const TargetFailure failure = target.Failure();
  EXPECT_EQ(failure.fault, TargetFault::kRateLimited);
  EXPECT_EQ(
      failure.message,
      "reads of CloudAccount 'shop/heroku' wait: Heroku has 400 requests left for this account, which it shares with "
      "everything that uses it");
  EXPECT_EQ(failure.retry_at, world.loop.Now().boot + absl::Seconds(40));
  EXPECT_EQ(world.script.requests.size(), before) << "nothing was sent";
  EXPECT_EQ(target.Set(5), WriteResult(Applied{5}));
}

TEST(HerokuBudget, IsSharedByTheTargetsOfOneCredential) {
  World world;
  const auto first = world.Make();
  const auto second = world.Make();
  world.account.credential = Secret("another-key");
  const auto stranger = world.Make();
  world.script.replies["GET " + kWeb] = {{.status = 429, .body = Error("rate_limit", "m")}, {.body = Quantity(3)}};
  const TargetFailure limited = first.Failure();
  EXPECT_EQ(limited.fault, TargetFault::kRateLimited);
  ASSERT_TRUE(limited.retry_at.has_value());
  EXPECT_GE(*limited.retry_at - world.loop.Now().boot, absl::Seconds(5));
  EXPECT_EQ(second.Failure().retry_at, limited.retry_at);
  (void)stranger.State();
  world.loop.RunUntil(*limited.retry_at);
  (void)second.State();
}

TEST(HerokuBudget, IsToldToWhoeverWatchesTheAccount) {
  World world;
  const auto target = world.Make();
  const auto other = world.Make();
  EXPECT_EQ(target->Quota(), std::nullopt) << "Heroku has not said anything yet";
  world.script.replies["GET " + kWeb] = {{.body = Quantity(3), .headers = {{"RateLimit-Remaining", "4500"}}}};
  world.script.replies["GET " + kDynos] = {{.body = "[]", .headers = {{"RateLimit-Remaining", "4400"}}}};
  (void)target.State();
  EXPECT_EQ(target->Quota(), (ports::RequestQuota{.remaining = 4400, .limit = 4500}));
  EXPECT_EQ(other->Quota(), target->Quota()) << "it is the account's";
  world.account.credential = Secret("another-key");
  EXPECT_EQ(world.Make()->Quota(), std::nullopt);
}

TEST(HerokuBudget, IgnoresARemainderThatIsNoNumber) {
  World world;
  const auto target = world.Make();
  for (const char* value : {"", "-5", "many", "99999999999999999999"}) {
    world.script.replies["GET " + kWeb] = {{.body = Quantity(3), .headers = {{"RateLimit-Remaining", value}}}};
    (void)target.State();
  }
}

}  // namespace
}  // namespace ottoscale::heroku
