// Note [Threads]
//
// cpprestsdk runs its own pool. A Call is what the two sides share: the pool's threads post every event to the loop,
// and all fields but `wrote`, what the mutex guards and the cancellation source belong to the loop. A call
// whose task has gone is cancelled; what still arrives for it is dropped. Nothing ever waits on a thread of the pool.
//
// An answer that is wanted whole is gathered on the pool's threads and told in one post; each post costs the loop a
// wake-up, and there would be four. A streamed one posts its head, its chunks and its end.
//
// A sink must not fail: the library then closes it and waits for that, on the thread of the pool that would have to do
// it. What nobody wants is taken and dropped, and the call is cancelled.
//
// Note [What may have been sent]
//
// The library reports progress once the headers are written. A cancelled call is therefore given a moment to end, and
// only then asked: without that report no byte left us, since the headers go to the kernel in one piece.
//
// Note [A process that was stopped]
//
// When a stopped process goes on (SIGCONT, a virtual machine that thaws), the pool's threads may write before the loop
// sees that the deadline has passed. A request that goes out at most once is a write that must not come late: the pool
// looks at the clock between the headers and the body. Headers whose body never comes are no request. What remains is a
// stop between that look and the system call.
//
// Note [Addresses]
//
// asio's resolver is one thread for everybody, so names are resolved on our pool and the URI carries the address. The
// name travels in Host, from which the library takes SNI and the name to verify; with TLS it must have no port.

// Our symbols are hidden, so our copy of a library class and the library's own have different type infos, which makes
// the vptr check report every object that crosses over.
#pragma clang attribute push(__attribute__((no_sanitize("vptr"))), apply_to = function)
#include <cpprest/astreambuf.h>
#include <cpprest/http_client.h>
#include <pplx/threadpool.h>
#pragma clang attribute pop

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "pkg/async/deadline.h"
#include "pkg/async/signal.h"
#include "pkg/base/check.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/http/body.h"
#include "pkg/http/check_request.h"
#include "pkg/http/client.h"
#include "pkg/http/resolve.h"
#include "pkg/http/trust.h"

namespace ottoscale::http {
namespace {

namespace client = web::http::client;

constexpr absl::Duration kResolvedFor = absl::Seconds(30);  // how long the addresses of a name are kept
constexpr absl::Duration kUnusedFor = absl::Minutes(5);     // after which a pool of connections is let go
constexpr absl::Duration kSettle = absl::Seconds(1);        // for a cancelled call to say whether it had been sent
constexpr size_t kMaxAddresses = 4;

// ---------------------------------------------------------------------------------------------------------------------
// The sink: a write-only stream buffer that hands every chunk on and reads no further until it has been taken.

using SinkBase = Concurrency::streams::details::streambuf_state_manager<uint8_t>;

class ChunkSink final : public SinkBase {
 public:
  // On a thread of the pool, one call at a time. Its task completes, with the size, when the chunk has been taken.
  using OnChunk = std::function<pplx::task<size_t>(absl::string_view chunk)>;
  explicit ChunkSink(OnChunk on_chunk) : SinkBase(std::ios_base::out), on_chunk_(std::move(on_chunk)) {}

 protected:
  pplx::task<size_t> _putn(const uint8_t* data, size_t size) override { return Deliver(data, size); }
  pplx::task<int_type> _putc(uint8_t byte) override {
    return Deliver(&byte, 1).then([byte](size_t) { return int_type{byte}; });
  }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }

