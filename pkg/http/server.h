// Serves a Handler over plain HTTP/1.1 on the loop (Boost.Beast). Limits: 16 KiB of headers read within 10 s, the body
// cap below, 90 s idle between requests, a cap on connections. A pulled response body is sent chunk by chunk and
// flushed each time; a client that goes away cancels the handler's task.
#pragma once

#include <memory>
#include <string>

#include "pkg/async/asio_loop.h"
#include "pkg/http/http.h"

namespace ottoscale::http {

struct ServerOptions {
  std::string address = "127.0.0.1";  // "::" listens on both families
  uint16_t port = 0;                  // 0: the system chooses
  size_t max_body_bytes = size_t{8} << 20;
  size_t max_connections = 1024;
  absl::Duration header_timeout = absl::Seconds(10);
  absl::Duration idle_timeout = absl::Seconds(90);
};

class Server {
 public:
  virtual ~Server() = default;  // only after Stop() has returned
  virtual uint16_t port() const = 0;
  // Accepts no more, lets running answers finish until `deadline`, then cuts them. Streams are cancelled at once.
  virtual async::Task<void> Stop(async::BootTime deadline) = 0;
};

// Listens at once: an error says which address and why. `loop` and `handler` outlive the server.
absl::StatusOr<std::unique_ptr<Server>> Listen(async::AsioLoop& loop, Handler& handler, ServerOptions options);

}  // namespace ottoscale::http
