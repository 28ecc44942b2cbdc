#include "pkg/kube/cluster_transport.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/async/gather.h"
#include "pkg/async/scope.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/codec/json.h"
#include "pkg/http/loopback.h"
#include "pkg/kube/scripted_handler.h"
#include "test/contracts/tls.h"

namespace ottoscale::kube {
namespace {

using contracts::Identity;
using contracts::KeyPemOf;
using contracts::MakeIdentity;
using contracts::PemOf;
using Strings = std::vector<std::string>;

struct Pki {
  std::string ca = PemOf(MakeIdentity({}, nullptr));
  std::string other_ca = PemOf(MakeIdentity({}, nullptr));
  Identity me = MakeIdentity({.names = "DNS:me"}, nullptr);
  Identity renewed = MakeIdentity({.names = "DNS:me"}, nullptr);
};
const Pki& ThePki() {
  static const Pki pki;
  return pki;
}

// A machine with these files, on which a plugin answers what stands in `answers`, a second after it was started.
struct World {
  explicit World(ClusterConfig config) : transport(loop, Complete(std::move(config)), Options(), Here(), Connector()) {}

  static ClusterConfig Complete(ClusterConfig config) {
    config.server = "http://api:80";
    return config;
  }
  ClusterOptions Options() {
    return {.on_secret = [this](const Secret& secret) { secrets.emplace_back(secret.Reveal()); },
            .on_trouble = [this](absl::string_view text) { troubles.emplace_back(text); },
            .on_rotation = [this](absl::string_view text) { rotations.emplace_back(text); }};
  }
  Machine Here() {
    return {.read =
                [this](const std::string& path) {
                  ++reads;
                  const async::Promise<std::string> promise(loop);
                  const auto found = files.find(path);
                  if (found == files.end()) {
                    promise.Set(absl::NotFoundError(absl::StrCat(path, ": gone")));
                  } else {
                    promise.Set(found->second);
                  }
                  return promise.GetFuture();
                },
            .run =
                [this](ProcessCall call, std::function<void(absl::StatusOr<ProcessResult>)> done) {
                  calls.push_back(std::move(call));
                  ++running;
                  most_running = std::max(most_running, running);
                  return std::make_unique<Run>(*this, std::move(done));
                }};
  }
  class Run final : public ProcessHandle {
   public:
    Run(World& world, std::function<void(absl::StatusOr<ProcessResult>)> done) : world_(world) {
      if (world.answers.empty()) return;  // it hangs
      auto answer = std::move(world.answers.front());
      world.answers.pop_front();
      timer_ = world.loop.RunAt(world.loop.Now().boot + absl::Seconds(1), [done, answer] { done(answer); });
    }
    ~Run() override {
      world_.loop.CancelTimer(timer_);
      --world_.running;
    }

   private:
    World& world_;
    async::TimerId timer_;
  };
  ClusterTransport::Connect Connector() {
    return [this](const http::TlsOptions& tls) {
      connections.push_back(tls);
      return std::make_unique<http::Loopback>(loop, api);
    };
  }

  absl::StatusOr<http::Response> Get(absl::Duration limit = absl::Minutes(2)) {
    return loop.Run(transport.Send({.url = "http://api:80/x"}, loop.Now().boot + limit));
  }
  int Status() {
    const auto response = Get();
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? response->status : 0;
  }
  std::string Sent() const { return api.requests.back().headers.Get("Authorization").value_or(""); }
  // An API server that knows only this token.
  void Accept(const std::string& token) {
    api.answer = [token](const http::ServerRequest& request) {
      return Scripted{.status = request.headers.Get("Authorization") == absl::StrCat("Bearer ", token) ? 200 : 401};
    };
  }