  // Nothing but writing: no seeking, no direct access to memory, no reading.
  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(size_t, std::ios_base::openmode) override {}
  size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return Eof(); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return Eof(); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override { return Eof(); }
  uint8_t* _alloc(size_t) override { return nullptr; }
  void _commit(size_t) override {}
  bool acquire(uint8_t*& data, size_t& size) override {
    data = nullptr;
    size = 0;
    return false;
  }
  void release(uint8_t*, size_t) override {}
  pplx::task<int_type> _bumpc() override { return EofTask(); }
  pplx::task<int_type> _getc() override { return EofTask(); }
  pplx::task<int_type> _nextc() override { return EofTask(); }
  pplx::task<int_type> _ungetc() override { return EofTask(); }
  int_type _sbumpc() override { return traits::eof(); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<size_t> _getn(uint8_t*, size_t) override { return pplx::task_from_result<size_t>(0); }
  size_t _scopy(uint8_t*, size_t) override { return std::numeric_limits<size_t>::max(); }

 private:
  static pos_type Eof() { return static_cast<pos_type>(traits::eof()); }
  static pplx::task<int_type> EofTask() { return pplx::task_from_result<int_type>(traits::eof()); }
  // An exception that left here would end the process; as a failed task it ends the request.
  pplx::task<size_t> Deliver(const uint8_t* data, size_t size) {
    try {
      return on_chunk_(absl::string_view(reinterpret_cast<const char*>(data), size));
    } catch (...) {
      return pplx::task_from_exception<size_t>(std::current_exception());
    }
  }

  OnChunk on_chunk_;
};

// ---------------------------------------------------------------------------------------------------------------------
// One call

struct Head {
  int status = 0;
  Headers headers;
};

// An answer that is wanted whole, as far as it has come.
struct Answer {
  std::optional<Head> head;
  async::BootTime head_at;
  std::string body;
  absl::Status end;  // of the body
};

struct Chunk {
  std::string bytes;
  pplx::task_completion_event<void> taken;
};

struct TooLateError : std::exception {};

struct Call {
  Call(async::Loop& loop, bool is_whole) : whole(is_whole), mailbox(loop.mailbox()), told(loop) {}

  const bool whole;  // else streamed: see Note [Threads]
  std::shared_ptr<async::Mailbox> mailbox;
  async::Promise<Answer> told;  // all of it, or the head of a streamed one
  pplx::cancellation_token_source cancel;
  std::shared_ptr<client::http_client> http;
  std::shared_ptr<RefusalNote> note;
  async::BootTime write_by = async::BootTime::Infinite();  // of the body; set before the pool has the call
  std::atomic<bool> wrote{false};
  size_t max_body_bytes = std::numeric_limits<size_t>::max();

  std::mutex mutex;                             // of the next four
  Answer answer;                                // of a whole one
  bool too_large = false;                       // is its body
  bool over = false;                            // the library will say no more
  std::optional<async::Promise<void>> settled;  // who waits for that

  // The loop's.
  std::deque<Chunk> chunks;
  bool ended = false;
  bool abandoned = false;
  bool connect_expired = false;
  absl::Status end;
  async::Signal changed;

  void Arrived(Chunk chunk) {
    if (abandoned) return Drop(chunk);
    chunks.push_back(std::move(chunk));
    changed.Notify();
  }
  void End(absl::Status status) {
    if (ended) return;
    ended = true;
    end = std::move(status);
    changed.Notify();
  }
  // Nobody wants the rest.
  void Abandon() {
    if (abandoned) return;
    abandoned = true;
    if (!ended) cancel.cancel();
    for (Chunk& chunk : chunks) Drop(chunk);
    chunks.clear();
  }
  static void Drop(Chunk& chunk) { chunk.taken.set(); }

