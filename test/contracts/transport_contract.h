// What every Transport promises. Rows named OUT-n are those of the security reference. A row that a profile cannot meet
// is asserted as it is ("not met"), so that a successor of the library which meets it fails here and the row is turned.
//
// Suites: AnyTransport (all three profiles), WireTransport (those with sockets), CloudTransportRow, ProbeTransportRow.
#pragma once

#include <cstdlib>

#include "test/contracts/tls.h"
#include "test/contracts/transport_rig.h"

namespace ottoscale::contracts {

using http::Failure;
using http::Request;
using http::Response;

class AnyTransport : public TransportRig {};
class WireTransport : public TransportRig {};
class CloudTransportRow : public TransportRig {};
class ProbeTransportRow : public TransportRig {};

// ------------------------------------------------------------------------------------------------ answers

TEST_P(AnyTransport, CarriesMethodPathQueryHeadersAndBody) {
  const absl::StatusOr<Response> response = Send({.method = "PATCH",
                                                  .url = Url("/a%2Fb/c?d=e%20f"),
                                                  .headers = {{"X-Sent", "!~ v"}, {"Content-Type", "x/y"}},
                                                  .body = "text"});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->headers.Get("x-echo"), "!~ v");
  EXPECT_EQ(response->body.text, "PATCH /a%2Fb/c?d=e%20f text");
  const http::ServerRequest& seen = handler_.seen.at(0);
  EXPECT_EQ(seen.headers.Get("Host"), absl::StrCat("127.0.0.1:", server_->port()));
  EXPECT_EQ(seen.headers.Get("Content-Type"), "x/y");
}

TEST_P(AnyTransport, SendsThePathAndQueryAsTheyAre) {
  const struct {
    const char* target;
    const char* path;
    const char* query;
  } rows[] = {{"", "/", ""},
              {"?q", "/", "q"},
              {"/a//b", "/a//b", ""},
              {"//a/b", "//a/b", ""},
              {"/a/../b/./c", "/a/../b/./c", ""},
              {"/%2e%2e/%2F%25", "/%2e%2e/%2F%25", ""},
              {"/a;b=c,d:@!$'()*+", "/a;b=c,d:@!$'()*+", ""},
              {"/a?x=1&y=%26+z&w=/?:@,;", "/a", "x=1&y=%26+z&w=/?:@,;"},
              {"/x/", "/x/", ""}};
  for (const auto& row : rows) {
    handler_.seen.clear();
    EXPECT_EQ(FailureOf(Get(Url(row.target))), std::nullopt) << row.target;
    ASSERT_EQ(handler_.seen.size(), 1u) << row.target;
    EXPECT_EQ(handler_.seen[0].path, row.path);
    EXPECT_EQ(handler_.seen[0].query, row.query) << row.target;
  }
}

TEST_P(AnyTransport, CarriesLargeBodiesBothWays) {
  const std::string body(3 << 20, 'b');
  const absl::StatusOr<Response> response =
      Send({.method = "POST", .url = Url("/x"), .body = body, .max_body_bytes = 8 << 20});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body.text, absl::StrCat("POST /x? ", body));
}

TEST_P(AnyTransport, EveryStatusIsAnAnswer) {
  for (const int status : {200, 201, 204, 400, 401, 403, 404, 409, 429, 500, 503}) {
    const absl::StatusOr<Response> response = Get(Url(absl::StrCat("/status/", status)));
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->status, status);
  }
}

TEST_P(AnyTransport, HeadHasNoBody) {
  const absl::StatusOr<Response> response = Send({.method = "HEAD", .url = Url("/size/100"), .max_body_bytes = 10});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body.text, "");
}

TEST_P(AnyTransport, RedirectsAreAnswers) {  // OUT-1
  ScriptedServer elsewhere(
      loop_, [](Wire wire) { return [](Wire w) -> async::Task<void> { (void)co_await w.Read(); }(wire); });
  const std::string other_port = absl::StrCat("http://127.0.0.1:", elsewhere.port(), "/");
  const std::string other_scheme = absl::StrCat("https://127.0.0.1:", elsewhere.port(), "/");
  for (const std::string& location : {other_port, other_scheme}) {
    handler_.location = location;
    for (const int status : {301, 302, 303, 307, 308}) {
      const absl::StatusOr<Response> response = Get(Url(absl::StrCat("/status/", status)));
      ASSERT_TRUE(response.ok()) << response.status();
      EXPECT_EQ(response->status, status);
      EXPECT_EQ(response->headers.Get("Location"), location);
    }
  }
  EXPECT_EQ(elsewhere.connections(), 0u);
  EXPECT_EQ(handler_.seen.size(), 10u);
}

TEST_P(AnyTransport, ServesManyAtOnce) {
  std::vector<async::Task<absl::StatusOr<Response>>> tasks;
  for (int i = 0; i < 50; ++i)
    tasks.push_back(transport_->Send({.url = Url(absl::StrCat("/r", i))}, In(absl::Seconds(60))));
  const auto responses = RunReal(loop_, async::All(std::move(tasks)));
  for (size_t i = 0; i < responses.size(); ++i) {
    ASSERT_TRUE(responses[i].ok()) << responses[i].status();
    EXPECT_EQ(responses[i]->body.text, absl::StrCat("GET /r", i, "? "));
  }
}

// ------------------------------------------------------------------------------------------------ refusals

TEST_P(AnyTransport, RefusesWhatCouldSplitAHeader) {  // OUT-2
  const std::string nul("a\0b", 3);
  for (const std::string& text :
       {std::string("a\n"), std::string("a\r\nX: y"), std::string("\ra"), nul, std::string("\x7F")}) {
    EXPECT_EQ(FailureOf(Send({.url = Url("/"), .headers = {{"X-A", text}}})), NotSent(Failure::kInvalidRequest));
    EXPECT_EQ(FailureOf(Send({.url = Url("/"), .headers = {{text, "a"}}})), NotSent(Failure::kInvalidRequest));
    EXPECT_EQ(FailureOf(Send({.method = text, .url = Url("/")})), NotSent(Failure::kInvalidRequest));
    EXPECT_EQ(FailureOf(Send({.url = absl::StrCat(Url("/"), text)})), NotSent(Failure::kInvalidRequest));
    EXPECT_EQ(FailureOf(Send({.url = Url("/"), .credential = Secret(text)})), NotSent(Failure::kInvalidRequest));
  }
  EXPECT_TRUE(handler_.seen.empty());
}

