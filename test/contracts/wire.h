// Real sockets for tests: a loop that runs one task, one end of a connection that speaks bytes, and a server that
// follows a script, for the answers that no honest server gives.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "pkg/async/asio_loop.h"
#include "pkg/async/deadline.h"
#include "pkg/async/gather.h"
#include "pkg/async/scope.h"
#include "pkg/async/sleep.h"
#include "pkg/base/check.h"
#include "pkg/http/socket_io.h"

namespace ottoscale::contracts {

using boost::asio::ip::tcp;

// Runs a task as a root to its end on the real loop. A guard ends the process when a test hangs.
template <class T>
T RunReal(async::AsioLoop& loop, async::Task<T> task) {
  async::Context root(loop);
  bool finished = false;
  const async::TimerId guard = loop.RunAt(loop.Now().boot + absl::Minutes(2),
                                          [] { CHECK(false, "the test waits for something that never comes"); });
  task.Start(root, [&loop, &finished] {
    finished = true;
    loop.Stop();
  });
  while (!finished) {
    loop.io().restart();
    loop.Run();
  }
  loop.CancelTimer(guard);
  return task.Take();
}

// One end of a TCP connection. Copies share it; it closes with the last one.
class Wire {
 public:
  explicit Wire(async::AsioLoop& loop) : loop_(&loop), parts_(std::make_shared<Parts>(loop.io())) {}

  tcp::socket& socket() { return parts_->socket; }
  const std::string& received() const { return parts_->received; }

  async::Task<bool> Connect(std::string address, uint16_t port) {
    const tcp::endpoint to(boost::asio::ip::make_address(address), port);
    const auto done = co_await http::Io(
        *loop_, parts_, [this, to](http::IoHandler handler) { socket().async_connect(to, std::move(handler)); });
    co_return done.ok() && !done->error;
  }
  // False when the other end is gone.
  async::Task<bool> Send(std::string bytes) {
    const auto done = co_await http::WriteAll(*loop_, parts_, parts_->socket, http::Pieces{.head = std::move(bytes)});
    co_return done.ok() && !done->error;
  }
  // Appends to received(); false at the end.
  async::Task<bool> Read() {
    const auto done = co_await http::Io(*loop_, parts_, [this](http::IoHandler handler) {
      socket().async_read_some(boost::asio::buffer(parts_->room), std::move(handler));
    });
    if (!done.ok() || done->error) co_return false;
    parts_->received.append(parts_->room.data(), done->bytes);
    co_return true;
  }
  // Reads until `text` has been received; false when the end came first.
  async::Task<bool> ReadUntil(std::string text) {
    while (!absl::StrContains(received(), text)) {
      if (!co_await Read()) co_return false;
    }
    co_return true;
  }
  async::Task<std::string> ReadToEnd() {
    while (co_await Read()) {
    }
    co_return received();
  }
  void Forget() { parts_->received.clear(); }
  void Close() {
    boost::system::error_code ignored;
    socket().close(ignored);
  }
  // The other end sees a reset instead of an end of file.
  void Reset() {
    boost::system::error_code ignored;
    socket().set_option(boost::asio::socket_base::linger(true, 0), ignored);
    Close();
  }

 private:
  struct Parts {
    explicit Parts(boost::asio::io_context& io) : socket(io) {}
    tcp::socket socket;
    std::string room = std::string(64 * 1024, '\0');
    std::string received;
  };
  async::AsioLoop* loop_;
  std::shared_ptr<Parts> parts_;
};

// Accepts on a port of the system's choice and runs `script` with each connection.
class ScriptedServer {
 public:
  using Script = std::function<async::Task<void>(Wire)>;

  ScriptedServer(async::AsioLoop& loop, Script script, const std::string& address = "127.0.0.1")
      : loop_(loop),
        script_(std::move(script)),
        acceptor_(loop.io(), tcp::endpoint(boost::asio::ip::make_address(address), 0)),
        scope_(loop) {
    scope_.Spawn(AcceptAll());
  }
  ~ScriptedServer() { RunReal(loop_, Stop()); }

  uint16_t port() const { return acceptor_.local_endpoint().port(); }
  size_t connections() const { return wires_.size(); }
  // What was received on each connection so far, in the order of arrival.
  std::string received(size_t i) const { return wires_.at(i).received(); }

 private:
  async::Task<void> Stop() {
    scope_.Cancel();
    co_await scope_.Join();
  }
  async::Task<void> AcceptAll() {
    while (true) {
      Wire wire(loop_);
      const auto done = co_await http::Io(loop_, nullptr, [this, wire](http::IoHandler handler) mutable {
        acceptor_.async_accept(wire.socket(), [handler, wire](boost::system::error_code error) { handler(error); });
      });
      if (!done.ok() || done->error) co_return;
      wires_.push_back(wire);
      scope_.Spawn(Run(wire));
    }
  }
  async::Task<void> Run(Wire wire) {
    co_await script_(wire);
    wire.Close();
  }

  async::AsioLoop& loop_;
  Script script_;
  tcp::acceptor acceptor_;
  std::vector<Wire> wires_;
  async::Scope scope_;
};

}  // namespace ottoscale::contracts
