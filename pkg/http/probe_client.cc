// Note [Where a probe may fail]
//
// resolve -> filter -> connect -> (TLS) -> write -> head -> body. Up to the write nothing has been sent; from its first
// byte on the server may have acted. Errors before the head fail Send(); errors behind it end the body, so that the
// status is not lost. Whatever happens, the socket is closed: probes share nothing with one another.

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "pkg/async/deadline.h"
#include "pkg/base/status.h"
#include "pkg/http/address_filter.h"
#include "pkg/http/body.h"
#include "pkg/http/check_request.h"
#include "pkg/http/client.h"
#include "pkg/http/resolve.h"
#include "pkg/http/socket_io.h"
#include "pkg/http/trust.h"

namespace ottoscale::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using Parser = beast::http::response_parser<beast::http::buffer_body>;

constexpr size_t kMaxUrl = 2048;  // OUT-15
constexpr size_t kReadBytes = 4 * 1024;
constexpr int kMaxInterim = 5;       // 1xx answers before the real one
constexpr size_t kMaxAddresses = 4;  // of a name that are tried
constexpr absl::Duration kConnectTimeout = absl::Seconds(5);

struct Connection {
  Connection(asio::io_context& io, size_t max_header)
      : socket(io), buffer(max_header + kReadBytes), room(kReadBytes, '\0') {}
  void Close() {
    error_code ignored;
    socket.close(ignored);
  }

  tcp::socket socket;
  std::optional<asio::ssl::stream<tcp::socket&>> tls;  // on top of it; its buffers are 34 KiB, so only where needed
  beast::flat_buffer buffer;                           // its limit also bounds a chunk header
  std::string room;                                    // where the parser puts the body
  std::optional<Parser> parser;
};
using ConnectionPtr = std::shared_ptr<Connection>;

// Closes what a failed or cancelled task leaves behind.
class Closer {
 public:
  explicit Closer(ConnectionPtr connection) : connection_(std::move(connection)) {}
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;
  ~Closer() {
    if (connection_ != nullptr) connection_->Close();
  }
  void Release() { connection_ = nullptr; }

 private:
  ConnectionPtr connection_;
};

bool IsHttpError(const error_code& error) {
  return error.category() == make_error_code(beast::http::error::bad_version).category();
}

bool IsOurLimit(const error_code& error) {
  return error == asio::error::no_descriptors || error == asio::error::no_buffer_space ||
         error == asio::error::no_memory || error == boost::system::errc::too_many_files_open_in_system;
}

absl::Status ConnectFailure(const error_code& error) {
  return MakeFailure({IsOurLimit(error) ? Failure::kLocalLimit : Failure::kConnect, false},
                     absl::StrCat("connect: ", error.message()));
}

absl::Status ReadFailure(const error_code& error) {
  if (error == beast::http::error::header_limit || error == beast::http::error::buffer_overflow) {
    return MakeFailure({Failure::kProtocol, true}, "the headers of the answer are too large");
  }
  const bool cut = error == beast::http::error::end_of_stream || error == beast::http::error::partial_message;
  if (cut)
    return MakeFailure({Failure::kDisconnected, true}, "the connection was closed before the answer was complete");
  if (IsHttpError(error)) {
    return MakeFailure({Failure::kProtocol, true}, absl::StrCat("the answer is not valid HTTP: ", error.message()));
  }
  return MakeFailure({Failure::kDisconnected, true}, absl::StrCat("the connection broke: ", error.message()));
}

// From a certificate's point of view a trailing dot is not part of a name.
std::string NameForTls(const std::string& host) { return std::string(absl::StripSuffix(host, ".")); }

bool IsAddressLiteral(const std::string& host) {
  error_code error;
  (void)asio::ip::make_address(host, error);
  return !error;
}