TEST_P(AnyTransport, CredentialsAreSentByTheirSchemeOrNotAtAll) {  // OUT-13
  const auto failure = FailureOf(Send({.url = Url("/"), .credential_scheme = "Token", .credential = Secret("k3y")}));
  if (probe()) {
    EXPECT_EQ(failure, NotSent(Failure::kInvalidRequest));
    EXPECT_EQ(FailureOf(Send({.url = Url("/"), .headers = {{"Cookie", "a=b"}}})), NotSent(Failure::kInvalidRequest));
    EXPECT_TRUE(handler_.seen.empty());
  } else {
    EXPECT_EQ(failure, std::nullopt);
    EXPECT_EQ(handler_.seen.at(0).headers.Get("Authorization"), "Token k3y");
  }
}

// ------------------------------------------------------------------------------------------------ deadlines

TEST_P(AnyTransport, APastDeadlineSendsNothing) {  // OUT-7
  EXPECT_EQ(FailureOf(Send({.url = Url("/")}, absl::Seconds(-1))), NotSent(Failure::kTimeout));
  EXPECT_TRUE(handler_.seen.empty());
}

async::Task<absl::Status> Left(ContractHandler& handler) {
  (void)co_await handler.left.Wait();
  co_return handler.cancelled;
}

TEST_P(AnyTransport, DeadlineBeforeTheHeaders) {  // OUT-7
  EXPECT_EQ(FailureOf(Send({.url = Url("/hang")}, absl::Milliseconds(400))), Sent(Failure::kTimeout));
  EXPECT_FALSE(RunReal(loop_, Left(handler_)).ok());  // the server noticed
}

TEST_P(AnyTransport, DeadlineInTheBody) {  // OUT-7
  absl::StatusOr<Response> response = Send({.url = Url("/stall")}, absl::Milliseconds(400));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(FailureOf(std::move(response)), Sent(Failure::kTimeout));
}

async::Task<absl::Status> CancelOnArrival(async::Scope& scope, ContractHandler& handler,
                                          async::Task<absl::StatusOr<Response>> send) {
  std::optional<absl::Status> out;
  scope.Spawn([](async::Task<absl::StatusOr<Response>> task, std::optional<absl::Status>& result) -> async::Task<void> {
    const absl::StatusOr<Response> response = co_await std::move(task);
    result = response.status();
  }(std::move(send), out));
  (void)co_await handler.arrived.Wait();
  scope.Cancel();
  co_await scope.Join();
  (void)co_await handler.left.Wait();
  co_return out.value_or(absl::InternalError("no result"));
}

TEST_P(AnyTransport, CancellationReachesTheServer) {
  async::Scope scope(loop_);
  const absl::Status status =
      RunReal(loop_, CancelOnArrival(scope, handler_, transport_->Send({.url = Url("/hang")}, In(absl::Seconds(60)))));
  EXPECT_EQ(http::FailureOf(status), Sent(Failure::kCancelled)) << status;
  EXPECT_FALSE(handler_.cancelled.ok());
}

// ------------------------------------------------------------------------------------------------ sizes

TEST_P(AnyTransport, TheBodyIsCappedToTheByte) {  // OUT-3
  for (const char* path : {"/size/4096", "/chunks/4"}) {
    EXPECT_EQ(FailureOf(Send({.url = Url(path), .max_body_bytes = 4096})), std::nullopt) << path;
    absl::StatusOr<Response> response = Send({.url = Url(path), .max_body_bytes = 4095});
    ASSERT_TRUE(response.ok()) << path << ": the status is not lost: " << response.status();
    EXPECT_EQ(FailureOf(std::move(response)), Sent(Failure::kBodyTooLarge)) << path;
  }
}

TEST_P(AnyTransport, AnEndlessBodyIsCutAtTheCap) {  // OUT-3
  EXPECT_EQ(FailureOf(Send({.url = Url("/flood"), .max_body_bytes = 1 << 20})), Sent(Failure::kBodyTooLarge));
  EXPECT_LT(handler_.pulled, 1024u);  // 64 MiB; sockets hold some
}

// ------------------------------------------------------------------------------------------------ streams

async::Task<std::string> ReadFed(ContractHandler& handler, http::Body body) {
  std::string log;
  for (const std::string chunk : {"one", "two", "three"}) {
    handler.fed.push_back(chunk);
    handler.more.Notify();
    const auto next = co_await body.source->Next();  // before there is another
    if (!next.ok() || !next->has_value()) co_return absl::StrCat(log, "|ended ", next.status().ToString());
    absl::StrAppend(&log, "|", **next);
  }
  co_return log;
}

TEST_P(AnyTransport, AStreamGivesEachChunkAtOnce) {
  absl::StatusOr<Response> response = Send({.url = Url("/feed"), .streaming = true});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(RunReal(loop_, ReadFed(handler_, std::move(response->body))), "|one|two|three");
}

async::Task<std::string> ReadLate(ContractHandler& handler, http::Body body, async::BootTime deadline) {
  (void)co_await async::SleepUntil(deadline + absl::Milliseconds(1));
  co_return co_await ReadFed(handler, std::move(body));
}

TEST_P(AnyTransport, AStreamOutlivesItsDeadline) {
  const async::BootTime deadline = In(absl::Milliseconds(400));
  absl::StatusOr<Response> response =
      RunReal(loop_, transport_->Send({.url = Url("/feed"), .streaming = true}, deadline));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(RunReal(loop_, ReadLate(handler_, std::move(response->body), deadline)), "|one|two|three");
}