  async::SimulatedLoop loop{1};
  std::map<std::string, std::string> files;
  std::deque<absl::StatusOr<ProcessResult>> answers;
  std::vector<ProcessCall> calls;
  int running = 0;
  int most_running = 0;
  int reads = 0;
  Strings secrets;
  Strings troubles;
  Strings rotations;
  std::vector<http::TlsOptions> connections;
  ScriptedHandler api;
  ClusterTransport transport;
};

// ------------------------------------------------------------------------------------------------ fixed credentials

TEST(ClusterTransport, PresentsWhatTheConfigurationSays) {
  World token({.token = Secret("abc")});
  EXPECT_EQ(token.Status(), 200);
  EXPECT_EQ(token.Sent(), "Bearer abc");
  EXPECT_EQ(token.secrets, Strings{"abc"});
  World basic({.basic = BasicAuth{"me", Secret("pw")}});
  EXPECT_EQ(basic.Status(), 200);
  EXPECT_EQ(basic.Sent(), "Basic bWU6cHc=");
  EXPECT_EQ(basic.secrets, (Strings{"pw", "bWU6cHc="}));
  World nobody(ClusterConfig{});
  EXPECT_EQ(nobody.Status(), 200);
  EXPECT_EQ(nobody.Sent(), "");
  EXPECT_EQ(nobody.connections.size(), 1u);
}

TEST(ClusterTransport, ActsAsSomebodyElse) {
  World world(
      {.impersonate = {.user = "boss", .uid = "7", .groups = {"a", "b"}, .extra = {{"Ex.org/x %", {"y", "z"}}}}});
  EXPECT_EQ(world.Status(), 200);
  Strings lines;
  for (const http::Header& header : world.api.requests[0].headers.list()) {
    if (absl::StartsWith(header.name, "Impersonate")) lines.push_back(absl::StrCat(header.name, ": ", header.value));
  }
  EXPECT_EQ(lines,
            (Strings{"Impersonate-User: boss", "Impersonate-Uid: 7", "Impersonate-Group: a", "Impersonate-Group: b",
                     "Impersonate-Extra-Ex.org%2Fx%20%25: y", "Impersonate-Extra-Ex.org%2Fx%20%25: z"}));
}

TEST(ClusterTransport, A401WithAFixedTokenIsFinal) {
  World world({.token = Secret("abc")});
  world.api.after.status = 401;
  EXPECT_EQ(world.Status(), 401);
  EXPECT_EQ(world.api.requests.size(), 1u);
}

// ------------------------------------------------------------------------------------------------ token file

TEST(ClusterTransport, ATokenFileIsReadAgainBeforeItIsAMinuteOld) {
  World world({.token_file = "/t", .token = Secret("one")});
  world.files["/t"] = "two\n";
  EXPECT_EQ(world.Status(), 200);
  EXPECT_EQ(world.Sent(), "Bearer one");
  EXPECT_EQ(world.reads, 0);
  world.loop.RunFor(absl::Seconds(51));
  EXPECT_EQ(world.Status(), 200);
  EXPECT_EQ(world.Sent(), "Bearer two");
  EXPECT_EQ(world.Status(), 200);
  EXPECT_EQ(world.reads, 1);
  EXPECT_EQ(world.secrets, (Strings{"one", "two"}));
}

TEST(ClusterTransport, AnUnreadableTokenFileKeepsTheOldToken) {
  for (const char* text : {"", "a b", "gone"}) {
    World world({.token_file = "/t", .token = Secret("one")});
    if (text != std::string("gone")) world.files["/t"] = text;
    world.loop.RunFor(absl::Minutes(2));
    EXPECT_EQ(world.Status(), 200);
    EXPECT_EQ(world.Sent(), "Bearer one");
    EXPECT_EQ(world.troubles.size(), 1u);
    EXPECT_EQ(world.Status(), 200);
    EXPECT_EQ(world.reads, 1);  // not at every request
    world.files["/t"] = "two";
    world.loop.RunFor(absl::Seconds(6));
    EXPECT_EQ(world.Status(), 200);
    EXPECT_EQ(world.Sent(), "Bearer two");
  }
}

TEST(ClusterTransport, A401ReadsTheTokenFileAtOnce) {
  World world({.token_file = "/t", .token = Secret("old")});
  world.files["/t"] = "new";
  world.Accept("new");
  EXPECT_EQ(world.Status(), 200);
  EXPECT_EQ(world.api.requests.size(), 2u);
  world.Accept("newest");  // and the file still has the old one
  EXPECT_EQ(world.Status(), 401);
  EXPECT_EQ(world.api.requests.size(), 3u);
}

// ------------------------------------------------------------------------------------------------ exec plugin

ExecPlugin Plugin() {
  return {.api_version = "client.authentication.k8s.io/v1", .command = "get-token", .install_hint = "apt install it"};
}
ProcessResult Answer(const std::string& status) {
  return {.out = absl::StrCat(R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":)",
                              status, "}")};
}

TEST(ClusterTransport, APluginIsRunOnceForAllThatWait) {
  World world({.exec = Plugin()});
  world.answers = {Answer(R"({"token":"abc"})")};
  std::vector<int> statuses;
  async::Scope scope(world.loop);
  const auto Ask = [](World& w, std::vector<int>& into) -> async::Task<void> {
    const auto response = co_await w.transport.Send({.url = "http://api:80/x"}, async::BootTime::Infinite());
    into.push_back(response.ok() ? response->status : 0);
  };
  for (int i = 0; i < 5; ++i) scope.Spawn(Ask(world, statuses));
  world.loop.RunFor(absl::Seconds(2));
  EXPECT_EQ(statuses, std::vector<int>(5, 200));
  EXPECT_EQ(world.Sent(), "Bearer abc");
  world.loop.RunFor(absl::Hours(100));  // it does not say until when
  EXPECT_EQ(world.Status(), 200);
  EXPECT_EQ(world.calls.size(), 1u);
  EXPECT_EQ(world.secrets, Strings{"abc"});
}

TEST(ClusterTransport, APluginIsRunAgainWhenItsCredentialHasExpired) {
  World world({.exec = Plugin()});
  world.answers = {Answer(R"({"token":"one","expirationTimestamp":"2026-01-01T00:10:00Z"})"),
                   Answer(R"({"token":"two","expirationTimestamp":"2026-01-01T00:20:00Z"})")};
  EXPECT_EQ(world.Status(), 200);
  world.loop.RunFor(absl::Minutes(9));
  EXPECT_EQ(world.Status(), 200);
  EXPECT_EQ(world.calls.size(), 1u);
  world.loop.RunFor(absl::Minutes(1));
  EXPECT_EQ(world.Status(), 200);
  EXPECT_EQ(world.calls.size(), 2u);
  EXPECT_EQ(world.Sent(), "Bearer two");
}

TEST(ClusterTransport, A401RunsThePluginAgainButNotForAFreshCredential) {
  World world({.exec = Plugin()});
  world.answers = {Answer(R"({"token":"one"})"), Answer(R"({"token":"two"})")};
  EXPECT_EQ(world.Status(), 200);
  world.loop.RunFor(absl::Minutes(1));
  world.Accept("two");
  EXPECT_EQ(world.Status(), 200);
  EXPECT_EQ(world.calls.size(), 2u);
  world.Accept("three");
  EXPECT_EQ(world.Status(), 401);
  EXPECT_EQ(world.calls.size(), 2u);
}

TEST(ClusterTransport, APluginThatFailsIsNotRunAtEveryRequest) {
  World world({.exec = Plugin()});
  world.answers = {ProcessResult{.exit_code = 3, .err = "no\n  login"}, Answer(R"({"token":"abc"})")};
  for (int i = 0; i < 3; ++i) {
    const auto response = world.Get();
    EXPECT_TRUE(absl::IsUnauthenticated(response.status())) << response.status();
    EXPECT_EQ(response.status().message(), "exec plugin get-token: failed with exit code 3: no login");
    EXPECT_FALSE(http::FailureOf(response.status()).maybe_sent);
  }
  EXPECT_EQ(world.calls.size(), 1u);
  EXPECT_TRUE(world.api.requests.empty());
  world.loop.RunFor(absl::Seconds(5));
  EXPECT_EQ(world.Status(), 200);
}

TEST(ClusterTransport, APluginThatHangsIsStopped) {
  World world({.exec = Plugin()});
  const async::BootTime start = world.loop.Now().boot;
  const auto response = world.Get(absl::Minutes(5));
  EXPECT_EQ(response.status().message(), "exec plugin get-token: cannot be run (it did not end within a minute)");
  EXPECT_EQ(world.loop.Now().boot - start, absl::Minutes(1));
  EXPECT_EQ(world.running, 0);
}

TEST(ClusterTransport, ARequestDoesNotWaitForAPluginPastItsDeadline) {
  World world({.exec = Plugin()});
  const auto response = world.Get(absl::Seconds(5));
  EXPECT_EQ(http::FailureOf(response.status()), (http::FailureDetail{http::Failure::kTimeout, false}));
  EXPECT_EQ(world.running, 1);  // the next request may find its answer
  EXPECT_EQ(world.most_running, 1);
}

TEST(ClusterTransport, APluginMayAnswerWithACertificate) {
  const Pki& pki = ThePki();
  World world({.tls = {.ca_pem = pki.ca}, .exec = Plugin()});
  const auto Certificate = [](const Identity& identity, const char* until) {
    nlohmann::json status = nlohmann::json::object();
    status["clientCertificateData"] = PemOf(identity);
    status["clientKeyData"] = KeyPemOf(identity);
    status["expirationTimestamp"] = until;
    return Answer(codec::Dump(status));
  };
  world.answers = {Certificate(pki.me, "2026-01-01T01:00:00Z"), Certificate(pki.renewed, "2026-01-01T02:00:00Z")};
  EXPECT_EQ(world.Status(), 200);
  EXPECT_EQ(world.Status(), 200);
  ASSERT_EQ(world.connections.size(), 1u);
  EXPECT_EQ(world.connections[0].ca_pem, pki.ca);
  EXPECT_EQ(world.connections[0].certificate_pem, PemOf(pki.me));
  world.loop.RunFor(absl::Hours(1));
  EXPECT_EQ(world.Status(), 200);
  ASSERT_EQ(world.connections.size(), 2u);
  EXPECT_EQ(world.connections[1].certificate_pem, PemOf(pki.renewed));
  EXPECT_EQ(world.connections[1].key_pem, Secret(KeyPemOf(pki.renewed)));
}

TEST(ExecCredential, WhatAPluginMayNotAnswer) {
  const struct {
    absl::StatusOr<ProcessResult> result;
    std::string why;
  } rows[] = {
      {absl::NotFoundError("'get-token' is not in PATH"),
       "is not installed ('get-token' is not in PATH): apt install it"},
      {absl::PermissionDeniedError("x: Permission denied"), "cannot be run (x: Permission denied)"},
      {ProcessResult{.exit_code = 1}, "failed with exit code 1 and said nothing"},
      {ProcessResult{.out = ""}, "its answer is unusable: it is empty"},
      {ProcessResult{.out = "token"}, "its answer is unusable: "},
      {ProcessResult{.out = R"({"kind":"Pod","apiVersion":"v1"})"},
       "its answer is unusable: must be an ExecCredential of client.authentication.k8s.io/v1, found 'Pod' of 'v1'"},
      {ProcessResult{.out = R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1"})"},
       "its answer is unusable: must be an ExecCredential of client.authentication.k8s.io/v1, found 'ExecCredential' "
       "of 'client.authentication.k8s.io/v1beta1'"},
      {Answer("null"), "its answer is unusable: has no status"},
      {Answer("{}"), "its answer is unusable: has neither a token nor a client certificate"},
      {Answer(R"({"token":"a b"})"),
       "its answer is unusable: has a token with a space, a line break or another odd byte"},
      {Answer(R"({"clientCertificateData":"x"})"),
       "its answer is unusable: the client certificate holds no PEM certificate"},
      {Answer(R"({"token":"abc","expirationTimestamp":"soon"})"), "its answer is unusable: "},
  };
  for (const auto& row : rows) {
    const auto credential = ReadPluginAnswer(Plugin(), row.result);
    EXPECT_TRUE(absl::IsUnauthenticated(credential.status()));
    EXPECT_TRUE(absl::StartsWith(credential.status().message(), absl::StrCat("exec plugin get-token: ", row.why)))
        << credential.status() << "\n"
        << row.why;
  }
}

TEST(ExecCredential, ThePluginIsToldWhatItIsFor) {
  ExecPlugin plugin = Plugin();
  plugin.arguments = {"--x"};
  plugin.environment = {"A=b"};
  EXPECT_EQ(CallOf(plugin).arguments, Strings{"--x"});
  EXPECT_EQ(CallOf(plugin).environment,
            (Strings{"A=b", R"(KUBERNETES_EXEC_INFO={"apiVersion":"client.authentication.k8s.io/v1","kind":)"
                            R"("ExecCredential","spec":{"interactive":false}})"}));
  plugin.cluster_info = R"({"server":"https://a"})";
  EXPECT_TRUE(absl::StrContains(CallOf(plugin).environment[1],
                                R"("spec":{"cluster":{"server":"https://a"},"interactive":false})"));
}

// ------------------------------------------------------------------------------------------------ certificates

TEST(ClusterTransport, AChangedAuthorityMakesNewConnectionsAndEndsStreams) {
  const Pki& pki = ThePki();
  World world({.tls = {.ca_pem = pki.ca}, .ca_file = "/ca"});
  world.files["/ca"] = pki.ca;
  world.api.script = {{.chunks = {"one"}, .hang = true, .stream = true}};
  auto stream = world.loop.Run(
      world.transport.Send({.url = "http://api:80/x", .streaming = true, .idle_timeout = absl::InfiniteDuration()},
                           async::BootTime::Infinite()));
  ASSERT_TRUE(stream.ok()) << stream.status();
  absl::Status end;
  async::Scope scope(world.loop);
  const auto ReadAll = [](http::BodySource& body, absl::Status& into) -> async::Task<void> {
    while (true) {
      const auto chunk = co_await body.Next();
      if (!chunk.ok()) into = chunk.status();
      if (!chunk.ok() || !chunk->has_value()) co_return;
    }
  };
  scope.Spawn(ReadAll(*stream->body.source, end));
  world.loop.RunFor(absl::Minutes(6));
  EXPECT_EQ(world.Status(), 200);  // looked, and found nothing new
  EXPECT_EQ(world.reads, 1);
  EXPECT_EQ(world.connections.size(), 1u);
  EXPECT_EQ(scope.running(), 1u);

  world.files["/ca"] = pki.other_ca;
  world.loop.RunFor(absl::Minutes(6));
  EXPECT_EQ(world.Status(), 200);
  world.loop.RunReady();
  ASSERT_EQ(world.connections.size(), 2u);
  EXPECT_EQ(world.connections[1].ca_pem, pki.other_ca);
  EXPECT_EQ(scope.running(), 0u);
  EXPECT_EQ(http::FailureOf(end), (http::FailureDetail{http::Failure::kDisconnected, true}));
  EXPECT_EQ(world.rotations, Strings{"the certificate authority has changed: connections are made anew"});
}

TEST(ClusterTransport, ACertificateIsTakenOverOnlyWithItsKey) {
  const Pki& pki = ThePki();
  World world({.tls = {.certificate_pem = PemOf(pki.me), .key_pem = Secret(KeyPemOf(pki.me))},
               .certificate_file = "/crt",
               .key_file = "/key"});
  world.files = {{"/crt", PemOf(pki.renewed)}, {"/key", KeyPemOf(pki.me)}};
  EXPECT_EQ(world.Status(), 200);
  world.loop.RunFor(absl::Minutes(6));
  EXPECT_EQ(world.Status(), 200);
  EXPECT_EQ(world.connections.size(), 1u);
  EXPECT_EQ(world.troubles,
            Strings{"certificates are not renewed: the client key does not belong to the client certificate"});
  world.files["/key"] = KeyPemOf(pki.renewed);
  world.loop.RunFor(absl::Seconds(11));
  EXPECT_EQ(world.Status(), 200);
  ASSERT_EQ(world.connections.size(), 2u);
  EXPECT_EQ(world.connections[1].certificate_pem, PemOf(pki.renewed));
  EXPECT_EQ(world.rotations, Strings{"the client certificate has changed: connections are made anew"});
}

TEST(ClusterTransport, FilesThatVanishOrEmptyChangeNothing) {
  const Pki& pki = ThePki();
  for (const char* text : {"", "no PEM", "gone"}) {
    World world({.tls = {.ca_pem = pki.ca}, .ca_file = "/ca"});
    if (text != std::string("gone")) world.files["/ca"] = text;
    EXPECT_EQ(world.Status(), 200);
    world.loop.RunFor(absl::Minutes(6));
    EXPECT_EQ(world.Status(), 200);
    EXPECT_EQ(world.connections.size(), 1u);
    EXPECT_EQ(world.troubles.size(), 1u) << text;
  }
}

TEST(ClusterTransport, A401LooksAtTheFilesSooner) {
  const Pki& pki = ThePki();
  World world({.tls = {.certificate_pem = PemOf(pki.me), .key_pem = Secret(KeyPemOf(pki.me))},
               .certificate_file = "/crt",
               .key_file = "/key"});
  world.files = {{"/crt", PemOf(pki.renewed)}, {"/key", KeyPemOf(pki.renewed)}};
  world.api.script = {{.status = 401}};
  EXPECT_EQ(world.Status(), 401);
  world.loop.RunFor(absl::Seconds(11));
  EXPECT_EQ(world.Status(), 200);
  EXPECT_EQ(world.connections.size(), 2u);
}

}  // namespace
}  // namespace ottoscale::kube
