// The whole way to a server over sockets and TLS, and what is said when it is barred.
#include "pkg/kube/cluster.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "pkg/http/server.h"
#include "pkg/kube/scripted_handler.h"
#include "pkg/kube/temporary_folder.h"
#include "pkg/kubeapi/api_error.h"
#include "pkg/kubeapi/base64.h"
#include "test/contracts/tls.h"

namespace ottoscale::kube {
namespace {

using contracts::Identity;
using contracts::KeyPemOf;
using contracts::MakeIdentity;
using contracts::PemOf;
using contracts::RunReal;
using contracts::TlsServer;

class ClusterTest : public testing::Test {
 protected:
  absl::StatusOr<std::string> Check(ClusterConfig config) {
    config.source = "F, context 'c'";
    config.user = "user 'u'";
    const auto transport = MakeClusterTransport(
        loop_, pool_, config, {.resolver = [](const std::string& host) -> absl::StatusOr<std::vector<std::string>> {
          if (host == "api.test") return std::vector<std::string>{"127.0.0.1"};
          return absl::NotFoundError("no such name");
        }});
    return RunReal(loop_, CheckCluster(*transport, config, loop_.Now().boot + absl::Seconds(60)));
  }
  std::string Https(const std::string& host, uint16_t port) { return absl::StrCat("https://", host, ":", port); }