TEST_P(AnyTransport, ASilentStreamEndsAtItsIdleTimeout) {  // OUT-7
  absl::StatusOr<Response> response =
      Send({.url = Url("/feed"), .streaming = true, .idle_timeout = absl::Milliseconds(50)});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(FailureOf(std::move(response)), Sent(Failure::kTimeout));
}

async::Task<size_t> PullSlowly(ContractHandler& handler, http::Body body) {
  size_t taken = 0;
  size_t most_ahead = 0;
  for (int pull = 0; pull < 20; ++pull) {
    for (int turn = 0; turn < 300; ++turn) (void)co_await async::Yield();  // everybody else may run ahead
    const auto chunk = co_await body.source->Next();
    if (!chunk.ok() || !chunk->has_value()) co_return SIZE_MAX;
    taken += (*chunk)->size();
    most_ahead = std::max(most_ahead, handler.pulled * 64 * 1024 - taken);
  }
  co_return most_ahead;
}

TEST_P(AnyTransport, AStreamIsReadAtThePaceOfItsReader) {
  absl::StatusOr<Response> response = Send({.url = Url("/flood"), .streaming = true});
  ASSERT_TRUE(response.ok()) << response.status();
  const size_t ahead = RunReal(loop_, PullSlowly(handler_, std::move(response->body)));
  EXPECT_LT(ahead, size_t{16} << 20);  // what two sockets hold; without back-pressure it is hundreds of MiB
}

TEST_P(AnyTransport, ADroppedStreamLetsTheServerGo) {
  {
    absl::StatusOr<Response> response = Send({.url = Url("/stall"), .streaming = true});
    ASSERT_TRUE(response.ok()) << response.status();
  }
  EXPECT_EQ(FailureOf(Get(Url("/after"))), std::nullopt);
}

// ------------------------------------------------------------------------------------------------ odd servers

async::Task<void> SayAndClose(Wire wire, std::string text) {
  if (!co_await wire.ReadUntil("\r\n\r\n")) co_return;
  (void)co_await wire.Send(std::move(text));
}

// Reads requests without bodies and answers each; the connection stays open.
async::Task<void> KeepAnswering(Wire wire) {
  while (true) {
    const size_t start = wire.received().size();
    while (!absl::StrContains(absl::string_view(wire.received()).substr(start), "\r\n\r\n")) {
      if (!co_await wire.Read()) co_return;
    }
    if (!co_await wire.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) co_return;
  }
}

async::Task<void> ReadForEver(Wire wire) { (void)co_await wire.ReadToEnd(); }

// `head`, then `piece` again and again until the client goes away.
async::Task<void> Flood(Wire wire, std::string head, std::string piece, size_t& sent) {
  if (!co_await wire.ReadUntil("\r\n\r\n") || !co_await wire.Send(head)) co_return;
  while (co_await wire.Send(piece)) sent += piece.size();
}

