#include "pkg/providers/heartbeat/heartbeat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "pkg/async/scope.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"
#include "pkg/providers/heartbeat/outcome.h"

namespace ottoscale::heartbeat {
namespace {

using decision::MissingReason;
using decision::Sample;
using decision::SampleState;
using http::Failure;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kNever = absl::Hours(1);

// What the other side does with one request.
struct Script {
  absl::Duration connect = absl::Milliseconds(40);
  absl::Duration answer = absl::Milliseconds(120);  // from the request sent to the end of the answer
  std::optional<Failure> failure;                   // instead of an answer
  bool sent = true;                                 // whether `failure` comes after the request was sent
  const char* said = "";                            // the transport's words about it
  int status = 200;
  http::Headers headers;
  std::string body;
  std::optional<Failure> body_failure;  // the headers come, the body does not
  bool pulled = false;                  // the body is pulled and takes a further second
};

class Pulled final : public http::BodySource {
 public:
  explicit Pulled(std::optional<Failure> failure) : failure_(failure) {}
  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    if (failure_) co_return http::MakeFailure({*failure_, true}, "body");
    if (absl::Status status = co_await async::Sleep(absl::Seconds(1)); !status.ok()) co_return status;
    co_return std::nullopt;
  }

 private:
  std::optional<Failure> failure_;
};

class ScriptedTransport final : public http::Transport {
 public:
  explicit ScriptedTransport(async::Loop& loop) : loop_(loop) {}

  async::Task<absl::StatusOr<http::Response>> Send(http::Request request, async::BootTime deadline) override {
    requests.push_back(std::move(request));
    const bool connected = co_await WaitUntil(loop_.Now().boot + script.connect, deadline);
    if (!connected) co_return http::MakeFailure({Failure::kTimeout, false}, "deadline");
    if (script.failure && !script.sent) co_return http::MakeFailure({*script.failure, false}, script.said);
    const bool answered = co_await WaitUntil(loop_.Now().boot + script.answer, deadline);
    if (!answered && !script.body_failure) co_return http::MakeFailure({Failure::kTimeout, true}, "deadline");
    if (script.failure) co_return http::MakeFailure({*script.failure, true}, script.said);
    http::Response response{.status = script.status, .headers = script.headers, .body = script.body};
    if (script.body_failure || script.pulled) {
      response.body = http::Body(std::make_unique<Pulled>(script.body_failure));
    }
    response.times.sent = script.connect;
    if (!script.pulled) response.times.total = script.answer;
    co_return std::move(response);
  }

  Script script;
  std::vector<http::Request> requests;

 private:
  // False when the deadline comes first; then it is the deadline.
  async::Task<bool> WaitUntil(async::BootTime when, async::BootTime deadline) {
    (void)co_await async::SleepUntil(std::min(when, deadline));
    co_return when <= deadline;
  }
  async::Loop& loop_;
};

struct World {
  async::SimulatedLoop loop{1};
  ScriptedTransport transport{loop};

