// asio operations as futures. For the two files that open sockets (server.cc, probe_client.cc): asio headers are heavy.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <string>
#include <utility>

#include "pkg/async/promise.h"
#include "pkg/async/task.h"

namespace ottoscale::http {

// How an operation ended. Not a Status: callers tell an end of file from a reset from a parse error.
struct IoResult {
  boost::system::error_code error;
  size_t bytes = 0;
  async::BootTime at;  // when it ended, read before anything else had a turn
};

// The completion handler. It owns a share of everything that the operation points to, because a task whose await was
// cancelled leaves before the operation has ended.
class IoHandler {
 public:
  IoHandler(async::Loop& loop, async::Promise<IoResult> promise, std::shared_ptr<void> keep)
      : loop_(&loop), promise_(std::move(promise)), keep_(std::move(keep)) {}
  void operator()(boost::system::error_code error, size_t bytes = 0) const {
    promise_.Set(IoResult{error, bytes, loop_->Now().boot});
  }

 private:
  async::Loop* loop_;
  async::Promise<IoResult> promise_;
  std::shared_ptr<void> keep_;
};

// Starts an operation now: `start(IoHandler)`. The task completes with it, or with why its context was cancelled; then
// the operation is still under way and the socket should be closed.
template <class Start>
async::Task<absl::StatusOr<IoResult>> Io(async::Loop& loop, std::shared_ptr<void> keep, Start start) {
  async::Promise<IoResult> promise(loop);
  async::Future<IoResult> future = promise.GetFuture();
  start(IoHandler(loop, std::move(promise), std::move(keep)));
  co_return co_await std::move(future);
}

// The pieces of one write, owned by the operation.
struct Pieces {
  std::string head;
  std::string body;
  std::string tail;
};

// Writes all pieces to `stream`, which `keep` owns.
template <class Stream>
async::Task<absl::StatusOr<IoResult>> WriteAll(async::Loop& loop, std::shared_ptr<void> keep, Stream& stream,
                                               Pieces pieces) {
  struct Owned {
    Pieces pieces;
    std::shared_ptr<void> keep;
  };
  auto owned = std::make_shared<Owned>(Owned{std::move(pieces), std::move(keep)});
  const std::array<boost::asio::const_buffer, 3> buffers = {boost::asio::buffer(owned->pieces.head),
                                                            boost::asio::buffer(owned->pieces.body),
                                                            boost::asio::buffer(owned->pieces.tail)};
  co_return co_await Io(loop, owned, [&stream, &buffers](IoHandler handler) {
    boost::asio::async_write(stream, buffers, std::move(handler));
  });
}

}  // namespace ottoscale::http