  // On a thread of the pool.
  void Over() {
    const std::lock_guard lock(mutex);
    over = true;
    if (settled) settled->Set(absl::OkStatus());
  }
  // Completes when the library will say no more. Asked at most once.
  async::Future<void> Settled(async::Loop& loop) {
    const async::Promise<void> promise(loop);
    const std::lock_guard lock(mutex);
    settled = promise;
    if (over) promise.Set(absl::OkStatus());
    return promise.GetFuture();
  }
  // What has come of a whole answer.
  Answer TakeAnswer() {
    const std::lock_guard lock(mutex);
    return std::exchange(answer, {});
  }
};
using CallPtr = std::shared_ptr<Call>;

struct TextRow {
  absl::string_view what;
  Failure kind;
  bool sent;
};

// The library's own words are the only thing that tells its failures apart. The last row that fits counts.
constexpr TextRow kTexts[] = {
    {"Error resolving address", Failure::kConnect, false},
    {"Failed to resolve address", Failure::kConnect, false},
    {"Failed to connect to any resolved endpoint", Failure::kConnect, false},
    {"Error in SSL handshake", Failure::kTls, false},
    {"Failed to set TLS SNI hostname", Failure::kTls, false},
    {"Failed to write request headers", Failure::kDisconnected, true},
    {"Failed to write request body", Failure::kDisconnected, true},
    {"Failed to read HTTP status line", Failure::kDisconnected, true},
    {"Failed to read response body", Failure::kDisconnected, true},
    {"Failed to read chunked response part", Failure::kDisconnected, true},
    {"Retrieving message chunk header", Failure::kDisconnected, true},
    {"Invalid HTTP status line", Failure::kProtocol, true},
    {"Invalid chunked response header", Failure::kProtocol, true},
    {"Error resolving proxy address", Failure::kConnect, false},
    {"Expected a 200 response from proxy", Failure::kConnect, false},
    {"Failed to send connect request to proxy", Failure::kConnect, false},
    {"Failed to read HTTP status line from proxy", Failure::kConnect, false},
    {"Invalid HTTP status line during proxy connection", Failure::kConnect, false},
};

bool IsOurLimit(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS; }

absl::Status FailureOfLibrary(const web::http::http_exception& error, Call& call) {
  const absl::string_view what = error.what();
  FailureDetail detail{Failure::kProtocol, true};
  for (const TextRow& row : kTexts) {
    if (absl::StartsWith(what, row.what)) detail = {row.kind, row.sent};
  }
  std::string message = absl::StrCat(what, " (", error.error_code().value(), ")");
  if (const std::string why = call.note->Get(); detail.kind == Failure::kTls && !why.empty()) {
    absl::StrAppend(&message, ": certificate: ", why);
  }
  if (IsOurLimit(error.error_code().value())) detail.kind = Failure::kLocalLimit;
  return MakeFailure(detail, message);
}

// Classifies whatever the library threw. Called in a catch block.
absl::Status CurrentFailure(Call& call) {
  try {
    throw;
  } catch (const web::http::http_exception& error) {
    return FailureOfLibrary(error, call);
  } catch (const web::uri_exception& error) {
    return MakeFailure({Failure::kInvalidRequest, false}, absl::StrCat("URL: ", error.what()));
  } catch (const TooLateError&) {
    return MakeFailure({Failure::kTimeout, true}, "the deadline passed before the request was whole");
  } catch (const pplx::task_canceled&) {
    return MakeFailure({Failure::kDisconnected, true}, "the request was cut off");
  } catch (const std::bad_alloc&) {
    return MakeFailure({Failure::kLocalLimit, true}, "no memory for the answer");
  } catch (const std::exception& error) {
    return MakeFailure({Failure::kProtocol, true}, error.what());
  }
}

// On a thread of the pool, as all up to the line below.
pplx::task<size_t> HandOver(const CallPtr& call, absl::string_view bytes) {
  pplx::task_completion_event<void> taken;
  call->mailbox->Post([call, chunk = Chunk{std::string(bytes), taken}]() mutable { call->Arrived(std::move(chunk)); });
  return pplx::create_task(taken).then([size = bytes.size()] { return size; });
}

// Tells what has come of an answer whose body is too large, and gives up the rest.
void EndAsTooLarge(const CallPtr& call) {
  Answer answer = call->TakeAnswer();
  answer.end = TooLarge(call->max_body_bytes);
  call->told.Set(std::move(answer));
  call->cancel.cancel();
}

pplx::task<size_t> Gather(const CallPtr& call, absl::string_view bytes) {
  std::unique_lock lock(call->mutex);
  std::string& body = call->answer.body;
  if (bytes.size() > call->max_body_bytes - body.size()) call->too_large = true;
  if (!call->too_large) absl::StrAppend(&body, bytes);
  const bool end = call->too_large && call->answer.head;  // else the head, which is still on its way, is the end
  lock.unlock();
  if (end) EndAsTooLarge(call);
  return pplx::task_from_result(bytes.size());
}

Head HeadOf(const web::http::http_response& response) {
  Head head{.status = response.status_code()};
  for (const auto& [name, value] : response.headers()) head.headers.Add(name, value);
  return head;
}

// The two ends of every chain look at their task's outcome: a failure that nobody sees ends the process.
void OnBodyEnd(const CallPtr& call, const pplx::task<web::http::http_response>& task) {
  absl::Status end;
  try {
    task.get();
  } catch (...) {
    end = CurrentFailure(*call);
  }
  if (call->whole) {
    Answer answer = call->TakeAnswer();
    answer.end = std::move(end);
    call->told.Set(std::move(answer));
  } else {
    call->mailbox->Post([call, end = std::move(end)]() mutable { call->End(std::move(end)); });
  }
  call->Over();
}

// What the head of a whole answer already says: too long a body is not waited for.
bool PromisesTooMuch(const Call& call, const web::http::http_request& request, const Head& head) {
  uint64_t declared = 0;
  return request.method() != "HEAD" && absl::SimpleAtoi(head.headers.Get("Content-Length").value_or(""), &declared) &&
         declared > call.max_body_bytes;
}

void OnHead(const CallPtr& call, const web::http::http_request& request,
            const pplx::task<web::http::http_response>& task) {
  absl::Status failure;
  try {
    web::http::http_response response = task.get();
    Answer answer{.head = HeadOf(response), .head_at = async::AsioLoop::BootNow()};
    if (call->whole) {
      std::unique_lock lock(call->mutex);
      call->too_large = call->too_large || PromisesTooMuch(*call, request, *answer.head);
      call->answer.head = std::move(answer.head);  // the body may have begun already
      call->answer.head_at = answer.head_at;
      const bool end = call->too_large;
      lock.unlock();
      if (end) EndAsTooLarge(call);
    } else {
      call->told.Set(std::move(answer));
    }
    response.content_ready().then([call](const pplx::task<web::http::http_response>& body) { OnBodyEnd(call, body); });
    return;
  } catch (...) {
    failure = CurrentFailure(*call);
  }
  call->told.Set(std::move(failure));
  call->Over();
}

// ---------------------------------------------------------------------------------------------------------------------

class CloudBody final : public BodySource {
 public:
  CloudBody(CallPtr call, absl::Duration idle) : call_(std::move(call)), idle_(idle) {}
  ~CloudBody() override { call_->Abandon(); }

  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    while (true) {
      if (!call_->chunks.empty()) {
        Chunk chunk = std::move(call_->chunks.front());
        call_->chunks.pop_front();
        chunk.taken.set();
        if (!chunk.bytes.empty()) co_return std::move(chunk.bytes);
        continue;
      }
      if (call_->ended && !call_->end.ok()) co_return call_->end;
      if (call_->ended) co_return std::nullopt;
      const absl::Status waited = co_await async::WithTimeout(idle_, Change(call_));
      if (!waited.ok()) {
        call_->Abandon();
        co_return FailureOfContext(waited, true);
      }
    }
  }

