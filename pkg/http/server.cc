// Note [One connection]
//
// One task per connection: wait for a byte, read the head, read the body, answer, again. Its state says what Stop() may
// do with it: an idle one is closed at once, a streaming one is cancelled, all others may finish. While the handler
// runs, a wait for readability stands beside it: readable without a byte to read is a client that has gone away.

#include "pkg/http/server.h"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <list>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "pkg/async/deadline.h"
#include "pkg/async/scope.h"
#include "pkg/async/sleep.h"
#include "pkg/base/text.h"
#include "pkg/http/check_request.h"
#include "pkg/http/socket_io.h"

namespace ottoscale::http {
namespace {

namespace beast = boost::beast;
using boost::asio::ip::tcp;
using boost::system::error_code;
using Parser = beast::http::request_parser<beast::http::string_body>;

constexpr uint32_t kMaxHeaderBytes = 16 * 1024;
constexpr absl::Duration kBodyTimeout = absl::Seconds(60);
constexpr absl::Duration kWriteTimeout = absl::Seconds(60);       // of one chunk, to a client that does not read
constexpr absl::Duration kLingerTimeout = absl::Seconds(2);       // for the client to read a refusal before the reset
constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);  // after an accept failed: no descriptors left

enum class State { kIdle, kReading, kAnswering, kStreaming };

struct Session {
  explicit Session(boost::asio::io_context& io) : socket(io) {}
  tcp::socket socket;
  std::string peer;
  beast::flat_buffer buffer{64 * 1024};  // bounds what a chunk header may be
  std::optional<Parser> parser;
  State state = State::kIdle;
  async::Context* answering = nullptr;  // while the handler or its body runs
  bool watching = false;                // a wait for readability is pending
};

// What the head of the answer depends on.
struct Exchange {
  bool head = false;  // the request was a HEAD
  bool http_1_0 = false;
  bool keep_alive = false;
};

absl::string_view FromBeast(beast::string_view text) { return {text.data(), text.size()}; }

Response Plain(int status) {
  const std::string text(FromBeast(beast::http::obsolete_reason(static_cast<beast::http::status>(status))));
  return {.status = status, .headers = {{"Content-Type", "text/plain"}}, .body = text + "\n"};
}

// The status for a request that could not be read; nullopt when there is nobody to tell.
std::optional<int> RefusalOf(const error_code& error) {
  if (error == beast::http::error::header_limit) return 431;
  if (error == beast::http::error::body_limit) return 413;
  if (error == beast::http::error::end_of_stream || error == beast::http::error::partial_message) return std::nullopt;
  const bool parsing = error.category() == make_error_code(beast::http::error::bad_version).category();
  return parsing ? std::optional<int>(400) : std::nullopt;
}

bool WithoutBody(int status) { return status == 204 || status == 304; }

bool TravelsWithTransport(absl::string_view name) {
  constexpr std::array<absl::string_view, 4> kOurs = {"Content-Length", "Transfer-Encoding", "Connection",
                                                      "Keep-Alive"};
  return std::any_of(kOurs.begin(), kOurs.end(), [&](absl::string_view ours) { return SameName(ours, name); });
}

// An answer that cannot be sent as it is becomes a 500: a defect of the handler may not split the response.
bool Sendable(const Response& response) {
  const auto& list = response.headers.list();
  return response.status >= 200 && response.status <= 599 &&
         std::all_of(list.begin(), list.end(),
                     [](const Header& header) { return IsToken(header.name) && IsFieldValue(header.value); });
}

std::string HeadOf(const Response& response, const Exchange& exchange) {
  const absl::string_view reason =
      FromBeast(beast::http::obsolete_reason(static_cast<beast::http::status>(response.status)));
  std::string head = absl::StrCat(exchange.http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ", response.status, " ", reason, "\r\n");
  for (const Header& header : response.headers.list()) {
    if (!TravelsWithTransport(header.name)) absl::StrAppend(&head, header.name, ": ", header.value, "\r\n");
  }
  if (response.body.source == nullptr) {
    if (!WithoutBody(response.status)) absl::StrAppend(&head, "Content-Length: ", response.body.text.size(), "\r\n");
  } else if (!exchange.http_1_0) {
    head += "Transfer-Encoding: chunked\r\n";
  }
  if (!exchange.keep_alive) head += "Connection: close\r\n";
  if (exchange.keep_alive && exchange.http_1_0) head += "Connection: keep-alive\r\n";
  return head + "\r\n";
}

// Splits the request target; nullopt when it is none of the forms that we serve.
std::optional<std::pair<std::string, std::string>> SplitTarget(absl::string_view target) {
  if (absl::StartsWith(target, "http://") || absl::StartsWith(target, "https://")) {
    absl::StatusOr<Url> url = ParseUrl(target);
    if (!url.ok()) return std::nullopt;
    return std::pair(std::move(url->path), std::move(url->query));
  }
  if (!absl::StartsWith(target, "/") && target != "*") return std::nullopt;
  if (absl::StrContains(target, '#')) return std::nullopt;
  const size_t question = std::min(target.find('?'), target.size());
  const absl::string_view query = question < target.size() ? target.substr(question + 1) : "";
  return std::pair(std::string(target.substr(0, question)), std::string(query));
}

std::optional<ServerRequest> RequestOf(Session& session) {
  Parser::value_type message = session.parser->release();
  if (message.version() >= 11 && message.count(beast::http::field::host) != 1) return std::nullopt;  // RFC 9112, 3.2
  auto target = SplitTarget(FromBeast(message.target()));
  if (!target) return std::nullopt;
  ServerRequest request{.method = std::string(FromBeast(message.method_string())),
                        .path = std::move(target->first),
                        .query = std::move(target->second),
                        .peer = session.peer};
  for (const auto& field : message) request.headers.Add(FromBeast(field.name_string()), FromBeast(field.value()));
  request.body = std::move(message.body());
  return request;
}

std::string PeerOf(const tcp::socket& socket) {
  error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return "";
  const auto address = peer.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

class BeastServer final : public Server {
 public:
  BeastServer(async::AsioLoop& loop, Handler& handler, ServerOptions options, tcp::acceptor acceptor)
      : loop_(loop), handler_(handler), options_(std::move(options)), acceptor_(std::move(acceptor)), scope_(loop) {
    error_code ignored;
    port_ = acceptor_.local_endpoint(ignored).port();
    scope_.Spawn(AcceptAll());
  }

  uint16_t port() const override { return port_; }
  async::Task<void> Stop(async::BootTime deadline) override;

 private:
  using SessionPtr = std::shared_ptr<Session>;
  using IoTask = async::Task<absl::StatusOr<IoResult>>;

  async::Task<void> AcceptAll();
  void Admit(SessionPtr session);
  async::Task<void> Serve(std::list<SessionPtr>::iterator place);
  async::Task<bool> ServeOne(SessionPtr session, bool first);
  async::Task<bool> ReadRequest(SessionPtr session, bool first);
  async::Task<bool> Answer(SessionPtr session, ServerRequest request, Exchange exchange);
  async::Task<bool> Write(SessionPtr session, Response response, Exchange exchange);
  async::Task<bool> WriteStream(SessionPtr session, Response response, Exchange exchange);
  async::Task<bool> WriteSome(SessionPtr session, Pieces pieces);
  async::Task<void> Refuse(SessionPtr session, int status);
  async::Task<void> Linger(SessionPtr session);
  async::Task<bool> SendContinue(SessionPtr session);
  void Watch(const SessionPtr& session);
  IoTask ReadSome(SessionPtr session);
  IoTask ReadHead(SessionPtr session);
  IoTask ReadBody(SessionPtr session);

  async::AsioLoop& loop_;
  Handler& handler_;
  const ServerOptions options_;
  tcp::acceptor acceptor_;
  uint16_t port_ = 0;
  bool stopping_ = false;
  std::list<SessionPtr> sessions_;
  async::Scope scope_;
};

BeastServer::IoTask BeastServer::ReadSome(SessionPtr session) {
  return Io(loop_, session, [s = session.get()](IoHandler handler) {
    s->socket.async_read_some(s->buffer.prepare(4096), std::move(handler));
  });
}

BeastServer::IoTask BeastServer::ReadHead(SessionPtr session) {
  return Io(loop_, session, [s = session.get()](IoHandler handler) {
    beast::http::async_read_header(s->socket, s->buffer, *s->parser, std::move(handler));
  });
}

BeastServer::IoTask BeastServer::ReadBody(SessionPtr session) {
  return Io(loop_, session, [s = session.get()](IoHandler handler) {
    beast::http::async_read(s->socket, s->buffer, *s->parser, std::move(handler));
  });
}

async::Task<void> BeastServer::AcceptAll() {
  while (!stopping_) {
    auto session = std::make_shared<Session>(loop_.io());
    const absl::StatusOr<IoResult> accepted = co_await Io(loop_, session, [this, s = session.get()](IoHandler handler) {
      acceptor_.async_accept(s->socket, std::move(handler));
    });
    if (!accepted.ok() || stopping_) co_return;
    if (!accepted->error) {
      Admit(std::move(session));
    } else {
      (void)co_await async::Sleep(kAcceptPause);
    }
  }
}

// Over the cap the connection is closed at once: a client learns it sooner than from a backlog that nobody serves.
void BeastServer::Admit(SessionPtr session) {
  if (sessions_.size() >= options_.max_connections) return;
  error_code ignored;
  session->socket.set_option(tcp::no_delay(true), ignored);
  session->peer = PeerOf(session->socket);
  scope_.Spawn(Serve(sessions_.insert(sessions_.end(), std::move(session))));
}

async::Task<void> BeastServer::Serve(std::list<SessionPtr>::iterator place) {
  const SessionPtr session = *place;  // NOLINT(performance-unnecessary-copy-initialization): outlives its place
  bool first = true;
  while (!stopping_ && co_await ServeOne(session, first)) first = false;
  error_code ignored;
  session->socket.shutdown(tcp::socket::shutdown_both, ignored);
  session->socket.close(ignored);
  sessions_.erase(place);
}

// True when the connection may carry another request.
async::Task<bool> BeastServer::ServeOne(SessionPtr session, bool first) {
  session->state = State::kIdle;
  const bool read = co_await ReadRequest(session, first);
  if (!read) co_return false;
  Exchange exchange{.head = session->parser->get().method() == beast::http::verb::head,
                    .http_1_0 = session->parser->get().version() < 11,
                    .keep_alive = session->parser->keep_alive() && !stopping_};
  std::optional<ServerRequest> request = RequestOf(*session);
  if (!request) {
    co_await Refuse(session, 400);
    co_return false;
  }
  co_return co_await Answer(session, *std::move(request), exchange);
}

// False when the connection is done: closed, too slow, or refused (and told so).
async::Task<bool> BeastServer::ReadRequest(SessionPtr session, bool first) {
  if (session->buffer.size() == 0) {
    const auto some =
        co_await async::WithTimeout(first ? options_.header_timeout : options_.idle_timeout, ReadSome(session));
    if (!some.ok() || some->error) co_return false;
    session->buffer.commit(some->bytes);
  }
  session->state = State::kReading;
  session->parser.emplace();
  session->parser->header_limit(kMaxHeaderBytes);
  session->parser->body_limit(options_.max_body_bytes);
  auto read = co_await async::WithTimeout(options_.header_timeout, ReadHead(session));
  const bool headed = read.ok() && !read->error;
  if (headed && beast::iequals(session->parser->get()[beast::http::field::expect], "100-continue")) {
    const bool sent = co_await SendContinue(session);
    if (!sent) co_return false;
  }
  if (headed && !session->parser->is_done()) read = co_await async::WithTimeout(kBodyTimeout, ReadBody(session));
  if (!read.ok()) co_return false;
  if (!read->error) co_return true;
  if (const std::optional<int> refusal = RefusalOf(read->error)) co_await Refuse(session, *refusal);
  co_return false;
}

async::Task<bool> BeastServer::SendContinue(SessionPtr session) {
  return WriteSome(std::move(session), {.head = "HTTP/1.1 100 Continue\r\n\r\n"});
}

async::Task<bool> BeastServer::Answer(SessionPtr session, ServerRequest request, Exchange exchange) {
  async::Context& outer = co_await async::CurrentContext();
  async::Context context(outer);
  session->state = State::kAnswering;
  session->answering = &context;
  Watch(session);
  Response response = co_await handler_.Handle(std::move(request)).Under(context);
  bool keep = false;
  if (!context.cancelled()) {
    if (!Sendable(response)) response = Plain(500);
    exchange.keep_alive = exchange.keep_alive && !stopping_;
    keep = co_await Write(session, std::move(response), exchange).Under(context);
  }
  session->answering = nullptr;
  co_return keep;
}

void BeastServer::Watch(const SessionPtr& session) {
  if (session->watching) return;
  session->watching = true;
  session->socket.async_wait(tcp::socket::wait_read, [session](const error_code& error) {
    session->watching = false;
    if (error || session->answering == nullptr) return;
    error_code failed;
    const size_t waiting = session->socket.available(failed);
    if (failed || waiting == 0) session->answering->Cancel(absl::CancelledError("the client went away"));
  });
}

async::Task<bool> BeastServer::Write(SessionPtr session, Response response, Exchange exchange) {
  if (response.body.source != nullptr && exchange.http_1_0) exchange.keep_alive = false;  // the end is the close
  std::string head = HeadOf(response, exchange);
  const bool without_body = exchange.head || WithoutBody(response.status);
  if (response.body.source != nullptr && !without_body) {
    co_return co_await WriteStream(session, std::move(response), exchange);
  }
  std::string text = without_body ? "" : std::move(response.body.text);
  const bool sent = co_await WriteSome(session, {.head = std::move(head), .body = std::move(text)});
  co_return sent&& exchange.keep_alive;
}

// A body that breaks off ends the connection without the last chunk, so that the client notices.
async::Task<bool> BeastServer::WriteStream(SessionPtr session, Response response, Exchange exchange) {
  session->state = State::kStreaming;
  if (stopping_) co_return false;
  bool sent = co_await WriteSome(session, {.head = HeadOf(response, exchange)});
  while (sent) {
    absl::StatusOr<std::optional<std::string>> chunk = co_await response.body.source->Next();
    if (!chunk.ok()) co_return false;
    const bool last = !chunk->has_value();
    Pieces pieces;
    if (!last) pieces.body = **std::move(chunk);
    if (!exchange.http_1_0) {
      pieces.head = last ? "0\r\n" : absl::StrFormat("%x\r\n", pieces.body.size());
      pieces.tail = "\r\n";
    }
    sent = co_await WriteSome(session, std::move(pieces));
    if (last) co_return sent&& exchange.keep_alive;
  }
  co_return false;
}

async::Task<bool> BeastServer::WriteSome(SessionPtr session, Pieces pieces) {
  const auto written =
      co_await async::WithTimeout(kWriteTimeout, WriteAll(loop_, session, session->socket, std::move(pieces)));
  co_return written.ok() && !written->error;
}

async::Task<void> BeastServer::Refuse(SessionPtr session, int status) {
  Response response = Plain(status);
  Pieces pieces{.head = HeadOf(response, Exchange{}), .body = std::move(response.body.text)};
  const bool sent = co_await WriteSome(session, std::move(pieces));
  if (sent) (void)co_await async::WithTimeout(kLingerTimeout, Linger(session));
}

// Closing with unread bytes would reset the connection and could take the refusal with it.
async::Task<void> BeastServer::Linger(SessionPtr session) {
  error_code ignored;
  session->socket.shutdown(tcp::socket::shutdown_send, ignored);
  while (true) {
    session->buffer.clear();
    const auto read = co_await ReadSome(session);
    if (!read.ok() || read->error) co_return;
  }
}

async::Task<void> BeastServer::Stop(async::BootTime deadline) {
  stopping_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  for (const SessionPtr& session : sessions_) {
    if (session->state == State::kIdle) session->socket.close(ignored);
    if (session->state == State::kStreaming && session->answering != nullptr) {
      session->answering->Cancel(absl::CancelledError("the server stops"));
    }
  }
  const async::TimerId cut = loop_.RunAt(deadline, [this] { scope_.Cancel(absl::CancelledError("the server stops")); });
  co_await scope_.Join();
  loop_.CancelTimer(cut);
}

// Opens, binds and listens; "::" without IPv6 in the kernel falls back to all IPv4 addresses.
error_code Open(tcp::acceptor& acceptor, tcp::endpoint endpoint) {
  error_code error;
  const bool any6 = endpoint.address().is_v6() && endpoint.address().to_v6().is_unspecified();
  acceptor.open(endpoint.protocol(), error);
  if (error == boost::asio::error::address_family_not_supported && any6) {
    endpoint = tcp::endpoint(tcp::v4(), endpoint.port());
    acceptor.open(endpoint.protocol(), error);
  }
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) acceptor.set_option(boost::asio::ip::v6_only(!any6), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
  return error;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Listen(async::AsioLoop& loop, Handler& handler, ServerOptions options) {
  error_code error;
  const auto address = boost::asio::ip::make_address(options.address, error);
  if (error) return absl::InvalidArgumentError(absl::StrCat("listen on '", options.address, "': not an IP address"));
  tcp::acceptor acceptor(loop.io());
  if (const error_code failed = Open(acceptor, {address, options.port})) {
    return absl::UnavailableError(
        absl::StrCat("listen on ", options.address, " port ", options.port, ": ", failed.message()));
  }
  return std::make_unique<BeastServer>(loop, handler, std::move(options), std::move(acceptor));
}

}  // namespace ottoscale::http