// SNI and the name that the certificate must carry.
bool ExpectName(SSL* ssl, const std::string& host) {
  const std::string name = NameForTls(host);
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
  if (IsAddressLiteral(name)) return X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str()) == 1;
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(param, name.c_str(), name.size()) == 1 &&
         SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(name.c_str())) == 1;
}

absl::Status TlsFailure(SSL* ssl, const error_code& error) {
  const long verified = SSL_get_verify_result(ssl);
  if (verified != X509_V_OK) {
    return MakeFailure({Failure::kTls, false}, absl::StrCat("certificate: ", X509_verify_cert_error_string(verified)));
  }
  return MakeFailure({Failure::kTls, false}, absl::StrCat("TLS handshake: ", error.message()));
}

std::string Wire(const Request& request, const Url& url, const std::string& user_agent) {
  std::string text =
      absl::StrCat(request.method, " ", url.path, url.query.empty() ? "" : "?", url.query,
                   " HTTP/1.1\r\nHost: ", url.Authority(), "\r\nConnection: close\r\nAccept-Encoding: identity\r\n");
  if (!request.headers.Get("User-Agent")) absl::StrAppend(&text, "User-Agent: ", user_agent, "\r\n");
  if (!request.headers.Get("Accept")) absl::StrAppend(&text, "Accept: */*\r\n");
  for (const Header& header : request.headers.list()) absl::StrAppend(&text, header.name, ": ", header.value, "\r\n");
  const bool has_body =
      !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (has_body) absl::StrAppend(&text, "Content-Length: ", request.body.size(), "\r\n");
  return text + "\r\n";
}

// OUT-13: what a tenant configures is never a credential of ours, and we do not carry one for them.
absl::Status CheckProbe(const Request& request) {
  if (request.credential) return MakeFailure({Failure::kInvalidRequest, false}, "a probe carries no credential");
  for (const char* name : {"Cookie", "X-Auth-Token"}) {
    if (request.headers.Get(name)) {
      return MakeFailure({Failure::kInvalidRequest, false}, absl::StrCat("a probe carries no header ", name));
    }
  }
  if (request.url.size() > kMaxUrl) {
    return MakeFailure({Failure::kInvalidRequest, false},
                       absl::StrCat("the URL is longer than ", kMaxUrl, " characters"));
  }
  return CheckRequest(request);
}

absl::Status CheckHead(const Parser::value_type& head) {
  using beast::http::field;
  const auto bad = [](absl::string_view why) { return MakeFailure({Failure::kProtocol, true}, why); };
  if (head.result_int() == 101) return bad("the answer changes the protocol unasked");
  const auto encoding = head[field::content_encoding];
  if (!encoding.empty() && !beast::iequals(encoding, "identity"))
    return bad("the answer is encoded although that was not asked for");
  const auto transfer = head[field::transfer_encoding];
  if (!transfer.empty() && !beast::iequals(transfer, "chunked"))
    return bad("the answer has an unknown transfer encoding");
  return absl::OkStatus();
}

Headers HeadersOf(const Parser::value_type& head) {
  Headers headers;
  for (const auto& field : head) {
    headers.Add({field.name_string().data(), field.name_string().size()}, {field.value().data(), field.value().size()});
  }
  return headers;
}

// The rest of an answer. Destroying it closes the connection.
class ProbeBody final : public BodySource {
 public:
  ProbeBody(async::Loop& loop, ConnectionPtr connection, absl::Duration idle)
      : loop_(loop), connection_(connection), closer_(std::move(connection)), idle_(idle) {}
  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override;
  async::BootTime last() const { return last_; }  // when the latest bytes came

 private:
  async::Task<absl::StatusOr<IoResult>> ReadSome();

  async::Loop& loop_;
  ConnectionPtr connection_;
  Closer closer_;
  absl::Duration idle_;
  async::BootTime last_;
};