 private:
  static async::Task<absl::Status> Change(CallPtr call) { co_return co_await call->changed.Wait(); }

  CallPtr call_;
  absl::Duration idle_;
};

// What may share connections: the same place, spoken to with the same credential (OUT-10).
struct PoolKey {
  std::string scheme;
  std::string host;
  std::string address;
  uint16_t port = 0;
  std::string identity;
  auto Tie() const { return std::tie(scheme, host, address, port, identity); }
  bool operator<(const PoolKey& other) const { return Tie() < other.Tie(); }
};

struct Pool {
  std::shared_ptr<client::http_client> http;
  std::shared_ptr<RefusalNote> note;
  async::BootTime used;
};

struct Resolved {
  std::vector<std::string> addresses;
  async::BootTime until;
};

// A digest: the key of a map is no place for a secret.
std::string IdentityOf(const Request& request) {
  const std::string token = request.headers.Get("X-Auth-Token").value_or("");
  if (!request.credential && token.empty()) return "";
  std::string text =
      absl::StrCat(request.credential_scheme, " ", request.credential ? request.credential->Reveal() : "", " ", token);
  static EVP_MD* const kSha256 =
      EVP_MD_fetch(nullptr, "SHA256", nullptr);  // once: a look-up takes longer than the hash
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &size, kSha256, nullptr) == 1, "OpenSSL knows SHA-256");
  const Secret overwritten(std::move(text));  // when it goes
  return std::string(digest.begin(), digest.begin() + size);
}

class CloudTransport final : public Transport {
 public:
  CloudTransport(async::AsioLoop& loop, async::BlockingPool& pool, CloudOptions options)
      : loop_(loop),
        options_(std::move(options)),
        names_(loop, pool, options_.resolver),
        trust_(std::make_shared<const Trust>(options_.ca_file, options_.tls)) {}

  async::Task<absl::StatusOr<Response>> Send(Request request, async::BootTime deadline) override;

 private:
  struct Opened {
    CallPtr call;
    Answer answer;
    async::BootTime start;
  };

