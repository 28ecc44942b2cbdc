#include "pkg/async/simulated_loop.h"

#include <mutex>
#include <utility>

namespace ottoscale::async {

// Foreign threads put callbacks in here; the loop takes them out before each turn.
class SimulatedLoop::Door final : public Mailbox {
 public:
  void Post(Callback callback) override {
    const std::lock_guard lock(mutex_);
    if (open_) mail_.push_back(std::move(callback));
  }
  std::vector<Callback> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(mail_, {});
  }
  void Close() {
    std::vector<Callback>
        dropped;  // after the lock: a dropped callback may own the last copy of a promise, which posts
    const std::lock_guard lock(mutex_);
    open_ = false;
    dropped.swap(mail_);
  }

 private:
  std::mutex mutex_;
  bool open_ = true;
  std::vector<Callback> mail_;
};

SimulatedLoop::SimulatedLoop(uint64_t seed) : SimulatedLoop(seed, absl::FromUnixSeconds(1767225600)) {}

SimulatedLoop::SimulatedLoop(uint64_t seed, absl::Time wall)
    : random_(seed),
      wall_at_boot_zero_(wall - absl::Seconds(1000)),
      now_{absl::Seconds(1000)},
      door_(std::make_shared<Door>()) {}

SimulatedLoop::~SimulatedLoop() {
  door_->Close();
  // What a dropped callback owns may post on its way out.
  while (!ready_.empty() || !timers_.empty()) {
    const std::vector<Ready> dropped = std::exchange(ready_, {});
    (void)timers_.TakeDue(BootTime::Infinite());
  }
}

void SimulatedLoop::CancelTimer(TimerId timer) {
  timers_.Remove(timer);
  if (timer.number == 0 || now_ < timer.when) return;
  // It may be due and wait for its turn.
  for (Ready& ready : ready_) {
    if (ready.timer != timer.number) continue;
    std::swap(ready, ready_.back());
    ready_.pop_back();
    return;
  }
}

std::shared_ptr<Mailbox> SimulatedLoop::mailbox() { return door_; }

void SimulatedLoop::TakeMail() {
  for (Callback& callback : door_->Take()) ready_.push_back({0, std::move(callback)});
}

bool SimulatedLoop::RunOne() {
  TakeMail();
  while (auto due = timers_.TakeDue(now_)) ready_.push_back({due->number, std::move(due->callback)});
  if (ready_.empty()) return false;
  std::swap(ready_[random_.Below(ready_.size())], ready_.back());
  Callback next = std::move(ready_.back().callback);
  ready_.pop_back();
  ++turns_;
  next();
  return true;
}

size_t SimulatedLoop::RunReady() {
  size_t count = 0;
  while (RunOne()) {
    CHECK(++count < 10'000'000, "callbacks post each other without end: time cannot pass");
  }
  return count;
}

bool SimulatedLoop::AdvanceTo(BootTime limit) {
  const BootTime next = timers_.Next();
  if (next == BootTime::Infinite() || limit < next) return false;
  now_ = std::max(now_, next);
  return true;
}

void SimulatedLoop::RunUntil(BootTime until) {
  do {
    RunReady();
  } while (AdvanceTo(until));
  now_ = std::max(now_, until);
}

bool SimulatedLoop::RunUntilDone(absl::FunctionRef<bool()> done, absl::Duration limit) {
  const BootTime end = now_ + limit;
  while (!done()) {
    size_t count = 0;
    while (!done() && RunOne()) {
      CHECK(++count < 10'000'000, "callbacks post each other without end: time cannot pass");
    }
    if (done()) return true;
    if (!AdvanceTo(end)) return false;
  }
  return true;
}

bool SimulatedLoop::drained() {
  TakeMail();
  return ready_.empty() && timers_.empty();
}

}  // namespace ottoscale::async