  Sample Read(const std::string& fields, absl::Duration pass = absl::Seconds(60)) {
    const auto provider = MakeHeartbeatProvider(loop, transport);
    const policy::ProviderConfig config = {
        .type = "HTTPHeartbeat", .json = absl::StrCat(R"({"url":"https://shop.example/h?token=s3cret")", fields, "}")};
    EXPECT_EQ(provider.type, "HTTPHeartbeat");
    EXPECT_THAT(provider.check(config), ::testing::IsEmpty());
    const auto source = provider.make(config);
    const Sample sample = loop.Run(source->Read(loop.Now().boot + pass));
    EXPECT_EQ(sample.measured_at, loop.Now());
    EXPECT_EQ(sample.unit, "ms");
    EXPECT_THAT(sample.message, Not(HasSubstr("s3cret")));
    return sample;
  }
};

struct Row {
  const char* name;
  Script script;
  const char* fields = "";
  SampleState state = SampleState::kMissing;
  double value = 0;
  MissingReason missing = MissingReason::kNone;
  const char* message = "";
  absl::Duration pass = absl::Seconds(60);
};

const Row kRows[] = {
    {.name = "in time", .script = {}, .state = SampleState::kValid, .value = 120},
    {.name = "exactly in time", .script = {.answer = absl::Seconds(10)}, .state = SampleState::kValid, .value = 10000},
    {.name = "in time after a slow connection",
     .script = {.connect = absl::Seconds(4), .answer = absl::Seconds(9)},
     .state = SampleState::kValid,
     .value = 9000},
    {.name = "with the body that is wanted",
     .script = {.body = "all ok here"},
     .fields = R"(,"bodyContains":"ok")",
     .state = SampleState::kValid,
     .value = 120},
    {.name = "a 503 that is expected",
     .script = {.status = 503},
     .fields = R"(,"expectedStatuses":["200-299","503"])",
     .state = SampleState::kValid,
     .value = 120},
    {.name = "a body that is pulled counts to its end",
     .script = {.pulled = true},
     .state = SampleState::kValid,
     .value = 1120},

    {.name = "hangs, Breach",
     .script = {.answer = kNever},
     .state = SampleState::kCensored,
     .value = 10000,
     .message = "no complete answer within 10000 ms, which counts as above 10000 ms"},
    {.name = "hangs, Hold",
     .script = {.answer = kNever},
     .fields = R"(,"onTimeout":"Hold","timeoutMilliseconds":1000)",
     .missing = MissingReason::kTimeout,
     .message = "no complete answer within 1000 ms"},
    {.name = "hangs after the headers",
     .script = {.answer = absl::Seconds(15), .body_failure = Failure::kTimeout},
     .state = SampleState::kCensored,
     .value = 10000,
     .message = "no complete answer within 10000 ms, which counts as above 10000 ms"},
    {.name = "late, Breach",
     .script = {.answer = absl::Microseconds(10'000'001)},
     .state = SampleState::kCensored,
     .value = 10000,
     .message = "the answer took 10001 ms, allowed are 10000 ms, which counts as above 10000 ms"},
    {.name = "late, Hold",
     .script = {.answer = absl::Milliseconds(1500)},
     .fields = R"(,"onTimeout":"Hold","timeoutMilliseconds":1000)",
     .missing = MissingReason::kTimeout,
     .message = "the answer took 1500 ms, allowed are 1000 ms"},
    {.name = "the pass ends first",
     .script = {.answer = kNever},
     .missing = MissingReason::kNotRead,
     .message = "the pass ended after 12000 ms, before there was an answer",
     .pass = absl::Seconds(12)},
    {.name = "the pass ends while connecting",
     .script = {.connect = kNever},
     .missing = MissingReason::kNotRead,
     .message = "the pass ended after 3000 ms, before there was an answer",
     .pass = absl::Seconds(3)},
    {.name = "cancelled",
     .script = {.failure = Failure::kCancelled},
     .missing = MissingReason::kNotRead,
     .message = "the reading was cancelled before there was an answer"},

    {.name = "503, Hold", .script = {.status = 503}, .missing = MissingReason::kServerError, .message = "answered 503"},
    {.name = "500, Breach",
     .script = {.status = 500},
     .fields = R"(,"onServerError":"Breach")",
     .state = SampleState::kCensored,
     .value = 10000,
     .message = "answered 500, which counts as above 10000 ms"},
    {.name = "503 that hangs is a 503",
     .script = {.status = 503, .body_failure = Failure::kTimeout},
     .missing = MissingReason::kServerError,
     .message = "answered 503"},

    {.name = "404",
     .script = {.status = 404},
     .missing = MissingReason::kUnexpectedAnswer,
     .message = "answered 404, expected 200-299"},
    {.name = "404 that hangs is a 404",
     .script = {.answer = absl::Seconds(15), .status = 404, .body_failure = Failure::kTimeout},
     .missing = MissingReason::kUnexpectedAnswer,
     .message = "answered 404, expected 200-299"},
    {.name = "200 that is not expected",
     .script = {},
     .fields = R"(,"expectedStatuses":["204"])",
     .missing = MissingReason::kUnexpectedAnswer,
     .message = "answered 200, expected 204"},
    {.name = "redirect",
     .script = {.status = 301, .headers = {{"Location", "https://other.example/login\x01?session=s3cret"}}},
     .missing = MissingReason::kUnexpectedAnswer,
     .message =
         "answered 301, which points to 'https://other.example/login?': redirects are not followed, set `url` to "
         "the final address"},
    {.name = "redirect to nowhere",
     .script = {.status = 302},
     .missing = MissingReason::kUnexpectedAnswer,
     .message =
         "answered 302 without saying where to look: redirects are not followed, set `url` to the final address"},
    {.name = "wrong body",
     .script = {.body = "s3cret"},
     .fields = R"(,"bodyContains":"ok")",
     .missing = MissingReason::kUnexpectedAnswer,
     .message = "answered 200, but the body does not contain the text of `bodyContains`"},
    {.name = "too large",
     .script = {.body = std::string(64 * 1024 + 1, 'x')},
     .missing = MissingReason::kUnexpectedAnswer,
     .message = "the answer is larger than 64 KiB"},
    {.name = "breaks off",
     .script = {.body_failure = Failure::kDisconnected},
     .missing = MissingReason::kUnexpectedAnswer,
     .message = "shop.example broke the connection before the answer was complete"},
    {.name = "hangs up without an answer",
     .script = {.failure = Failure::kDisconnected},
     .missing = MissingReason::kUnexpectedAnswer,
     .message = "shop.example broke the connection before the answer was complete"},
    {.name = "not HTTP",
     .script = {.failure = Failure::kProtocol, .said = "bad version"},
     .missing = MissingReason::kUnexpectedAnswer,
     .message = "shop.example did not answer with valid HTTP (bad version)"},

    {.name = "no connection in time",
     .script = {.connect = kNever},
     .fields = R"(,"timeoutMilliseconds":1000)",
     .missing = MissingReason::kProbeFailed,
     .message = "no connection to shop.example within 6000 ms"},
    {.name = "does not resolve",
     .script = {.failure = Failure::kResolve, .sent = false, .said = "Name or service not known"},
     .missing = MissingReason::kProbeFailed,
     .message = "the name shop.example does not resolve (Name or service not known): check `url`"},
    {.name = "refused",
     .script = {.failure = Failure::kConnect, .sent = false, .said = "Connection refused"},
     .missing = MissingReason::kProbeFailed,
     .message = "could not connect to shop.example (Connection refused)"},
    {.name = "TLS",
     .script = {.failure = Failure::kTls, .sent = false, .said = "certificate has expired"},
     .missing = MissingReason::kProbeFailed,
     .message = "TLS with shop.example failed (certificate has expired)"},
    {.name = "address denied",
     .script = {.failure = Failure::kAddressDenied, .sent = false, .said = "10.0.0.1 is private"},
     .missing = MissingReason::kProbeFailed,
     .message = "the address is not allowed (10.0.0.1 is private): an administrator can allow it with "
                "--probe-allow-cidr"},
    {.name = "own limits",
     .script = {.failure = Failure::kLocalLimit, .sent = false, .said = "too many open files"},
     .missing = MissingReason::kProbeFailed,
     .message = "a limit of our own was reached, nothing is known about shop.example (too many open files)"},
    {.name = "cannot be asked",
     .script = {.failure = Failure::kInvalidRequest, .sent = false, .said = "the URL is longer"},
     .missing = MissingReason::kProbeFailed,
     .message = "the request could not be made: the URL is longer"},
};

TEST(Heartbeat, TurnsEachOutcomeIntoItsSample) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    World world;
    world.transport.script = row.script;
    const async::BootTime start = world.loop.Now().boot;
    const Sample sample = world.Read(row.fields, row.pass);
    const Sample expected = {.state = row.state,
                             .value = row.value,
                             .measured_at = world.loop.Now(),
                             .missing = row.missing,
                             .message = row.message,
                             .unit = "ms",
                             .took = world.loop.Now().boot - start};
    EXPECT_EQ(sample, expected) << sample.message << " " << sample.value;
    EXPECT_LE(world.loop.Now().boot - start, row.pass);
  }
}

TEST(Heartbeat, AsksOncePlainlyAndWithoutCredentials) {
  World world;
  (void)world.Read("");
  ASSERT_EQ(world.transport.requests.size(), 1u);
  const http::Request& request = world.transport.requests[0];
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.url, "https://shop.example/h?token=s3cret");
  EXPECT_FALSE(request.credential.has_value());
  EXPECT_EQ(request.max_body_bytes, 64u * 1024);
}