  async::Task<absl::StatusOr<Response>> Fetch(Request request, Url url);
  async::Task<absl::StatusOr<Opened>> Open(const Request& request, const Url& url);
  async::Task<absl::StatusOr<Opened>> Attempt(const Request& request, const Url& url, const std::string& address);
  async::Task<absl::Status> FailureOfCall(CallPtr call, absl::Status status);
  async::Task<absl::StatusOr<std::vector<std::string>>> Addresses(std::string host);
  absl::StatusOr<CallPtr> Start(const Request& request, const Url& url, const std::string& address,
                                async::BootTime deadline);
  Pool Connections(const Request& request, const Url& url, const std::string& address);
  Pool MakePool(const Url& url, const std::string& address);
  web::http::http_request Compose(const Request& request, const Url& url, const CallPtr& call) const;

  async::AsioLoop& loop_;
  const CloudOptions options_;
  NameResolver names_;
  std::shared_ptr<const Trust> trust_;  // shared with the library's threads
  std::map<PoolKey, Pool> pools_;
  std::map<std::string, Resolved> resolved_;
};

Pool CloudTransport::MakePool(const Url& url, const std::string& address) {
  auto note = std::make_shared<RefusalNote>();
  note->Set(trust_->problem());
  client::http_client_config config;
  config.set_max_redirects(0);                      // OUT-1
  config.set_timeout(std::chrono::hours(24 * 30));  // ours are per request
  const bool insecure = options_.tls.insecure;
  config.set_validate_certificates(!insecure);
  if (IsAddress(url.host) && options_.tls.server_name.empty()) config.set_tlsext_sni_enabled(false);
  config.set_ssl_context_callback([trust = trust_, note, insecure](boost::asio::ssl::context& tls) {
    trust->Apply(tls.native_handle());
    if (!insecure) note->Watch(tls.native_handle());
  });
  if (!options_.proxy.empty()) config.set_proxy(web::web_proxy(web::uri(options_.proxy)));
  web::uri_builder base;
  base.set_scheme(url.scheme).set_host(address).set_port(url.port);
  return {std::make_shared<client::http_client>(base.to_uri(), config), note, loop_.Now().boot};
}

Pool CloudTransport::Connections(const Request& request, const Url& url, const std::string& address) {
  if (request.at_most_once) return MakePool(url, address);  // OUT-8: never a connection that may die under it
  const async::BootTime now = loop_.Now().boot;
  const PoolKey key{url.scheme, url.host, address, url.port, IdentityOf(request)};
  const auto found = pools_.find(key);
  if (found != pools_.end()) {
    found->second.used = now;
    return found->second;
  }
  std::erase_if(pools_, [now](const auto& entry) { return now - entry.second.used > kUnusedFor; });
  return pools_.emplace(key, MakePool(url, address)).first->second;
}

// The library would join the values of one name with commas, which some headers (Impersonate-Group) do not mean. It
// writes values as they are, and ours have no line breaks: so a name that comes again is one more line.
void AddHeader(web::http::http_headers& headers, const Header& header) {
  const auto found = headers.find(header.name);
  if (found == headers.end()) {
    headers.add(header.name, header.value);
  } else {
    absl::StrAppend(&found->second, "\r\n", header.name, ": ", header.value);
  }
}

web::http::http_request CloudTransport::Compose(const Request& request, const Url& url, const CallPtr& call) const {
  web::http::http_request message(request.method);
  message.set_request_uri(web::uri_builder().set_path(url.path).set_query(url.query).to_uri());
  web::http::http_headers& headers = message.headers();
  for (const Header& header : request.headers.list()) AddHeader(headers, header);
  if (!request.body.empty()) {
    const std::optional<std::string> type = request.headers.Get("Content-Type");
    message.set_body(Concurrency::streams::bytestream::open_istream(request.body), request.body.size(),
                     type.value_or(""));
    if (!type) headers.remove("Content-Type");
  }
  const bool tls = url.scheme == "https";
  const std::string& name = options_.tls.server_name.empty() ? url.host : options_.tls.server_name;
  if (!tls || !absl::StrContains(name, ':')) headers["Host"] = tls ? name : url.Authority();
  if (!headers.has("User-Agent")) headers["User-Agent"] = options_.user_agent;
  if (request.credential) {
    headers["Authorization"] = absl::StrCat(request.credential_scheme, " ", request.credential->Reveal());
  }
  message.set_progress_handler([call](web::http::message_direction::direction direction, utility::size64_t) {
    if (direction != web::http::message_direction::upload) return;
    const bool begun = call->wrote.exchange(true);  // the first time: after the headers, before the body
    if (!begun && async::AsioLoop::BootNow() >= call->write_by) throw TooLateError();
  });
  auto sink = std::make_shared<ChunkSink>(
      [call](absl::string_view bytes) { return call->whole ? Gather(call, bytes) : HandOver(call, bytes); });
  message.set_response_stream(
      Concurrency::streams::basic_ostream<uint8_t>(Concurrency::streams::streambuf<uint8_t>(std::move(sink))));
  return message;
}