async::Task<absl::StatusOr<IoResult>> ProbeBody::ReadSome() {
  Connection& c = *connection_;
  c.parser->get().body().data = c.room.data();
  c.parser->get().body().size = c.room.size();
  c.parser->get().body().more = true;
  return Io(loop_, connection_, [&c](IoHandler handler) {
    if (c.tls) {
      beast::http::async_read_some(*c.tls, c.buffer, *c.parser, std::move(handler));
    } else {
      beast::http::async_read_some(c.socket, c.buffer, *c.parser, std::move(handler));
    }
  });
}

async::Task<absl::StatusOr<std::optional<std::string>>> ProbeBody::Next() {
  Connection& c = *connection_;
  while (!c.parser->is_done()) {
    const absl::StatusOr<IoResult> read = co_await async::WithTimeout(idle_, ReadSome());
    if (!read.ok()) co_return FailureOfContext(read.status(), true);
    last_ = read->at;
    if (read->error && read->error != beast::http::error::need_buffer) co_return ReadFailure(read->error);
    const size_t got = c.room.size() - c.parser->get().body().size;
    if (got > 0) co_return c.room.substr(0, got);
  }
  co_return std::nullopt;
}

class ProbeTransport final : public Transport {
 public:
  ProbeTransport(async::AsioLoop& loop, async::BlockingPool& pool, ProbeOptions options, AddressFilter filter,
                 asio::ssl::context tls)
      : loop_(loop),
        options_(std::move(options)),
        filter_(std::move(filter)),
        tls_(std::move(tls)),
        names_(loop, pool, options_.resolver) {}

  async::Task<absl::StatusOr<Response>> Send(Request request, async::BootTime deadline) override;

 private:
  struct Opened {
    ConnectionPtr connection;
    Response response;
    async::BootTime sent;
  };

  async::Task<absl::StatusOr<Opened>> Open(const Request& request, const Url& url);
  async::Task<absl::StatusOr<Response>> Fetch(const Request& request, const Url& url);
  async::Task<absl::StatusOr<std::vector<std::string>>> Addresses(const Url& url);
  async::Task<absl::StatusOr<ConnectionPtr>> Connect(const Url& url);
  async::Task<absl::StatusOr<IoResult>> ConnectTo(ConnectionPtr connection, std::string address, uint16_t port);
  async::Task<absl::Status> Handshake(ConnectionPtr connection, std::string host);
  async::Task<absl::StatusOr<IoResult>> ReadHead(ConnectionPtr connection, bool head_only);

  async::AsioLoop& loop_;
  const ProbeOptions options_;
  const AddressFilter filter_;
  asio::ssl::context tls_;
  NameResolver names_;
};

// OUT-6: every address of the name must pass, and only these are connected: a second answer is never asked for.
async::Task<absl::StatusOr<std::vector<std::string>>> ProbeTransport::Addresses(const Url& url) {
  const auto denied = [&url](absl::string_view why) {
    return MakeFailure({Failure::kAddressDenied, false}, absl::StrCat(url.Authority(), " is not allowed: ", why));
  };
  if (!filter_.PortPossible(url.port)) co_return denied(absl::StrCat("port ", url.port));
  CO_ASSIGN_OR_RETURN(std::vector<std::string> addresses, co_await names_.Resolve(url.host));
  for (const std::string& address : addresses) {
    const absl::Status allowed = filter_.Check(address, url.port);
    if (!allowed.ok()) co_return denied(allowed.message());
  }
  addresses.resize(std::min(addresses.size(), kMaxAddresses));
  co_return addresses;
}

async::Task<absl::StatusOr<IoResult>> ProbeTransport::ConnectTo(ConnectionPtr connection, std::string address,
                                                                uint16_t port) {
  error_code error;
  const tcp::endpoint endpoint(asio::ip::make_address(address, error), port);
  if (error) co_return IoResult{.error = error, .at = {}};
  connection->Close();
  co_return co_await Io(loop_, connection,
                        [&](IoHandler handler) { connection->socket.async_connect(endpoint, std::move(handler)); });
}