TEST(Heartbeat, SaysWhichConfigurationItRefuses) {
  World world;
  const auto provider = MakeHeartbeatProvider(world.loop, world.transport);
  const auto problems = provider.check({.type = "HTTPHeartbeat", .json = R"({"url":"https://x/","onTimeout":1})"});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0], (ports::ConfigProblem{"onTimeout", "must be 'Breach' or 'Hold', found 1"}));
}

TEST(Heartbeat, AsksOnlyTheHostsThatTheAdministratorAllows) {
  World world;
  const auto provider = MakeHeartbeatProvider(world.loop, world.transport, {"shop.example", "*.apps.example"});
  const auto problems = [&provider](const std::string& host) {
    return provider.check({.type = "HTTPHeartbeat", .json = absl::StrCat(R"({"url":"https://)", host, R"(/h"})")});
  };
  for (const char* host : {"shop.example", "SHOP.example", "a.apps.example", "a.b.apps.example"}) {
    EXPECT_TRUE(problems(host).empty()) << host;
  }
  for (const char* host : {"apps.example", "evilshop.example", "xapps.example", "shop.example.evil.example"}) {
    ASSERT_EQ(problems(host).size(), 1u) << host;
    EXPECT_EQ(
        problems(host)[0],
        (ports::ConfigProblem{"url", absl::StrCat("names the host '", host,
                                                  "', and the administrator allows shop.example and *.apps.example "
                                                  "only (--allow-probe-host)")}));
  }
}

TEST(Heartbeat, ReadsMayOverlap) {
  World world;
  const auto source = MakeHeartbeatProvider(world.loop, world.transport)
                          .make({.type = "HTTPHeartbeat", .json = R"({"url":"https://x/"})"});
  async::Scope scope(world.loop);
  int done = 0;
  const auto read = [](ports::MetricSource& from, async::Loop& loop, int& count) -> async::Task<void> {
    const Sample sample = co_await from.Read(loop.Now().boot + absl::Seconds(20));
    count += sample.state == SampleState::kValid ? 1 : 0;
  };
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(scope.Spawn(read(*source, world.loop, done)));
  world.loop.RunFor(absl::Milliseconds(160));
  EXPECT_EQ(done, 3);
}

}  // namespace
}  // namespace ottoscale::heartbeat
