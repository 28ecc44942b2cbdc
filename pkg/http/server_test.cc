#include "pkg/http/server.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/async/signal.h"
#include "test/contracts/wire.h"

namespace ottoscale::http {
namespace {

using contracts::RunReal;
using contracts::Wire;

// A body that the test feeds.
struct Feed {
  std::vector<std::string> chunks;
  bool ended = false;
  absl::Status failed;
  absl::Status cut;  // why a wait in Next ended, when it was not by the feed
  size_t pulled = 0;
  async::Signal more;
  async::Signal noticed;
  void Push(std::string chunk) {
    chunks.push_back(std::move(chunk));
    more.Notify();
  }
};

class FedBody final : public BodySource {
 public:
  explicit FedBody(Feed& feed) : feed_(feed) {}
  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    while (true) {
      if (feed_.pulled < feed_.chunks.size()) co_return feed_.chunks[feed_.pulled++];
      if (!feed_.failed.ok()) co_return feed_.failed;
      if (feed_.ended) co_return std::nullopt;
      feed_.cut = co_await feed_.more.Wait();
      if (!feed_.cut.ok()) {
        feed_.noticed.Notify();
        co_return feed_.cut;
      }
    }
  }

 private:
  Feed& feed_;
};

class TestHandler final : public Handler {
 public:
  async::Task<Response> Handle(ServerRequest request) override {
    seen.push_back(request);
    if (request.path == "/stream") co_return Response{.body = Body(std::make_unique<FedBody>(feed))};
    if (request.path == "/split") co_return Response{.headers = {{"A", "b\r\nC: d"}}};
    if (request.path == "/hang") {
      hanging.Notify();
      cancelled = co_await release.Wait();
      done.Notify();
    }
    co_return Response{.headers = {{"X-A", "1"}, {"Content-Length", "99"}},
                       .body = request.method + " " + request.path};
  }
  std::vector<ServerRequest> seen;
  Feed feed;
  absl::Status cancelled;
  async::Signal hanging;
  async::Signal release;
  async::Signal done;
};

class ServerTest : public testing::Test {
 protected:
  void Start(ServerOptions options = {}) {
    auto server = Listen(loop_, handler_, options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  void TearDown() override {
    if (server_ != nullptr) RunReal(loop_, server_->Stop(loop_.Now().boot));
  }
  // Sends bytes on a fresh connection and reads until the server closes.
  static async::Task<std::string> Exchange(Wire wire, uint16_t port, std::string bytes) {
    if (!co_await wire.Connect("127.0.0.1", port)) co_return "no connection";
    (void)co_await wire.Send(std::move(bytes));
    co_return co_await wire.ReadToEnd();
  }
  std::string Say(std::string bytes) {
    return RunReal(loop_, Exchange(Wire(loop_), server_->port(), std::move(bytes)));
  }

  async::AsioLoop loop_;
  TestHandler handler_;
  std::unique_ptr<Server> server_;
};

constexpr char kClose[] = "Host: a\r\nConnection: close\r\n\r\n";

TEST_F(ServerTest, AnswersWithTheHandlersResponse) {
  Start();
  EXPECT_EQ(Say(absl::StrCat("GET /x%2Fy?q=1 HTTP/1.1\r\nX: y\r\n", kClose)),
            "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 10\r\nConnection: close\r\n\r\nGET /x%2Fy");
  const ServerRequest& seen = handler_.seen.at(0);
  EXPECT_EQ(seen.path, "/x%2Fy");
  EXPECT_EQ(seen.query, "q=1");
  EXPECT_EQ(seen.headers.Get("x"), "y");
  EXPECT_EQ(seen.peer, "127.0.0.1");
}

TEST_F(ServerTest, ReadsBodiesOfBothFramings) {
  Start();
  Say(absl::StrCat("POST /a HTTP/1.1\r\nContent-Length: 4\r\n", kClose, "text"));
  Say(absl::StrCat("POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", kClose, "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"));
  EXPECT_EQ(handler_.seen.at(0).body, "text");
  EXPECT_EQ(handler_.seen.at(1).body, "abc");
}

TEST_F(ServerTest, KeepsTheConnectionAndServesPipelinedRequests) {
  Start();
  const std::string answer = Say(absl::StrCat("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\n", kClose));
  EXPECT_TRUE(absl::StrContains(answer, "GET /1HTTP/1.1 200 OK")) << answer;
  EXPECT_TRUE(absl::EndsWith(answer, "GET /2"));
}

TEST_F(ServerTest, HeadHasTheLengthButNoBody) {
  Start();
  const std::string answer = Say(absl::StrCat("HEAD /x HTTP/1.1\r\n", kClose));
  EXPECT_TRUE(absl::StrContains(answer, "Content-Length: 7\r\n"));
  EXPECT_TRUE(absl::EndsWith(answer, "\r\n\r\n"));
}

TEST_F(ServerTest, RefusesWhatItCannotRead) {
  Start({.max_body_bytes = 100});
  const struct {
    const char* what;
    std::string bytes;
    absl::string_view status;
  } rows[] = {
      {"garbage", "\x16\x03\x01 hello\r\n\r\n", "400"},
      {"no version", "GET /\r\n\r\n", "400"},
      {"no host", "GET / HTTP/1.1\r\n\r\n", "400"},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
      {"no slash", "GET x HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"},
      {"two framings", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "400"},
      {"long header", absl::StrCat("GET / HTTP/1.1\r\nX: ", std::string(17000, 'x'), "\r\n\r\n"), "431"},
      {"declared too long", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", "413"},
      {"declared 10 GiB", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10737418240\r\n\r\n", "413"},
      {"chunked too long",
       absl::StrCat("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n", std::string(101, 'x'),
                    "\r\n0\r\n\r\n"),
       "413"},
  };
  for (const auto& row : rows) {
    EXPECT_TRUE(absl::StartsWith(Say(row.bytes), absl::StrCat("HTTP/1.1 ", row.status))) << row.what;
  }
  EXPECT_TRUE(handler_.seen.empty());
}

TEST_F(ServerTest, AHandlerCannotSplitTheResponse) {
  Start();
  EXPECT_TRUE(absl::StartsWith(Say(absl::StrCat("GET /split HTTP/1.1\r\n", kClose)), "HTTP/1.1 500"));
}

TEST_F(ServerTest, ContinuesWhenAsked) {
  Start();
  const std::string answer =
      Say(absl::StrCat("POST /c HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n", kClose, "x"));
  EXPECT_TRUE(absl::StartsWith(answer, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")) << answer;
}

TEST_F(ServerTest, AnswersHttp10WithoutChunks) {
  Start();
  handler_.feed.Push("one");
  handler_.feed.ended = true;
  EXPECT_EQ(Say("GET /stream HTTP/1.0\r\n\r\n"), "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\none");
}

async::Task<std::string> ReadStream(Wire wire, uint16_t port, Feed& feed) {
  if (!co_await wire.Connect("127.0.0.1", port)) co_return "no connection";
  (void)co_await wire.Send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  (void)co_await wire.ReadUntil("\r\n\r\n");  // the head comes before there is any chunk
  for (const std::string chunk : {"first", "second"}) {
    feed.Push(chunk);
    (void)co_await wire.ReadUntil(chunk + "\r\n");  // and each chunk before there is another
  }
  feed.ended = true;
  feed.more.Notify();
  (void)co_await wire.ReadUntil("0\r\n\r\n");
  co_return wire.received();
}

TEST_F(ServerTest, FlushesEachChunk) {
  Start();
  const std::string answer = RunReal(loop_, ReadStream(Wire(loop_), server_->port(), handler_.feed));
  EXPECT_EQ(answer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n");
}

TEST_F(ServerTest, ABrokenBodyHasNoLastChunk) {
  Start();
  handler_.feed.Push("x");
  handler_.feed.failed = absl::InternalError("broken");
  EXPECT_TRUE(absl::EndsWith(Say("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"), "1\r\nx\r\n"));
}

async::Task<absl::Status> LeaveWhileHanging(Wire wire, uint16_t port, TestHandler& handler) {
  if (!co_await wire.Connect("127.0.0.1", port)) co_return absl::InternalError("no connection");
  (void)co_await wire.Send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
  (void)co_await handler.hanging.Wait();
  wire.Close();
  (void)co_await handler.done.Wait();
  co_return handler.cancelled;
}

TEST_F(ServerTest, AClientThatLeavesCancelsTheHandler) {
  Start();
  EXPECT_TRUE(absl::IsCancelled(RunReal(loop_, LeaveWhileHanging(Wire(loop_), server_->port(), handler_))));
}

async::Task<absl::Status> LeaveStream(Wire wire, uint16_t port, Feed& feed) {
  if (!co_await wire.Connect("127.0.0.1", port)) co_return absl::InternalError("no connection");
  (void)co_await wire.Send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  feed.Push("x");
  (void)co_await wire.ReadUntil("x\r\n");
  wire.Close();
  (void)co_await feed.noticed.Wait();
  co_return feed.cut;
}

TEST_F(ServerTest, AClientThatLeavesCancelsTheStream) {
  Start();
  EXPECT_TRUE(absl::IsCancelled(RunReal(loop_, LeaveStream(Wire(loop_), server_->port(), handler_.feed))));
}

async::Task<std::string> StopWhileHanging(Wire busy, Wire idle, Wire streaming, async::AsioLoop& loop,
                                          TestHandler& handler, Server& server, async::BootTime deadline,
                                          bool release) {
  for (Wire* wire : {&busy, &idle, &streaming}) {
    if (!co_await wire->Connect("127.0.0.1", server.port())) co_return "no connection";
  }
  (void)co_await busy.Send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
  (void)co_await handler.hanging.Wait();
  (void)co_await streaming.Send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  (void)co_await streaming.ReadUntil("\r\n\r\n");
  async::Scope scope(loop);
  scope.Spawn(server.Stop(deadline));
  const std::string idled = co_await idle.ReadToEnd();
  const std::string streamed = co_await streaming.ReadToEnd();
  if (release) handler.release.Notify();
  const std::string answered = co_await busy.ReadToEnd();
  co_await scope.Join();
  Wire late(loop);
  const bool accepted = co_await late.Connect("127.0.0.1", server.port());
  co_return absl::StrCat(idled.size(), "|", absl::EndsWith(streamed, "0\r\n\r\n") ? "ended" : "cut", "|",
                         answered.substr(0, 15), "|", accepted ? "accepted" : "refused");
}

TEST_F(ServerTest, StopLetsRunningAnswersFinish) {
  Start();
  EXPECT_EQ(RunReal(loop_, StopWhileHanging(Wire(loop_), Wire(loop_), Wire(loop_), loop_, handler_, *server_,
                                            async::BootTime::Infinite(), true)),
            "0|cut|HTTP/1.1 200 OK|refused");
  EXPECT_TRUE(handler_.cancelled.ok());
}

TEST_F(ServerTest, StopCutsWhatRunsBeyondItsDeadline) {
  Start();
  EXPECT_EQ(RunReal(loop_, StopWhileHanging(Wire(loop_), Wire(loop_), Wire(loop_), loop_, handler_, *server_,
                                            loop_.Now().boot + absl::Milliseconds(50), false)),
            "0|cut||refused");
  EXPECT_TRUE(absl::IsCancelled(handler_.cancelled));
}

async::Task<std::string> FillUp(Wire first, Wire second, Wire third, uint16_t port) {
  for (Wire* wire : {&first, &second}) {
    if (!co_await wire->Connect("127.0.0.1", port)) co_return "no connection";
    (void)co_await wire->Send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    (void)co_await wire->ReadUntil("GET /x");
  }
  (void)co_await third.Connect("127.0.0.1", port);
  co_return absl::StrCat("third: ", co_await third.ReadToEnd());
}

TEST_F(ServerTest, ClosesSilentSlowAndIdleConnections) {
  Start({.header_timeout = absl::Milliseconds(200), .idle_timeout = absl::Milliseconds(30)});
  EXPECT_EQ(Say(""), "");
  EXPECT_EQ(Say("GET / HTTP/1.1\r\nHost:"), "");
  EXPECT_TRUE(absl::EndsWith(Say("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"), "GET /x"));
}

TEST_F(ServerTest, ClosesConnectionsOverItsCap) {
  Start({.max_connections = 2});
  EXPECT_EQ(RunReal(loop_, FillUp(Wire(loop_), Wire(loop_), Wire(loop_), server_->port())), "third: ");
}

async::Task<bool> Reach(Wire wire, std::string address, uint16_t port) {
  co_return co_await wire.Connect(address, port);
}

TEST_F(ServerTest, TheAnyAddressListensOnBothFamilies) {
  Start({.address = "::"});
  EXPECT_TRUE(RunReal(loop_, Reach(Wire(loop_), "127.0.0.1", server_->port())));
  EXPECT_TRUE(RunReal(loop_, Reach(Wire(loop_), "::1", server_->port())));
}

TEST_F(ServerTest, ListenSaysWhatIsWrong) {
  Start();
  const absl::Status taken = Listen(loop_, handler_, {.port = server_->port()}).status();
  EXPECT_TRUE(absl::StrContains(taken.message(), absl::StrCat("listen on 127.0.0.1 port ", server_->port(), ": ")))
      << taken;
  EXPECT_EQ(Listen(loop_, handler_, {.address = "localhost"}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace ottoscale::http