  async::AsioLoop loop_;
  async::BlockingPool pool_{8};
  Identity authority_ = MakeIdentity({}, nullptr);
};

TEST_F(ClusterTest, AVersionIsAnswered) {
  ScriptedHandler api;
  api.answer = [](const http::ServerRequest& request) {
    return Scripted{.status = request.path == "/prefix/version" ? 200 : 404, .body = R"({"gitVersion":"v1.36.0"})"};
  };
  auto server = http::Listen(loop_, api, {});
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string url = absl::StrCat("http://127.0.0.1:", (*server)->port());
  const auto version = Check({.server = absl::StrCat(url, "/prefix")});
  EXPECT_TRUE(version.ok()) << version.status();
  EXPECT_EQ(version.value_or(""), "v1.36.0");
  EXPECT_FALSE(Check({.server = url}).ok());
  api.answer = [](const http::ServerRequest&) { return Scripted{.status = 403}; };
  EXPECT_EQ(Check({.server = url}).value_or(""), "unknown");
  api.answer = [](const http::ServerRequest&) { return Scripted{.body = "hello"}; };
  EXPECT_EQ(Check({.server = url}).status(),
            absl::UnavailableError(
                absl::StrCat(url, " answers, but not as a Kubernetes API server: check the server of F, context 'c'")));
  RunReal(loop_, (*server)->Stop(loop_.Now().boot));
}

TEST_F(ClusterTest, ACredentialThatMakesUsNobodyIsRefused) {
  ScriptedHandler api;
  int review = 403;
  api.answer = [&review](const http::ServerRequest& request) {
    if (request.path == "/version") return Scripted{.body = R"({"gitVersion":"v1.36.0"})"};
    if (review != 403) return Scripted{.status = review};
    const kubeapi::ApiError error =
        kubeapi::MakeApiError(kubeapi::ErrorReason::kForbidden, "User \"system:anonymous\" cannot create");
    return Scripted{.status = 403, .body = codec::Dump(kubeapi::ToJson(error))};
  };
  auto server = http::Listen(loop_, api, {});
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string url = absl::StrCat("http://127.0.0.1:", (*server)->port());
  const ClusterConfig config{.server = url, .basic = BasicAuth{"me", Secret("pw")}};
  const absl::Status nobody = Check(config).status();
  EXPECT_TRUE(absl::IsUnauthenticated(nobody)) << nobody;
  EXPECT_TRUE(absl::StartsWith(
      nobody.message(), absl::StrCat(url, " refuses user 'u' (F, context 'c'): its username or password is wrong")))
      << nobody;
  EXPECT_TRUE(Check({.server = url}).ok());  // who has no credential is nobody on purpose
  for (const int old_server : {201, 404}) {
    review = old_server;
    EXPECT_TRUE(Check(config).ok()) << old_server;
  }
  RunReal(loop_, (*server)->Stop(loop_.Now().boot));
}

TEST_F(ClusterTest, WhatBarsTheWayIsExplained) {
  const Identity stranger = MakeIdentity({}, nullptr);
  ScriptedHandler plain;
  auto plain_server = http::Listen(loop_, plain, {});
  ASSERT_TRUE(plain_server.ok()) << plain_server.status();
  uint16_t nobody = 0;
  {
    TlsServer gone(loop_, stranger);
    nobody = gone.port();
  }
  TlsServer other_authority(loop_, MakeIdentity({.names = "DNS:api.test"}, &stranger));
  TlsServer other_name(loop_, MakeIdentity({.names = "DNS:other.test"}, &authority_));
  TlsServer expired(loop_, MakeIdentity({.names = "DNS:api.test", .from_now = -20, .until_now = -10}, &authority_));
  TlsServer early(loop_, MakeIdentity({.names = "DNS:api.test", .from_now = 1000}, &authority_));
  const struct {
    std::string server;
    std::string why;
  } rows[] = {
      {Https("api.test", other_authority.port()),
       "the certificate of S is not signed by the certificate authority of F, context 'c': set certificate-authority "
       "to the right one"},
      {Https("api.test", other_name.port()),
       "the certificate of S is for another name: use a name that it has, or set tls-server-name"},
      {Https("api.test", expired.port()), "the certificate of S has expired: renew it"},
      {Https("api.test", early.port()), "the certificate of S is not valid yet: check the clock"},
      {Https("api.test", (*plain_server)->port()), "S does not complete a TLS handshake: is it an https port?"},
      {Https("api.test", nobody), "cannot connect to S (F, context 'c'): is it running?"},
      {"https://nowhere.test", "the name of S does not resolve: check the server of F, context 'c'"},
      {absl::StrCat("http://api.test:", other_name.port()), "S broke off the connection"},
  };
  for (const auto& row : rows) {
    const auto version = Check({.server = row.server, .tls = {.ca_pem = PemOf(authority_)}});
    EXPECT_EQ(version.status().code(), absl::StatusCode::kUnavailable) << row.why;
    EXPECT_TRUE(absl::StartsWith(absl::StrReplaceAll(version.status().message(), {{row.server, "S"}}), row.why + " ("))
        << version.status();
  }
  RunReal(loop_, (*plain_server)->Stop(loop_.Now().boot));
}

std::string Jwt(const std::string& claims) {
  return absl::StrCat("e30.", absl::StrReplaceAll(kubeapi::EncodeBase64(claims), {{"=", ""}}), ".sig");
}

TEST(Explain, SaysWhyACredentialIsRefused) {
  const absl::Time now = absl::FromUnixSeconds(2'000'000'000);
  const Identity old = MakeIdentity({.names = "DNS:me"}, nullptr);  // of today, long ended by then
  const Identity valid = MakeIdentity({.names = "DNS:me", .until_now = 4L * 365 * 86'400 * 2}, nullptr);
  const absl::Status refused =
      kubeapi::ToStatus(kubeapi::MakeApiError(kubeapi::ErrorReason::kUnauthorized, "Unauthorized"));
  const struct {
    ClusterConfig config;
    std::string why;
  } rows[] = {
      {{.token = Secret(Jwt(R"({"exp":1999999999})"))}, "its token expired on 2033-05-18 03:33 UTC: ask for a new one"},
      {{.token = Secret(Jwt(R"({"exp":2000000001})"))}, "its token is not valid, or no longer: ask for a new one"},
      {{.token = Secret("opaque")}, "its token is not valid, or no longer: ask for a new one"},
      {{.token_file = "/t", .token = Secret("x")}, "the token in /t is not valid, or no longer"},
      {{.basic = BasicAuth{"a", Secret("b")}}, "its username or password is wrong, or the server accepts no passwords"},
      {{.exec = ExecPlugin{.command = "get-token"}}, "it does not accept what exec plugin get-token answered"},
      {{}, "no credential is configured: set a token, exec or client-certificate"},
      {{.tls = {.certificate_pem = PemOf(valid)}},
       "its client certificate is not signed by an authority that the server trusts for clients"},
      {{.tls = {.certificate_pem = PemOf(old)}}, "its client certificate expired on "},
  };
  for (const auto& row : rows) {
    ClusterConfig config = row.config;
    config.server = "https://s";
    config.source = "F";
    config.user = "U";
    const absl::Status status = Explain(config, refused, now);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_TRUE(absl::StartsWith(status.message(), absl::StrCat("https://s refuses U (F): ", row.why))) << status;
    EXPECT_TRUE(absl::EndsWith(status.message(), " (Unauthorized)")) << status;
    EXPECT_TRUE(kubeapi::Is(status, kubeapi::ErrorReason::kUnauthorized));
  }
}

TEST(Explain, SaysWhichRightIsMissing) {
  const absl::Status forbidden = kubeapi::ToStatus(kubeapi::MakeApiError(
      kubeapi::ErrorReason::kForbidden, "pods is forbidden: User \"u\" cannot list resource \"pods\""));
  const absl::Status status = Explain({.user = "user 'u'"}, forbidden, absl::InfinitePast());
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(status.message(),
            "user 'u' lacks a right: grant it with a Role or ClusterRole (pods is forbidden: User \"u\" cannot list "
            "resource \"pods\")");
}

TEST(Explain, SaysThatADefinitionIsMissing) {
  const absl::Status unknown = kubeapi::ToStatus(
      kubeapi::MakeApiError(kubeapi::ErrorReason::kNotFound, "the server answered 404: 404 page not found"));
  EXPECT_EQ(
      Explain({}, unknown, absl::InfinitePast()).message(),
      "the API server does not know this resource: install its CustomResourceDefinition (the server answered 404: "
      "404 page not found)");
  const absl::Status gone = kubeapi::ToStatus(
      kubeapi::MakeApiError(kubeapi::ErrorReason::kNotFound, "scalingpolicies.ottoscale.dev \"web\" not found"));
  EXPECT_EQ(Explain({}, gone, absl::InfinitePast()), gone);
}

TEST(Explain, LeavesOtherErrorsAlone) {
  for (const absl::Status& status :
       {absl::OkStatus(), absl::NotFoundError("x"), absl::CancelledError("x"),
        http::MakeFailure({http::Failure::kInvalidRequest, false}, "x"),
        kubeapi::ToStatus(kubeapi::MakeApiError(kubeapi::ErrorReason::kServiceUnavailable, "x"))}) {
    EXPECT_EQ(Explain({}, status, absl::InfinitePast()), status);
  }
}

TEST(UserAgent, NamesVersionPlatformAndPart) {
  EXPECT_TRUE(absl::StartsWith(UserAgent("1.2.3", "abc"), "ottoscale/1.2.3 (linux/"));
  EXPECT_TRUE(absl::EndsWith(UserAgent("1.2.3", "abc"), "64) abc"));
  EXPECT_TRUE(absl::EndsWith(UserAgent("1.2.3", "abc", "leader-election"), "64) abc/leader-election"));
}

}  // namespace
}  // namespace ottoscale::kube
