#include "pkg/async/asio_loop.h"

#include <ctime>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <random>

#include "pkg/async/timer_queue.h"
#include "pkg/base/check.h"

namespace ottoscale::async {
namespace {

absl::Duration ReadClock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return absl::DurationFromTimespec(now);
}

uint64_t RealSeed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

// Holds the loop by pointer under a mutex: closed by the loop's destructor, so that late posts are dropped.
class AsioMailbox final : public Mailbox {
 public:
  explicit AsioMailbox(AsioLoop& loop) : loop_(&loop) {}
  void Post(Callback callback) override {
    const std::lock_guard lock(mutex_);
    if (loop_ != nullptr) loop_->Post(std::move(callback));
  }
  void Close() {
    const std::lock_guard lock(mutex_);
    loop_ = nullptr;
  }

 private:
  std::mutex mutex_;
  AsioLoop* loop_;
};

// asio's timers do not count suspended time, so a long wait is cut into pieces no longer than this.
constexpr absl::Duration kLongestNap = absl::Seconds(5);

}  // namespace

struct AsioLoop::Parts {
  boost::asio::io_context io{1};
  Random random{RealSeed()};
  TimerQueue timers;
  boost::asio::steady_timer alarm{io};
  BootTime alarm_at = BootTime::Infinite();
  std::shared_ptr<AsioMailbox> mailbox;
  std::unique_ptr<boost::asio::signal_set> signals;
  absl::AnyInvocable<void(int)> on_signal;
  absl::Duration longest_stall;

  void Timed(Callback& callback) {
    const absl::Duration start = ReadClock(CLOCK_MONOTONIC);
    callback();
    longest_stall = std::max(longest_stall, ReadClock(CLOCK_MONOTONIC) - start);
  }
  void Arm() {
    const BootTime next = timers.Next();
    if (next == alarm_at) return;
    alarm_at = next;
    if (next == BootTime::Infinite()) {
      alarm.cancel();
      return;
    }
    const absl::Duration wait = std::min(next - BootTime{ReadClock(CLOCK_BOOTTIME)}, kLongestNap);
    alarm.expires_after(absl::ToChronoNanoseconds(std::max(wait, absl::ZeroDuration())));
    alarm.async_wait([this](const boost::system::error_code& error) {
      if (error) return;  // re-armed for another time
      alarm_at = BootTime::Infinite();
      // One in a turn: timers do not keep the sockets waiting, and one that another has just cancelled does not run.
      if (auto due = timers.TakeDue(BootTime{ReadClock(CLOCK_BOOTTIME)})) Timed(due->callback);
      Arm();
    });
  }
  void AwaitSignal() {
    signals->async_wait([this](const boost::system::error_code& error, int signal) {
      if (error) return;
      Callback callback = [this, signal] { on_signal(signal); };
      Timed(callback);
      AwaitSignal();
    });
  }
};

AsioLoop::AsioLoop() : parts_(std::make_unique<Parts>()) { parts_->mailbox = std::make_shared<AsioMailbox>(*this); }

AsioLoop::~AsioLoop() { parts_->mailbox->Close(); }

BootTime AsioLoop::BootNow() { return BootTime{ReadClock(CLOCK_BOOTTIME)}; }

Instant AsioLoop::Now() { return {absl::UnixEpoch() + ReadClock(CLOCK_REALTIME), BootNow()}; }

void AsioLoop::Post(Callback callback) {
  boost::asio::post(parts_->io,
                    [parts = parts_.get(), callback = std::move(callback)]() mutable { parts->Timed(callback); });
}

TimerId AsioLoop::RunAt(BootTime when, Callback callback) {
  // Not before now: a timer that sets itself again for a time in the past waits behind those that are due.
  const TimerId id = parts_->timers.Add(std::max(when, Now().boot), std::move(callback));
  parts_->Arm();
  return id;
}

void AsioLoop::CancelTimer(TimerId timer) {
  parts_->timers.Remove(timer);
  parts_->Arm();
}

std::shared_ptr<Mailbox> AsioLoop::mailbox() { return parts_->mailbox; }
Random& AsioLoop::random() { return parts_->random; }
void AsioLoop::Run() {
  parts_->io.restart();  // it stays stopped otherwise, once it was
  parts_->io.run();
}
void AsioLoop::Stop() { parts_->io.stop(); }
boost::asio::io_context& AsioLoop::io() { return parts_->io; }
absl::Duration AsioLoop::TakeLongestStall() { return std::exchange(parts_->longest_stall, absl::ZeroDuration()); }

void AsioLoop::OnSignals(const std::vector<int>& signals, absl::AnyInvocable<void(int)> callback) {
  CHECK(parts_->signals == nullptr, "the signals of a loop are named once");
  parts_->signals = std::make_unique<boost::asio::signal_set>(parts_->io);
  for (const int signal : signals) parts_->signals->add(signal);
  parts_->on_signal = std::move(callback);
  parts_->AwaitSignal();
}

}  // namespace ottoscale::async