absl::StatusOr<CallPtr> CloudTransport::Start(const Request& request, const Url& url, const std::string& address,
                                              async::BootTime deadline) {
  auto call = std::make_shared<Call>(loop_, !request.streaming);
  if (request.at_most_once) call->write_by = deadline;
  if (!request.streaming) call->max_body_bytes = request.max_body_bytes;
  try {
    Pool pool = Connections(request, url, address);
    call->http = std::move(pool.http);
    call->note = std::move(pool.note);
    const web::http::http_request message = Compose(request, url, call);
    call->http->request(message, call->cancel.get_token())
        .then([call, message](const pplx::task<web::http::http_response>& task) { OnHead(call, message, task); });
  } catch (...) {
    return CurrentFailure(*call);
  }
  return call;
}

async::Task<absl::StatusOr<std::vector<std::string>>> CloudTransport::Addresses(std::string host) {
  const auto known = resolved_.find(host);
  if (known != resolved_.end() && known->second.until > loop_.Now().boot) co_return known->second.addresses;
  CO_ASSIGN_OR_RETURN(std::vector<std::string> addresses, co_await names_.Resolve(host));
  addresses.resize(std::min(addresses.size(), kMaxAddresses));
  const async::BootTime now = loop_.Now().boot;
  std::erase_if(resolved_, [now](const auto& entry) { return entry.second.until <= now; });
  resolved_[host] = {addresses, now + kResolvedFor};
  co_return addresses;
}

async::Task<absl::Status> Outcome(async::Future<void> future) { co_return co_await std::move(future); }

// Gives up a call of which no head came, and says how it failed: see Note [What may have been sent].
async::Task<absl::Status> CloudTransport::FailureOfCall(CallPtr call, absl::Status status) {
  const async::Context& context = co_await async::CurrentContext();
  call->Abandon();
  auto settling = Outcome(call->Settled(loop_));
  const absl::Status settled = co_await async::Shield(loop_.Now().boot + kSettle, std::move(settling));
  const bool sent = !settled.ok() || call->wrote;
  if (context.cancelled()) co_return FailureOfContext(context.status(), sent);
  if (!call->connect_expired) co_return status;
  if (sent) co_return MakeFailure({Failure::kDisconnected, true}, "the request was given up while it was being sent");
  co_return MakeFailure({Failure::kConnect, false}, "connect: no answer in time");
}

// Cancels the call when its headers have not been written in time: connecting or the handshake hangs.
class ConnectWatch {
 public:
  ConnectWatch(async::Loop& loop, const CallPtr& call, absl::Duration timeout) : loop_(loop) {
    timer_ = loop.RunAt(loop.Now().boot + timeout, [weak = std::weak_ptr<Call>(call)] {
      const CallPtr still = weak.lock();
      if (still == nullptr || still->wrote || still->ended) return;
      still->connect_expired = true;
      still->Abandon();
    });
  }
  ConnectWatch(const ConnectWatch&) = delete;
  ConnectWatch& operator=(const ConnectWatch&) = delete;
  ~ConnectWatch() { loop_.CancelTimer(timer_); }

 private:
  async::Loop& loop_;
  async::TimerId timer_;
};

absl::Status CheckHead(const Head& head) {
  if (head.status < 200 || head.status > 599) {
    return MakeFailure({Failure::kProtocol, true}, absl::StrCat("the answer has the status ", head.status));
  }
  // Of two lengths, which it joins with a comma, the library takes the first (OUT-4).
  const std::string length = head.headers.Get("Content-Length").value_or("0");
  if (length.empty() || !std::all_of(length.begin(), length.end(), absl::ascii_isdigit)) {
    return MakeFailure({Failure::kProtocol, true}, "the answer has no readable length");
  }
  const std::optional<std::string> encoding = head.headers.Get("Content-Encoding");
  if (!encoding || SameName(*encoding, "identity")) return absl::OkStatus();
  return MakeFailure({Failure::kProtocol, true}, "the answer is encoded although that was not asked for");
}

