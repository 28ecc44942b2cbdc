#include "pkg/http/http.h"

#include <gtest/gtest.h>

#include "pkg/async/simulated_loop.h"
#include "pkg/base/status.h"
#include "pkg/http/body.h"
#include "pkg/http/check_request.h"

namespace ottoscale::http {
namespace {

TEST(Headers, KeepTheOrderAndIgnoreCase) {
  Headers headers{{"A", "1"}, {"B", "2"}, {"a", "3"}};
  EXPECT_EQ(headers.Get("a"), "1");
  EXPECT_EQ(headers.Get("c"), std::nullopt);
  headers.Set("A", "4");
  EXPECT_EQ(headers, (Headers{{"B", "2"}, {"A", "4"}}));
}

TEST(Failure, TravelsThroughAStatusAndAnnotations) {
  for (int kind = 0; kind <= static_cast<int>(Failure::kLocalLimit); ++kind) {
    for (const bool sent : {false, true}) {
      const FailureDetail detail{static_cast<Failure>(kind), sent};
      const absl::Status status = MakeFailure(detail, "why");
      EXPECT_EQ(FailureOf(status), detail);
      EXPECT_EQ(FailureOf(Annotate("read", status)), detail);
      EXPECT_EQ(status.message(), "why");
    }
  }
}

TEST(Failure, HasTheCodesOfItsContract) {
  const auto code = [](Failure kind) { return MakeFailure({kind, false}, "").code(); };
  EXPECT_EQ(code(Failure::kInvalidRequest), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(Failure::kResolve), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code(Failure::kAddressDenied), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code(Failure::kConnect), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code(Failure::kTls), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(Failure::kTimeout), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(code(Failure::kCancelled), absl::StatusCode::kCancelled);
  EXPECT_EQ(code(Failure::kDisconnected), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code(Failure::kProtocol), absl::StatusCode::kDataLoss);
  EXPECT_EQ(code(Failure::kBodyTooLarge), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code(Failure::kLocalLimit), absl::StatusCode::kUnavailable);
}

TEST(Failure, OfOtherErrorsAssumesTheWorst) {
  EXPECT_EQ(FailureOf(absl::InternalError("x")), (FailureDetail{Failure::kProtocol, true}));
  EXPECT_EQ(FailureOf(absl::DeadlineExceededError("x")), (FailureDetail{Failure::kTimeout, true}));
  EXPECT_EQ(FailureOf(absl::CancelledError("x")), (FailureDetail{Failure::kCancelled, true}));
}

struct GoodUrl {
  const char* text;
  Url url;
  const char* authority;
};

TEST(ParseUrl, TakesApartWhatIsAllowed) {
  const GoodUrl rows[] = {
      {"http://a", {"http", "a", 80, "/", ""}, "a"},
      {"HTTPS://Example.COM", {"https", "example.com", 443, "/", ""}, "example.com"},
      {"https://a:443/x/y?z=1&q=?", {"https", "a", 443, "/x/y", "z=1&q=?"}, "a"},
      {"http://a:8080?b", {"http", "a", 8080, "/", "b"}, "a:8080"},
      {"http://[::1]:81/", {"http", "::1", 81, "/", ""}, "[::1]:81"},
      {"http://[FE80::1]/p%2Fq", {"http", "fe80::1", 80, "/p%2Fq", ""}, "[fe80::1]"},
      {"http://127.1/", {"http", "127.1", 80, "/", ""}, "127.1"},  // the address filter's business
  };
  for (const GoodUrl& row : rows) {
    const absl::StatusOr<Url> url = ParseUrl(row.text);
    ASSERT_TRUE(url.ok()) << row.text << ": " << url.status();
    EXPECT_EQ(*url, row.url) << row.text;
    EXPECT_EQ(url->Authority(), row.authority);
  }
}

TEST(ParseUrl, RefusesTheRest) {
  const char* const rows[] = {"",
                              "a",
                              "//a/",
                              "ftp://a/",
                              "file:///etc/passwd",
                              "http://",
                              "http:///x",
                              "http://a b/",
                              "http://u@a/",
                              "http://u:p@a/",
                              "http://a#f",
                              "http://a/#",
                              "http://a:/",
                              "http://a:0/",
                              "http://a:65536/",
                              "http://a:x",
                              "http://a:-1",
                              "http://[::1",
                              "http://[::g]/",
                              "http://[::1]80/",
                              "http://a/%",
                              "http://a/%2",
                              "http://a/%zz",
                              "http://a/\r\nX:y",
                              "http://a/\xC3\xA4",
                              "http://\xE2\x91\xA0.com/",
                              "http://a%2eb/",
                              "http://a/{x}",
                              "http://a\\b/",
                              "http://[fe80::1%25eth0]/"};
  for (const char* text : rows) {
    const absl::StatusOr<Url> url = ParseUrl(text);
    EXPECT_EQ(url.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(FailureOf(url.status()), (FailureDetail{Failure::kInvalidRequest, false})) << text;
  }
  EXPECT_FALSE(ParseUrl(std::string("http://a/\0", 10)).ok());
  EXPECT_FALSE(ParseUrl("http://a/" + std::string(9000, 'x')).ok());
  EXPECT_FALSE(ParseUrl("http://" + std::string(300, 'x') + "/").ok());
}

TEST(Components, SurviveEncodingAndDecoding) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(*DecodeComponent(EncodeComponent(all)), all);
  EXPECT_EQ(EncodeComponent("a/b c=~"), "a%2Fb%20c%3D~");
  for (const char* bad : {"%", "%2", "a%g0", "%-1"}) EXPECT_FALSE(DecodeComponent(bad).ok()) << bad;
}

TEST(QueryValue, FindsTheFirstOfThatName) {
  EXPECT_EQ(QueryValue("a=1&b=x%20y+z&b=2&c", "b"), "x y z");
  EXPECT_EQ(QueryValue("a=1&c", "c"), "");
  EXPECT_EQ(QueryValue("a=1", "b"), std::nullopt);
  EXPECT_EQ(QueryValue("", "b"), std::nullopt);
}

TEST(CheckRequest, RefusesWhatCouldSplitAHeader) {  // OUT-2
  const std::string nul("a\0b", 3);
  for (const std::string& value : {std::string("a\n"), std::string("a\r\nX: y"), std::string("\ra"), nul,
                                   std::string("\x7F"), std::string("\xC3\xA4"), std::string("a\tb")}) {
    Request request{.url = "http://a/", .headers = {{"X-A", value}}};
    EXPECT_EQ(FailureOf(CheckRequest(request)), (FailureDetail{Failure::kInvalidRequest, false}));
    request.headers = {{value, "x"}};
    EXPECT_EQ(FailureOf(CheckRequest(request)).kind, Failure::kInvalidRequest);
    request.headers = {};
    request.method = value;
    EXPECT_EQ(FailureOf(CheckRequest(request)).kind, Failure::kInvalidRequest);
    request.method = "GET";
    request.credential = Secret(value);
    const absl::Status status = CheckRequest(request);
    EXPECT_EQ(FailureOf(status).kind, Failure::kInvalidRequest);
    request.credential = Secret("fine");
    request.credential_scheme = value;
    EXPECT_EQ(FailureOf(CheckRequest(request)).kind, Failure::kInvalidRequest);
  }
  EXPECT_TRUE(CheckRequest({.url = "http://a/", .headers = {{"X-A", " ~"}}, .credential = Secret("!~")}).ok());
  EXPECT_FALSE(CheckRequest({.url = "http://a/", .credential = Secret("")}).ok());
  EXPECT_FALSE(CheckRequest({.url = "http://a/", .credential = Secret("a b")}).ok());
}

TEST(CheckRequest, RefusesHeadersOfTheTransport) {
  for (const char* name : {"Host", "content-length", "Transfer-Encoding", "CONNECTION", "Authorization", "Expect"}) {
    EXPECT_FALSE(CheckRequest({.url = "http://a/", .headers = {{name, "x"}}}).ok()) << name;
  }
}

TEST(ReadAll, StopsAtItsCap) {
  async::SimulatedLoop loop(1);
  EXPECT_EQ(*loop.Run(ReadAll(Body("12345"), 5)), "12345");
  EXPECT_EQ(FailureOf(loop.Run(ReadAll(Body("123456"), 5)).status()).kind, Failure::kBodyTooLarge);
  const absl::Status cut = MakeFailure({Failure::kDisconnected, true}, "cut");
  EXPECT_EQ(loop.Run(ReadAll(BodyThatEnds("123", cut), 5)).status(), cut);
  EXPECT_EQ(FailureOf(loop.Run(ReadAll(BodyThatEnds("123456", cut), 5)).status()).kind, Failure::kBodyTooLarge);
}

}  // namespace
}  // namespace ottoscale::http
