// The real loop: a boost::asio::io_context run by one thread. Clock: CLOCK_BOOTTIME and CLOCK_REALTIME.
#pragma once

#include <memory>
#include <vector>

#include "pkg/async/loop.h"

namespace boost::asio {
class io_context;
}

namespace ottoscale::async {

class AsioLoop final : public Loop {
 public:
  AsioLoop();
  ~AsioLoop() override;

  Instant Now() override;
  // Now().boot, for foreign threads.
  static BootTime BootNow();
  void Post(Callback callback) override;
  TimerId RunAt(BootTime when, Callback callback) override;
  void CancelTimer(TimerId timer) override;
  std::shared_ptr<Mailbox> mailbox() override;
  Random& random() override;

  // Runs until Stop() or until nothing is left to do.
  void Run();
  // Ends Run() after the callback that is running. Loop thread only; others post it.
  void Stop();
  // Runs `callback(signal number)` on the loop at each of these signals, from now on; Run() then ends only by Stop().
  // Called once.
  void OnSignals(const std::vector<int>& signals, absl::AnyInvocable<void(int)> callback);

  // For the files that open sockets; nothing else may post to it.
  boost::asio::io_context& io();
  // The longest that one callback (posted, timed, or of a signal) has kept the loop since the last call: what a stuck
  // loop looks like from inside.
  absl::Duration TakeLongestStall();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ottoscale::async