// One address after the other, so that one that swallows packets leaves time for the next.
async::Task<absl::StatusOr<ConnectionPtr>> ProbeTransport::Connect(const Url& url) {
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> addresses, co_await Addresses(url));
  const async::Context& context = co_await async::CurrentContext();
  absl::Status failure;
  for (size_t i = 0; i < addresses.size(); ++i) {
    auto connection = std::make_shared<Connection>(loop_.io(), options_.max_header_bytes);
    Closer closer(connection);
    const absl::Duration left = context.deadline() - loop_.Now().boot;
    const absl::Duration share = std::min(kConnectTimeout, left / static_cast<int64_t>(addresses.size() - i));
    const absl::StatusOr<IoResult> done =
        co_await async::WithTimeout(share, ConnectTo(connection, addresses[i], url.port));
    if (context.cancelled()) co_return FailureOfContext(context.status(), false);
    if (done.ok() && !done->error) {
      closer.Release();
      co_return connection;
    }
    failure =
        done.ok() ? ConnectFailure(done->error) : MakeFailure({Failure::kConnect, false}, "connect: no answer in time");
  }
  co_return failure;
}

async::Task<absl::Status> ProbeTransport::Handshake(ConnectionPtr connection, std::string host) {
  SSL* ssl = connection->tls->native_handle();
  if (!ExpectName(ssl, host))
    co_return MakeFailure({Failure::kTls, false}, "the host cannot be the name of a certificate");
  const absl::StatusOr<IoResult> done = co_await Io(loop_, connection, [&connection](IoHandler handler) {
    connection->tls->async_handshake(asio::ssl::stream_base::client, std::move(handler));
  });
  if (!done.ok()) co_return FailureOfContext(done.status(), false);
  if (done->error) co_return TlsFailure(ssl, done->error);
  co_return absl::OkStatus();
}

async::Task<absl::StatusOr<IoResult>> ProbeTransport::ReadHead(ConnectionPtr connection, bool head_only) {
  Connection& c = *connection;
  c.parser.emplace();
  c.parser->header_limit(static_cast<uint32_t>(options_.max_header_bytes));
  c.parser->body_limit(std::numeric_limits<uint64_t>::max());  // counted where the body is read
  c.parser->skip(head_only);
  c.parser->eager(true);
  co_return co_await Io(loop_, connection, [&c](IoHandler handler) {
    if (c.tls) {
      beast::http::async_read_header(*c.tls, c.buffer, *c.parser, std::move(handler));
    } else {
      beast::http::async_read_header(c.socket, c.buffer, *c.parser, std::move(handler));
    }
  });
}

// Everything up to the response headers.
async::Task<absl::StatusOr<ProbeTransport::Opened>> ProbeTransport::Open(const Request& request, const Url& url) {
  const async::Context& context = co_await async::CurrentContext();
  CO_RETURN_IF_ERROR(StillWanted(context));
  const async::BootTime start = loop_.Now().boot;
  Opened opened;
  CO_ASSIGN_OR_RETURN(opened.connection, co_await Connect(url));
  Closer closer(opened.connection);
  if (url.scheme == "https") {
    opened.connection->tls.emplace(opened.connection->socket, tls_);
    CO_RETURN_IF_ERROR(co_await Handshake(opened.connection, url.host));
  }
  CO_RETURN_IF_ERROR(StillWanted(context));
  opened.response.times.connected = loop_.Now().boot - start;

  Pieces pieces{.head = Wire(request, url, options_.user_agent), .body = request.body};
  auto writing = opened.connection->tls
                     ? WriteAll(loop_, opened.connection, *opened.connection->tls, std::move(pieces))
                     : WriteAll(loop_, opened.connection, opened.connection->socket, std::move(pieces));
  const absl::StatusOr<IoResult> written = co_await std::move(writing);
  if (!written.ok()) co_return FailureOfContext(written.status(), true);
  if (written->error) co_return ReadFailure(written->error);
  opened.sent = written->at;
  opened.response.times.sent = opened.sent - start;

  for (int interim = 0; interim <= kMaxInterim; ++interim) {
    const absl::StatusOr<IoResult> read = co_await ReadHead(opened.connection, request.method == "HEAD");
    if (!read.ok()) co_return FailureOfContext(read.status(), true);
    if (read->error) co_return ReadFailure(read->error);
    const Parser::value_type& head = opened.connection->parser->get();
    CO_RETURN_IF_ERROR(CheckHead(head));
    if (head.result_int() < 200) continue;
    opened.response.status = static_cast<int>(head.result_int());
    opened.response.headers = HeadersOf(head);
    opened.response.times.headers = read->at - opened.sent;
    closer.Release();
    co_return std::move(opened);
  }
  co_return MakeFailure({Failure::kProtocol, true}, "too many interim answers");
}

