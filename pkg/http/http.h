// The HTTP vocabulary and its two seams: Transport sends requests, Handler answers them. Requests and responses are the
// same values on both sides, so a Transport can call a Handler in process (Loopback) and nobody can tell.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pkg/async/instant.h"
#include "pkg/async/task.h"
#include "pkg/base/secret.h"

namespace ottoscale::http {

struct Header {
  std::string name;
  std::string value;
  bool operator==(const Header&) const = default;
};

// In the order of the wire. Names compare without regard to case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> list) : list_(list) {}

  void Add(absl::string_view name, absl::string_view value);
  void Set(absl::string_view name, absl::string_view value);     // replaces all of this name
  std::optional<std::string> Get(absl::string_view name) const;  // the first of this name
  const std::vector<Header>& list() const { return list_; }
  bool operator==(const Headers&) const = default;

 private:
  std::vector<Header> list_;
};

// A body that is pulled, chunk by chunk. The puller owns the pace: nothing is read ahead of it by more than one chunk.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // The next chunk, never empty; nullopt at the end. An error ends the body: truncated, too large, deadline, cancelled.
  virtual async::Task<absl::StatusOr<std::optional<std::string>>> Next() = 0;
};

// A body as a value: either whole, or a source to pull.
struct Body {
  std::string text;                    // when source is null
  std::unique_ptr<BodySource> source;  // when it streams

  Body() = default;
  Body(std::string whole) : text(std::move(whole)) {}  // NOLINT(google-explicit-constructor): a string is a body
  explicit Body(std::unique_ptr<BodySource> stream) : source(std::move(stream)) {}
};

// Reads a body to its end; ResourceExhausted past `max_bytes`.
async::Task<absl::StatusOr<std::string>> ReadAll(Body body, size_t max_bytes);

struct Request {
  std::string method = "GET";
  std::string url;  // absolute, already percent-encoded: http://host:port/path?query
  // Without those that say how the message travels (Host, Content-Length, Accept-Encoding, ...) or carry the
  // credential: the transport sets them and refuses them here.
  Headers headers;
  std::string body;

  // Sent as `Authorization: <scheme> <credential>` by the cloud profile; the probe profile refuses to send one.
  std::string credential_scheme = "Bearer";
  std::optional<Secret> credential;

  // On a fresh connection, never repeated by the library, and no body is sent after the deadline, even when the process
  // was stopped meanwhile: for writes that must not happen twice or late.
  bool at_most_once = false;
  // A long-lived answer (a watch): the deadline covers the response headers only; between chunks `idle_timeout` holds.
  bool streaming = false;
  absl::Duration idle_timeout = absl::Seconds(90);
  // The cap on the (decompressed) body: beyond it the body ends with ResourceExhausted. For a streaming answer there is
  // no cap here: the reader bounds each event.
  size_t max_body_bytes = size_t{1} << 20;
};

// Where the time went, taken at the socket (probe profile) or around the call (cloud profile, Loopback).
struct Times {
  absl::Duration connected;  // from the start to a connected socket: resolving and TLS included
  absl::Duration sent;       // from the start to the request written
  absl::Duration headers;    // from the request written to the response headers
  absl::Duration total;      // from the request written to the end of the body; zero for a pulled body
};

struct Response {
  int status = 200;
  Headers headers;
  Body body;
  Times times;
};

// How an attempt failed before a complete response was there. It travels as the Status code plus a payload, so that
// callers branch on the kind and not on text. `sent` says whether the server may have acted on the request.
enum class Failure {
  kInvalidRequest,  // ours to mend: bad URL, bad header byte, forbidden host; nothing was sent
  kResolve,         // the name does not resolve
  kAddressDenied,   // the address filter refused it
  kConnect,         // refused, no route, reset while connecting
  kTls,             // handshake or certificate
  kTimeout,         // the deadline passed
  kCancelled,       // by our own context
  kDisconnected,    // the connection broke after the request was (partly) sent
  kProtocol,        // not HTTP, malformed, or headers over the cap
  kBodyTooLarge,    // over max_body_bytes
  kLocalLimit,      // our own: no descriptors, no memory, pool full
};

struct FailureDetail {
  Failure kind = Failure::kProtocol;
  bool maybe_sent = false;  // some byte of the request may have reached the server
  bool operator==(const FailureDetail&) const = default;
};

// The one place where failures become Status and back. Codes: kInvalidRequest InvalidArgument, kAddressDenied
// PermissionDenied, kTimeout DeadlineExceeded, kCancelled Cancelled, kBodyTooLarge ResourceExhausted, kTls
// FailedPrecondition, kProtocol DataLoss, all others Unavailable.
absl::Status MakeFailure(FailureDetail detail, absl::string_view message);
// What MakeFailure put there; for other errors kProtocol/kTimeout/kCancelled by their code, maybe_sent = true.
FailureDetail FailureOf(const absl::Status& status);

// SEAM. Sends one request. OK means that a status line and headers came, whatever the status; redirects are answers.
// The deadline (the sooner of `deadline` and the context's) covers everything up to the end of the body. Concurrent
// calls are allowed. The transport outlives its calls and their bodies.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual async::Task<absl::StatusOr<Response>> Send(Request request, async::BootTime deadline) = 0;
};

// What a Handler gets. `path` and `query` are what stands in the request line, still percent-encoded.
struct ServerRequest {
  std::string method;
  std::string path;
  std::string query;
  Headers headers;
  std::string body;
  std::string peer;  // address of the client, "" in process
};

// SEAM. Answers one request. Concurrent calls are allowed. Cancelled when the client goes away or the server stops.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual async::Task<Response> Handle(ServerRequest request) = 0;
};

// Pieces of an absolute http or https URL, checked: InvalidArgument in a sentence otherwise. Userinfo and fragments are
// refused, IPv6 literals are without brackets in `host`, `port` is the scheme's default when absent.
struct Url {
  std::string scheme;
  std::string host;
  uint16_t port = 0;
  std::string path;   // starts with "/"
  std::string query;  // without "?"
  // "host", "host:8080", "[::1]:8080": as in the Host header; the port only when it is not the default.
  std::string Authority() const;
  bool operator==(const Url&) const = default;
};
absl::StatusOr<Url> ParseUrl(absl::string_view text);

// Percent-encodes one path segment or query value (everything but unreserved characters).
std::string EncodeComponent(absl::string_view text);
absl::StatusOr<std::string> DecodeComponent(absl::string_view text);
// The decoded value of a query parameter; nullopt when absent.
std::optional<std::string> QueryValue(absl::string_view query, absl::string_view name);

}  // namespace ottoscale::http