async::Task<absl::StatusOr<CloudTransport::Opened>> CloudTransport::Attempt(const Request& request, const Url& url,
                                                                            const std::string& address) {
  const async::BootTime start = loop_.Now().boot;
  const async::BootTime deadline = (co_await async::CurrentContext()).deadline();
  CO_ASSIGN_OR_RETURN(const CallPtr call, Start(request, url, address, deadline));
  absl::StatusOr<Answer> answer;
  {
    const ConnectWatch watch(loop_, call, options_.connect_timeout);
    answer = co_await call->told.GetFuture();
  }
  if (!answer.ok()) {
    Answer part = call->TakeAnswer();
    if (!part.head) co_return co_await FailureOfCall(call, answer.status());
    call->Abandon();
    part.end = FailureOfContext(answer.status(), true);
    answer = std::move(part);
  }
  if (absl::Status status = CheckHead(*answer->head); !status.ok()) {
    call->Abandon();
    co_return status;
  }
  co_return Opened{call, *std::move(answer), start};
}

// Addresses one after the other, as long as nothing has been sent.
async::Task<absl::StatusOr<CloudTransport::Opened>> CloudTransport::Open(const Request& request, const Url& url) {
  CO_RETURN_IF_ERROR(StillWanted(co_await async::CurrentContext()));
  std::vector<std::string> addresses = {url.host};  // what the proxy is told
  if (options_.proxy.empty()) {
    CO_ASSIGN_OR_RETURN(addresses, co_await Addresses(url.host));
  }
  absl::StatusOr<Opened> opened;
  for (const std::string& address : addresses) {
    opened = co_await Attempt(request, url, address);
    if (opened.ok()) co_return opened;
    if (FailureOf(opened.status()) != FailureDetail{Failure::kConnect, false}) co_return opened;
  }
  resolved_.erase(url.host);  // perhaps it has moved
  co_return opened;
}

async::Task<absl::StatusOr<Response>> CloudTransport::Fetch(Request request, Url url) {
  CO_ASSIGN_OR_RETURN(Opened opened, co_await Open(request, url));
  Answer& answer = opened.answer;
  Response response{.status = answer.head->status, .headers = std::move(answer.head->headers)};
  response.body = BodyThatEnds(std::move(answer.body), std::move(answer.end));
  response.times.headers = answer.head_at - opened.start;
  response.times.total = loop_.Now().boot - opened.start;
  co_return response;
}

async::Task<absl::StatusOr<Response>> CloudTransport::Send(Request request, async::BootTime deadline) {
  CO_RETURN_IF_ERROR(CheckRequest(request));
  CO_ASSIGN_OR_RETURN(Url url, ParseUrl(request.url));
  if (!request.streaming) co_return co_await async::WithDeadline(deadline, Fetch(std::move(request), std::move(url)));
  CO_ASSIGN_OR_RETURN(Opened opened, co_await async::WithDeadline(deadline, Open(request, url)));
  Head& head = *opened.answer.head;
  Response response{.status = head.status, .headers = std::move(head.headers)};
  response.body = Body(std::make_unique<CloudBody>(opened.call, request.idle_timeout));
  response.times.headers = opened.answer.head_at - opened.start;
  co_return response;
}

}  // namespace

std::unique_ptr<Transport> MakeCloudTransport(async::AsioLoop& loop, async::BlockingPool& pool, CloudOptions options) {
  CHECK(IsFieldValue(options.user_agent), "the user agent has a byte outside 0x20-0x7E");
  // First OpenSSL, then the pool: at the exit its threads end before OpenSSL does, and free what OpenSSL keeps per
  // thread.
  OPENSSL_init_ssl(0, nullptr);
  try {
    crossplat::threadpool::initialize_with_threads(options.threads);
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
    // The pool is the process's and there already: an earlier transport's number of threads stays.
  }
  return std::make_unique<CloudTransport>(loop, pool, std::move(options));
}

}  // namespace ottoscale::http