// An answer with its whole body.
async::Task<absl::StatusOr<Response>> ProbeTransport::Fetch(const Request& request, const Url& url) {
  CO_ASSIGN_OR_RETURN(Opened opened, co_await Open(request, url));
  const auto declared = opened.connection->parser->content_length();
  ProbeBody body(loop_, opened.connection, absl::InfiniteDuration());
  std::string text;
  absl::Status end;
  async::BootTime last = opened.sent + opened.response.times.headers;
  while (true) {
    const bool too_large = text.size() > request.max_body_bytes ||
                           (request.method != "HEAD" && declared && *declared > request.max_body_bytes);
    if (too_large) end = TooLarge(request.max_body_bytes);
    if (!end.ok()) break;
    absl::StatusOr<std::optional<std::string>> chunk = co_await body.Next();
    if (body.last() > last) last = body.last();
    if (!chunk.ok()) end = chunk.status();
    if (!chunk.ok() || !chunk->has_value()) break;
    text += **chunk;
  }
  opened.response.times.total = last - opened.sent;
  text.resize(std::min(text.size(), request.max_body_bytes));
  opened.response.body = BodyThatEnds(std::move(text), std::move(end));
  co_return std::move(opened.response);
}

async::Task<absl::StatusOr<Response>> ProbeTransport::Send(Request request, async::BootTime deadline) {
  CO_RETURN_IF_ERROR(CheckProbe(request));
  CO_ASSIGN_OR_RETURN(const Url url, ParseUrl(request.url));
  if (!request.streaming) co_return co_await async::WithDeadline(deadline, Fetch(request, url));
  CO_ASSIGN_OR_RETURN(Opened opened, co_await async::WithDeadline(deadline, Open(request, url)));
  opened.response.body = Body(std::make_unique<ProbeBody>(loop_, opened.connection, request.idle_timeout));
  co_return std::move(opened.response);
}

absl::StatusOr<asio::ssl::context> MakeTls(const std::string& ca_file) {
  asio::ssl::context tls(asio::ssl::context::tls_client);
  SSL_CTX* native = tls.native_handle();
  // Without any authority https fails with a certificate error while http works: a missing bundle ends nothing by
  // itself.
  const Trust trust(ca_file);
  if (!ca_file.empty() && !trust.problem().empty()) return absl::InvalidArgumentError(trust.problem());
  trust.Apply(native);
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  return tls;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Transport>> MakeProbeTransport(async::AsioLoop& loop, async::BlockingPool& pool,
                                                              ProbeOptions options) {
  ASSIGN_OR_RETURN(AddressFilter filter, AddressFilter::Make(options.allow_cidrs, options.allow_ports));
  ASSIGN_OR_RETURN(asio::ssl::context tls, MakeTls(options.ca_file));
  if (!IsFieldValue(options.user_agent))
    return absl::InvalidArgumentError("the user agent has a byte outside 0x20-0x7E");
  return std::make_unique<ProbeTransport>(loop, pool, std::move(options), std::move(filter), std::move(tls));
}

}  // namespace ottoscale::http