TEST_P(WireTransport, MalformedAnswersAreFailures) {
  const struct {
    const char* what;
    const char* answer;
    std::optional<http::FailureDetail> cloud;
    std::optional<http::FailureDetail> probe;
  } rows[] = {
      {"fine", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", std::nullopt, std::nullopt},
      {"ends with the connection", "HTTP/1.1 200 OK\r\n\r\nok", std::nullopt, std::nullopt},
      {"no answer", "", Sent(Failure::kDisconnected), Sent(Failure::kDisconnected)},
      {"not HTTP", "SSH-2.0-x\r\n\r\n", Sent(Failure::kProtocol), Sent(Failure::kProtocol)},
      {"HTTP/0.9", "<html>\r\n\r\n", Sent(Failure::kProtocol), Sent(Failure::kProtocol)},
      {"truncated head", "HTTP/1.1 200 OK\r\nA: b", Sent(Failure::kDisconnected), Sent(Failure::kDisconnected)},
      {"truncated length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Sent(Failure::kDisconnected),
       Sent(Failure::kDisconnected)},
      {"truncated chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", Sent(Failure::kDisconnected),
       Sent(Failure::kDisconnected)},
      {"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
       Sent(Failure::kDisconnected), Sent(Failure::kDisconnected)},
      {"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", Sent(Failure::kProtocol),
       Sent(Failure::kProtocol)},
      {"encoded unasked", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
       Sent(Failure::kProtocol), Sent(Failure::kProtocol)},
      {"protocol change", "HTTP/1.1 101 Switching\r\n\r\n", Sent(Failure::kProtocol), Sent(Failure::kProtocol)},
      {"10 GiB declared", "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\nx", Sent(Failure::kBodyTooLarge),
       Sent(Failure::kBodyTooLarge)},
      {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", Sent(Failure::kProtocol),
       Sent(Failure::kProtocol)},
      {"a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", Sent(Failure::kProtocol),
       Sent(Failure::kProtocol)},
      {"a length and a word", "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok", Sent(Failure::kProtocol),
       Sent(Failure::kProtocol)},
      // OUT-4 in part, not met by the cloud profile: an interim answer is the answer.
      {"interim answer", "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
       Sent(Failure::kProtocol), std::nullopt},
  };
  for (const auto& row : rows) {
    ScriptedServer server(loop_, [&row](Wire wire) { return SayAndClose(wire, row.answer); });
    EXPECT_EQ(FailureOf(Get(UrlOf(server.port(), "/"))), cloud() ? row.cloud : row.probe) << row.what;
    EXPECT_EQ(server.connections(), 1u) << row.what;
  }
}

TEST_P(WireTransport, ARefusedConnectionWasNotSent) {
  uint16_t port = 0;
  {
    const ScriptedServer gone(loop_, [](Wire wire) { return KeepAnswering(wire); });
    port = gone.port();
  }
  EXPECT_EQ(FailureOf(Get(UrlOf(port, "/"))), NotSent(Failure::kConnect));
}

TEST_P(WireTransport, AnUnknownNameDoesNotResolve) {
  EXPECT_EQ(FailureOf(Get("http://unknown.test/")), NotSent(Failure::kResolve));
}

TEST_P(WireTransport, TheNextAddressOfANameIsTried) {
  ScriptedServer server(loop_, [](Wire wire) { return KeepAnswering(wire); });
  names_.Set("two.test", {"127.0.0.3", "127.0.0.1"});  // nobody listens on the first
  MakeTransport();
  EXPECT_EQ(FailureOf(Get(absl::StrCat("http://two.test:", server.port(), "/"))), std::nullopt);
}

TEST_P(WireTransport, TheNameTravelsInTheHostHeader) {
  EXPECT_EQ(FailureOf(Get(absl::StrCat("http://App.Test:", server_->port(), "/"))), std::nullopt);
  EXPECT_EQ(handler_.seen.at(0).headers.Get("Host"), absl::StrCat("app.test:", server_->port()));
}

TEST_P(WireTransport, ConnectsToIpv6Literals) {
  ScriptedServer server(loop_, [](Wire wire) { return KeepAnswering(wire); }, "::1");
  EXPECT_EQ(FailureOf(Get(absl::StrCat("http://[::1]:", server.port(), "/"))), std::nullopt);
  const std::string received = absl::StrReplaceAll(server.received(0), {{"Host: ", "Host:"}});
  EXPECT_TRUE(absl::StrContains(received, absl::StrCat("Host:[::1]:", server.port(), "\r\n"))) << received;
}

TEST_P(WireTransport, IgnoresProxiesOfTheEnvironment) {  // OUT-5
  ScriptedServer proxy(loop_, [](Wire wire) { return KeepAnswering(wire); });
  const std::string url = absl::StrCat("http://127.0.0.1:", proxy.port());
  const char* const names[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
  for (const char* name : names) setenv(name, url.c_str(), 1);
  MakeTransport();
  EXPECT_EQ(FailureOf(Get(Url("/"))), std::nullopt);
  for (const char* name : names) unsetenv(name);
  EXPECT_EQ(proxy.connections(), 0u);
}

TEST_P(WireTransport, AHangingResolverEndsAtTheDeadlineUnsent) {  // OUT-7
  EXPECT_EQ(FailureOf(Send({.url = "http://hang.test/"}, absl::Milliseconds(50))), NotSent(Failure::kTimeout));
}

async::Task<std::string> SendBeside(async::AsioLoop& loop, http::Transport& transport, TestNames& names,
                                    std::string url) {
  async::Scope scope(loop);
  size_t ended = 0;
  for (int i = 0; i < 100; ++i) {
    scope.Spawn([](async::Task<absl::StatusOr<Response>> task, size_t& count) -> async::Task<void> {
      (void)co_await std::move(task);
      ++count;
    }(transport.Send({.url = absl::StrCat("http://hang", i, ".test/")}, async::BootTime::Infinite()), ended));
  }
  while (names.Hanging() < 100) (void)co_await async::Yield();
  const absl::StatusOr<Response> response = co_await transport.Send({.url = url}, loop.Now().boot + absl::Seconds(60));
  const std::string result = absl::StrCat(response.ok() ? response->status : 0, " while ", 100 - ended, " hang");
  scope.Cancel();
  co_await scope.Join();  // although the resolver still hangs
  co_return result;
}

TEST_P(WireTransport, AHundredHangingNamesSlowNobody) {
  const std::string url = absl::StrCat("http://app.test:", server_->port(), "/");  // must be resolved, too
  EXPECT_EQ(RunReal(loop_, SendBeside(loop_, *transport_, names_, url)), "200 while 100 hang");
}

TEST_P(WireTransport, AnEndlessChunkedBodyIsCutAtTheCap) {  // OUT-3
  size_t sent = 0;
  ScriptedServer server(loop_, [&sent](Wire wire) {
    return Flood(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                 absl::StrCat("4000\r\n", std::string(0x4000, 'x'), "\r\n"), sent);
  });
  EXPECT_EQ(FailureOf(Get(UrlOf(server.port(), "/"))), Sent(Failure::kBodyTooLarge));
  EXPECT_LT(sent, size_t{32} << 20);
}

TEST_P(WireTransport, OneHugeChunkIsCutAtTheCap) {  // OUT-3
  size_t sent = 0;
  ScriptedServer server(loop_, [&sent](Wire wire) {
    return Flood(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n280000000\r\n",
                 std::string(64 * 1024, 'x'), sent);
  });
  const auto failure = FailureOf(Get(UrlOf(server.port(), "/")));
  // Cloud: 10 GiB overflow the library's chunk length, which it takes for a malformed one. A chunk of 1 GiB it would
  // buffer whole: not met, stated in security.md 4.2.
  EXPECT_EQ(failure, cloud() ? Sent(Failure::kProtocol) : Sent(Failure::kBodyTooLarge));
  EXPECT_LT(sent, size_t{32} << 20);
}

TEST_P(WireTransport, HeadersAreCapped) {  // OUT-4
  size_t sent = 0;
  ScriptedServer server(loop_, [&sent](Wire wire) {
    return Flood(wire, "HTTP/1.1 200 OK\r\n", absl::StrCat("X-Flood: ", std::string(1000, 'x'), "\r\n"), sent);
  });
  if (cloud()) {
    // Not met: the library reads headers without a limit, so only the deadline ends this.
    EXPECT_EQ(FailureOf(Send({.url = UrlOf(server.port(), "/")}, absl::Milliseconds(400))), Sent(Failure::kTimeout));
    return;
  }
  EXPECT_EQ(FailureOf(Get(UrlOf(server.port(), "/"))), Sent(Failure::kProtocol));
  EXPECT_LT(sent, size_t{16} << 20);
}

async::Task<void> SayAndReset(Wire wire, std::string text) {
  if (!co_await wire.ReadUntil("\r\n\r\n")) co_return;
  (void)co_await wire.Send(std::move(text));
  wire.Reset();
}

TEST_P(WireTransport, AResetIsADisconnection) {
  for (const char* text : {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"}) {
    ScriptedServer server(loop_, [text](Wire wire) { return SayAndReset(wire, text); });
    EXPECT_EQ(FailureOf(Get(UrlOf(server.port(), "/"))), Sent(Failure::kDisconnected)) << text;
  }
}

// ------------------------------------------------------------------------------------------------ TLS

class WireTls : public TransportRig {
 protected:
  void SetUp() override {
    TransportRig::SetUp();
    authority_ = MakeIdentity({}, nullptr);
    ca_file_ = absl::StrCat(testing::TempDir(), "/ottoscale-ca-", reinterpret_cast<uintptr_t>(this), ".pem");
    WritePem(authority_, ca_file_);
    Trust(ca_file_);
  }
  void TearDown() override {
    std::remove(ca_file_.c_str());
    TransportRig::TearDown();
  }
  void Trust(const std::string& ca_file) {
    if (cloud()) {
      transport_ = http::MakeCloudTransport(loop_, pool_, {.ca_file = ca_file, .resolver = names_.AsResolver()});
      return;
    }
    auto probe = http::MakeProbeTransport(
        loop_, pool_, {.ca_file = ca_file, .allow_cidrs = {"127.0.0.0/8", "::1"}, .resolver = names_.AsResolver()});
    ASSERT_TRUE(probe.ok()) << probe.status();
    transport_ = *std::move(probe);
  }

  Identity authority_;
  std::string ca_file_;
};

TEST_P(WireTls, TalksToTheHostThatTheCertificateNames) {  // OUT-9
  struct Row {
    const char* host;
    const char* names;
    const char* address;
    const char* sni;
  };
  for (const Row& row : {Row{"app.test", "DNS:app.test", "127.0.0.1", "app.test"},
                         Row{"127.0.0.1", "IP:127.0.0.1", "127.0.0.1", ""}, Row{"[::1]", "IP:::1", "::1", ""}}) {
    TlsServer server(loop_, MakeIdentity({.names = row.names}, &authority_), row.address);
    const absl::StatusOr<Response> response = Get(absl::StrCat("https://", row.host, ":", server.port(), "/x?y"));
    ASSERT_TRUE(response.ok()) << row.host << ": " << response.status();
    EXPECT_EQ(response->body.text, "ok");
    EXPECT_EQ(server.names, std::vector<std::string>{row.sni}) << row.host;
    EXPECT_TRUE(absl::StartsWith(server.received, "GET /x?y HTTP/1.1\r\n")) << server.received;
  }
}

TEST_P(WireTls, SendsNothingToAnybodyElse) {  // OUT-9
  const Identity stranger = MakeIdentity({}, nullptr);
  const Identity leaf = MakeIdentity({.names = "DNS:leaf.test"}, &authority_);
  const struct {
    const char* what;
    Identity identity;
    const char* why;
  } rows[] = {
      {"another name", MakeIdentity({.names = "DNS:other.test"}, &authority_), "certificate"},
      {"an address instead of the name", MakeIdentity({.names = "IP:127.0.0.1"}, &authority_), "certificate"},
      {"expired", MakeIdentity({.names = "DNS:app.test", .from_now = -7200, .until_now = -3600}, &authority_),
       "expired"},
      {"not valid yet", MakeIdentity({.names = "DNS:app.test", .from_now = 3600, .until_now = 7200}, &authority_),
       "not yet valid"},
      {"signed by itself", MakeIdentity({.names = "DNS:app.test"}, nullptr), "certificate"},
      {"another authority", MakeIdentity({.names = "DNS:app.test"}, &stranger), "certificate"},
      {"a leaf as authority", MakeIdentity({.names = "DNS:app.test"}, &leaf), "certificate"},
  };
  for (const auto& row : rows) {
    TlsServer server(loop_, row.identity);
    const absl::StatusOr<Response> response = Get(absl::StrCat("https://app.test:", server.port(), "/"));
    EXPECT_EQ(http::FailureOf(response.status()), NotSent(Failure::kTls)) << row.what;
    EXPECT_TRUE(absl::StrContains(response.status().message(), row.why)) << row.what << ": " << response.status();
    EXPECT_EQ(server.received, "") << row.what;
    EXPECT_GE(server.connections, 1u) << row.what;
  }
}

TEST_P(WireTls, APlainServerIsATlsFailure) {
  EXPECT_EQ(FailureOf(Get(absl::StrCat("https://app.test:", server_->port(), "/"))), NotSent(Failure::kTls));
  EXPECT_TRUE(handler_.seen.empty());
}

TEST_P(WireTls, OldProtocolsAreRefused) {  // OUT-9
  TlsServer server(loop_, MakeIdentity({.names = "DNS:app.test"}, &authority_));
  server.LimitTo(TLS1_1_VERSION);
  EXPECT_EQ(FailureOf(Get(absl::StrCat("https://app.test:", server.port(), "/"))), NotSent(Failure::kTls));
}

TEST_P(WireTls, OnlyTheGivenAuthorityIsTrusted) {
  const Identity other = MakeIdentity({}, nullptr);
  const std::string other_file = absl::StrCat(ca_file_, ".other");
  WritePem(other, other_file);
  Trust(other_file);
  std::remove(other_file.c_str());
  TlsServer server(loop_, MakeIdentity({.names = "DNS:app.test"}, &authority_));
  EXPECT_EQ(FailureOf(Get(absl::StrCat("https://app.test:", server.port(), "/"))), NotSent(Failure::kTls));
}

TEST_P(WireTls, AHandshakeThatHangsEndsAtTheDeadlineUnsent) {  // OUT-7
  ScriptedServer silent(loop_, [](Wire wire) { return ReadForEver(wire); });
  const auto failure =
      FailureOf(Send({.url = absl::StrCat("https://app.test:", silent.port(), "/")}, absl::Milliseconds(100)));
  EXPECT_EQ(failure, NotSent(Failure::kTimeout));
}

TEST_P(WireTls, AFileWithoutCertificatesTrustsNobody) {
  const std::string missing = absl::StrCat(ca_file_, ".missing");
  TlsServer server(loop_, MakeIdentity({.names = "DNS:app.test"}, &authority_));
  if (probe()) {
    const absl::Status status = http::MakeProbeTransport(loop_, pool_, {.ca_file = missing}).status();
    EXPECT_TRUE(absl::StrContains(status.message(), missing)) << status;
    return;
  }
  Trust(missing);
  const absl::StatusOr<Response> response = Get(absl::StrCat("https://app.test:", server.port(), "/"));
  EXPECT_EQ(http::FailureOf(response.status()), NotSent(Failure::kTls));
}

TEST_P(WireTls, AHandshakeThatHangsIsGivenUpAfterTheConnectTimeout) {
  if (!cloud()) return;  // the probe profile divides what is left of the deadline instead
  ScriptedServer silent(loop_, [](Wire wire) { return ReadForEver(wire); });
  transport_ = http::MakeCloudTransport(loop_, pool_,
                                        {.connect_timeout = absl::Milliseconds(50), .resolver = names_.AsResolver()});
  EXPECT_EQ(FailureOf(Get(absl::StrCat("https://app.test:", silent.port(), "/"))), NotSent(Failure::kConnect));
}

// ------------------------------------------------------------------------------------------------ identities

// The cloud profile as a Kubernetes client: what a kubeconfig may ask for.
class CloudIdentity : public WireTls {
 protected:
  absl::StatusOr<Response> GetWith(http::TlsOptions tls, const std::string& url) {
    tls_ = std::move(tls);
    transport_ = http::MakeCloudTransport(loop_, pool_,
                                          {.ca_file = "/nonexistent", .tls = tls_, .resolver = names_.AsResolver()});
    return Get(url);
  }
  std::string Https(const char* host, const TlsServer& server) {
    return absl::StrCat("https://", host, ":", server.port(), "/");
  }
  http::TlsOptions tls_;
};

TEST_P(CloudIdentity, AuthoritiesAsTextAreTheOnlyOnes) {
  const Identity other = MakeIdentity({}, nullptr);
  TlsServer server(loop_, MakeIdentity({.names = "DNS:app.test"}, &authority_));
  const std::string both = absl::StrCat("a comment\n", PemOf(other), PemOf(authority_));
  EXPECT_EQ(GetWith({.ca_pem = both}, Https("app.test", server)).status(), absl::OkStatus());
  for (const std::string& wrong : {PemOf(other), std::string("no PEM")}) {
    EXPECT_EQ(FailureOf(GetWith({.ca_pem = wrong}, Https("app.test", server))), NotSent(Failure::kTls));
  }
}

TEST_P(CloudIdentity, TheClientCertificateIsShown) {
  const Identity clients = MakeIdentity({}, nullptr);
  const Identity me = MakeIdentity({.names = "DNS:me"}, &clients);
  TlsServer server(loop_, MakeIdentity({.names = "DNS:app.test"}, &authority_));
  server.RequireClient(clients);
  const http::TlsOptions tls{
      .ca_pem = PemOf(authority_), .certificate_pem = PemOf(me), .key_pem = Secret(KeyPemOf(me))};
  EXPECT_EQ(http::CheckTls(tls), absl::OkStatus());
  EXPECT_EQ(GetWith(tls, Https("app.test", server)).status(), absl::OkStatus());
  EXPECT_EQ(server.clients, std::vector<long>{SerialOf(me)});
  // Without one the server ends the connection, and TLS 1.3 tells that only with the first answer.
  EXPECT_EQ(FailureOf(GetWith({.ca_pem = PemOf(authority_)}, Https("app.test", server))), Sent(Failure::kDisconnected));
}

TEST_P(CloudIdentity, AnUnusableIdentityIsSaid) {
  const Identity me = MakeIdentity({.names = "DNS:me"}, &authority_);
  const Identity other = MakeIdentity({.names = "DNS:me"}, &authority_);
  const struct {
    http::TlsOptions tls;
    const char* why;
  } rows[] = {
      {{.ca_pem = "x"}, "the certificate authority holds no PEM certificate"},
      {{.certificate_pem = "x", .key_pem = Secret(KeyPemOf(me))}, "the client certificate holds no PEM certificate"},
      {{.certificate_pem = PemOf(me)}, "the client key holds no PEM private key, or one that is locked by a password"},
      {{.certificate_pem = PemOf(me), .key_pem = Secret(KeyPemOf(other))},
       "the client key does not belong to the client certificate"},
  };
  for (const auto& row : rows) EXPECT_EQ(http::CheckTls(row.tls), absl::InvalidArgumentError(row.why));
}

TEST_P(CloudIdentity, AnotherServerNameIsAskedForAndVerified) {
  const std::string ca = PemOf(authority_);
  TlsServer server(loop_, MakeIdentity({.names = "DNS:api.internal"}, &authority_));
  for (const char* host : {"127.0.0.1", "app.test"}) {
    const auto response = GetWith({.ca_pem = ca, .server_name = "api.internal"}, Https(host, server));
    EXPECT_EQ(response.status(), absl::OkStatus()) << host;
    EXPECT_EQ(server.names.back(), "api.internal");
    EXPECT_EQ(FailureOf(GetWith({.ca_pem = ca, .server_name = "other.internal"}, Https(host, server))),
              NotSent(Failure::kTls));
  }
}

TEST_P(CloudIdentity, InsecureBelievesAnybody) {
  const Identity stranger = MakeIdentity({}, nullptr);
  TlsServer server(loop_, MakeIdentity({.names = "DNS:other.test", .from_now = -20, .until_now = -10}, &stranger));
  EXPECT_EQ(GetWith({.insecure = true}, Https("127.0.0.1", server)).status(), absl::OkStatus());
  EXPECT_EQ(FailureOf(GetWith({}, Https("127.0.0.1", server))), NotSent(Failure::kTls));
}

// Copies what comes on one wire to the other until it ends.
async::Task<void> Copy(Wire from, Wire to) {
  size_t done = 0;
  while (co_await from.Read()) {
    if (!co_await to.Send(from.received().substr(done))) break;
    done = from.received().size();
  }
  to.Close();
}

// A proxy: connects to `port`, whatever it is asked for.
async::Task<void> Tunnel(Wire wire, async::AsioLoop& loop, uint16_t port, std::string answer) {
  if (!co_await wire.ReadUntil("\r\n\r\n")) co_return;
  wire.Forget();
  Wire inner(loop);
  if (!co_await inner.Connect("127.0.0.1", port)) co_return;
  if (!co_await wire.Send(std::move(answer))) co_return;
  async::Scope scope(co_await async::CurrentContext());
  scope.Spawn(Copy(wire, inner));
  scope.Spawn(Copy(inner, wire));
  co_await scope.Join();
}

TEST_P(CloudIdentity, AProxyIsAskedToConnectAndResolves) {
  TlsServer server(loop_, MakeIdentity({.names = "DNS:only.the.proxy.knows"}, &authority_));
  std::string answer = "HTTP/1.1 200 Connection established\r\n\r\n";
  ScriptedServer proxy(loop_, [&](Wire wire) { return Tunnel(wire, loop_, server.port(), answer); });
  const http::CloudOptions options{.tls = {.ca_pem = PemOf(authority_)},
                                   .proxy = absl::StrCat("http://127.0.0.1:", proxy.port()),
                                   .resolver = names_.AsResolver()};
  transport_ = http::MakeCloudTransport(loop_, pool_, options);
  const std::string url = Https("only.the.proxy.knows", server);
  EXPECT_EQ(Get(url).status(), absl::OkStatus());
  EXPECT_EQ(server.names, std::vector<std::string>{"only.the.proxy.knows"});
  for (const char* bad : {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "what?\r\n\r\n"}) {
    answer = bad;
    transport_ = http::MakeCloudTransport(loop_, pool_, options);
    const auto refused = Get(url);
    EXPECT_EQ(http::FailureOf(refused.status()), NotSent(Failure::kConnect)) << refused.status();
  }
}

TEST_P(CloudTransportRow, AHeaderThatComesTwiceIsTwoLines) {
  ScriptedServer server(loop_, [](Wire wire) { return KeepAnswering(wire); });
  const http::Headers headers{{"Impersonate-Group", "a"}, {"X-Other", "1"}, {"Impersonate-Group", "b, c"}};
  EXPECT_EQ(FailureOf(Send({.url = UrlOf(server.port(), "/"), .headers = headers})), std::nullopt);
  EXPECT_TRUE(absl::StrContains(server.received(0), "\r\nImpersonate-Group:a\r\nImpersonate-Group: b, c\r\n"))
      << server.received(0);
}

// ------------------------------------------------------------------------------------------------ connections

TEST_P(CloudTransportRow, ConnectionsAreKept) {
  ScriptedServer server(loop_, [](Wire wire) { return KeepAnswering(wire); });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(FailureOf(Get(UrlOf(server.port(), "/"))), std::nullopt);
  EXPECT_LT(server.connections(), 10u);  // a connection may still be on its way back to the pool
}

TEST_P(CloudTransportRow, TwoCredentialsShareNoConnection) {  // OUT-10
  ScriptedServer server(loop_, [](Wire wire) { return KeepAnswering(wire); });
  const std::string url = UrlOf(server.port(), "/");
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(FailureOf(Send({.url = url, .credential = Secret("aaa")})), std::nullopt);
    EXPECT_EQ(FailureOf(Send({.url = url, .credential = Secret("bbb")})), std::nullopt);
    EXPECT_EQ(FailureOf(Send({.url = url, .headers = {{"X-Auth-Token", "ccc"}}})), std::nullopt);
    EXPECT_EQ(FailureOf(Get(url)), std::nullopt);
  }
  for (size_t i = 0; i < server.connections(); ++i) {
    const std::string received = server.received(i);
    const size_t requests = static_cast<size_t>(std::count(received.begin(), received.end(), '\n')) / 2;
    EXPECT_GT(requests, 0u);
    const int kinds =
        absl::StrContains(received, "aaa") + absl::StrContains(received, "bbb") + absl::StrContains(received, "ccc");
    EXPECT_LE(kinds, 1) << received;
    if (kinds == 0) continue;
    size_t gets = 0;
    size_t tokens = 0;
    for (size_t at = 0; (at = received.find("GET /", at)) != std::string::npos; ++at) ++gets;
    for (const char* token : {"aaa", "bbb", "ccc"}) {
      for (size_t at = 0; (at = received.find(token, at)) != std::string::npos; ++at) ++tokens;
    }
    EXPECT_EQ(gets, tokens) << "a request without a credential went over a connection with one";
  }
}

// Answers GETs; a POST is read and the connection closed without a word.
async::Task<void> DropPosts(Wire wire) {
  while (true) {
    const size_t start = wire.received().size();
    while (!absl::StrContains(absl::string_view(wire.received()).substr(start), "\r\n\r\n")) {
      if (!co_await wire.Read()) co_return;
    }
    if (absl::StrContains(wire.received(), "POST")) co_return;
    if (!co_await wire.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) co_return;
  }
}

TEST_P(CloudTransportRow, AtMostOnceUsesAFreshConnectionAndIsNotRepeated) {  // OUT-8
  ScriptedServer server(loop_, [](Wire wire) { return DropPosts(wire); });
  const std::string url = UrlOf(server.port(), "/");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(FailureOf(Get(url)), std::nullopt);  // connections to reuse
  const size_t before = server.connections();
  EXPECT_EQ(FailureOf(Send({.method = "POST", .url = url, .at_most_once = true})), Sent(Failure::kDisconnected));
  EXPECT_EQ(server.connections(), before + 1);
  size_t posts = 0;
  for (size_t i = 0; i < server.connections(); ++i) posts += absl::StrContains(server.received(i), "POST") ? 1 : 0;
  EXPECT_EQ(posts, 1u);
}

TEST_P(CloudTransportRow, OtherWritesMayBeSentTwice) {  // OUT-8: the reason for at_most_once
  ScriptedServer server(loop_, [](Wire wire) { return DropPosts(wire); });
  const std::string url = UrlOf(server.port(), "/");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(FailureOf(Get(url)), std::nullopt);
  // Not met: on a kept connection that dies the library repeats the request by itself. So whatever is seen here, the
  // outcome counts as unknown.
  EXPECT_EQ(FailureOf(Send({.method = "POST", .url = url})), Sent(Failure::kDisconnected));
}

// ------------------------------------------------------------------------------------------------ tenants' URLs

TEST_P(ProbeTransportRow, TakesItsTimesAtTheSocket) {
  const absl::StatusOr<Response> response = Get(Url("/chunks/3"));
  ASSERT_TRUE(response.ok()) << response.status();
  const http::Times& times = response->times;
  EXPECT_GT(times.connected, absl::ZeroDuration());
  EXPECT_GE(times.sent, times.connected);
  EXPECT_GT(times.headers, absl::ZeroDuration());
  EXPECT_GE(times.total, times.headers);
}

TEST_P(ProbeTransportRow, EachProbeHasAConnectionOfItsOwn) {
  ScriptedServer server(loop_, [](Wire wire) { return KeepAnswering(wire); });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(FailureOf(Get(UrlOf(server.port(), "/"))), std::nullopt);
  EXPECT_EQ(server.connections(), 3u);
}

TEST_P(ProbeTransportRow, NoSpellingOfLoopbackConnects) {  // OUT-6, OUT-11
  ScriptedServer v4(loop_, [](Wire wire) { return KeepAnswering(wire); }, "0.0.0.0");
  ScriptedServer v6(loop_, [](Wire wire) { return KeepAnswering(wire); }, "::");
  const char* const hosts[] = {"127.0.0.1",
                               "127.1",
                               "127.0.1",
                               "0x7f000001",
                               "2130706433",
                               "017700000001",
                               "0177.0.0.1",
                               "0x7f.1",
                               "127.0.0.1.",
                               "127.255.255.254",
                               "0",
                               "0.0.0.0",
                               "0x0",
                               "localhost",
                               "LOCALHOST",
                               "localhost.",
                               "[::1]",
                               "[::]",
                               "[0:0:0:0:0:0:0:1]",
                               "[::ffff:127.0.0.1]",
                               "[::ffff:7f00:1]",
                               "[::127.0.0.1]",
                               "[64:ff9b::127.0.0.1]",
                               "[2002:7f00:1::]",
                               "evil@127.0.0.1",
                               "127.0.0.1%00.example.com",
                               "\xE2\x91\xA0\xE2\x91\xA1\xE2\x91\xA6.0.0.1"};
  for (const uint16_t port : {v4.port(), v6.port()}) {
    auto filtered = http::MakeProbeTransport(loop_, pool_, {.allow_ports = {port}});
    ASSERT_TRUE(filtered.ok());
    transport_ = *std::move(filtered);
    for (const char* host : hosts) {
      const absl::StatusOr<Response> response = Get(absl::StrCat("http://", host, ":", port, "/"));
      EXPECT_FALSE(response.ok()) << host;
      EXPECT_FALSE(http::FailureOf(response.status()).maybe_sent) << host;
    }
  }
  EXPECT_EQ(v4.connections(), 0u);
  EXPECT_EQ(v6.connections(), 0u);
}

TEST_P(ProbeTransportRow, OneDeniedAddressDeniesTheName) {  // OUT-6
  ScriptedServer server(loop_, [](Wire wire) { return KeepAnswering(wire); });
  names_.Set("mixed.test", {"127.0.0.1", "10.0.0.1"});
  MakeTransport();
  EXPECT_EQ(FailureOf(Get(absl::StrCat("http://mixed.test:", server.port(), "/"))), NotSent(Failure::kAddressDenied));
  EXPECT_EQ(server.connections(), 0u);
}

TEST_P(ProbeTransportRow, TheCheckedAddressIsTheConnectedOne) {  // OUT-6: rebinding
  ScriptedServer allowed(loop_, [](Wire wire) { return KeepAnswering(wire); }, "127.0.0.2");
  auto asked = std::make_shared<std::atomic<int>>(0);
  http::Resolver rebinding = [asked](const std::string&) -> absl::StatusOr<std::vector<std::string>> {
    return std::vector<std::string>{++*asked == 1 ? "127.0.0.2" : "127.0.0.1"};
  };
  auto probe = http::MakeProbeTransport(loop_, pool_, {.allow_cidrs = {"127.0.0.2"}, .resolver = rebinding});
  ASSERT_TRUE(probe.ok());
  transport_ = *std::move(probe);
  const std::string url = absl::StrCat("http://rebind.test:", allowed.port(), "/");
  EXPECT_EQ(FailureOf(Get(url)), std::nullopt);
  EXPECT_EQ(*asked, 1);  // the connection took the address that was checked
  EXPECT_EQ(FailureOf(Get(url)), NotSent(Failure::kAddressDenied));
  EXPECT_EQ(allowed.connections(), 1u);
}

TEST_P(ProbeTransportRow, RefusesLongUrlsAndOtherSchemes) {  // OUT-15
  EXPECT_EQ(FailureOf(Get(absl::StrCat(Url("/"), std::string(2048, 'x')))), NotSent(Failure::kInvalidRequest));
  EXPECT_EQ(FailureOf(Get("ftp://127.0.0.1/")), NotSent(Failure::kInvalidRequest));
  EXPECT_EQ(FailureOf(Get("file:///etc/passwd")), NotSent(Failure::kInvalidRequest));
}

}  // namespace ottoscale::contracts
