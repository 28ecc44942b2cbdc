// Several processes in one simulated world, each with a loop of its own.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "pkg/async/simulated_loop.h"

namespace ottoscale::world {

// The loop of one process in the world: with a clock of its own speed and a wall clock of its own opinion. While it is
// stopped nothing of it runs, and time passes.
class ProcessLoop final : public async::Loop {
 public:
  ProcessLoop(async::SimulatedLoop& world, double speed) : world_(world), speed_(speed), start_(world.Now().boot) {
    door_ = std::make_shared<Door>(*this);
  }
  ~ProcessLoop() override { door_->loop = nullptr; }

  async::Instant Now() override {
    const async::Instant now = world_.Now();
    return {now.wall + wall_offset_, Local(now.boot)};
  }
  void Post(async::Callback callback) override {
    world_.Post([this, callback = std::move(callback)]() mutable { RunOrKeep(0, std::move(callback)); });
  }
  async::TimerId RunAt(async::BootTime when, async::Callback callback) override {
    const async::TimerId id{when, ++last_};
    if (when == async::BootTime::Infinite()) return id;
    timers_[id.number] =
        world_.RunAt(World(when), [this, number = id.number, callback = std::move(callback)]() mutable {
          RunOrKeep(number, std::move(callback));
        });
    return id;
  }
  void CancelTimer(async::TimerId id) override {
    const auto found = timers_.find(id.number);
    if (found == timers_.end()) return;
    world_.CancelTimer(found->second);
    timers_.erase(found);
  }
  std::shared_ptr<async::Mailbox> mailbox() override { return door_; }
  async::Random& random() override { return world_.random(); }

  void Stop() { stopped_ = true; }
  void GoOn() {
    stopped_ = false;
    for (Kept& kept : std::exchange(kept_, {})) {
      world_.Post([this, number = kept.timer, callback = std::move(kept.callback)]() mutable {
        RunOrKeep(number, std::move(callback));
      });
    }
  }
  bool stopped() const { return stopped_; }
  void StepWall(absl::Duration by) { wall_offset_ += by; }
  double speed() const { return speed_; }

 private:
  struct Kept {
    uint64_t timer;
    async::Callback callback;
  };
  struct Door final : public async::Mailbox {
    explicit Door(ProcessLoop& owner) : loop(&owner) {}
    void Post(async::Callback callback) override {
      if (loop != nullptr) loop->Post(std::move(callback));
    }
    ProcessLoop* loop;
  };

  async::BootTime Local(async::BootTime world) const { return start_ + speed_ * (world - start_); }
  // The first moment at which our clock shows `local`.
  async::BootTime World(async::BootTime local) const {
    async::BootTime when = start_ + (local - start_) / speed_;
    while (Local(when) < local) when = when + absl::Nanoseconds(1);
    return when;
  }
  void RunOrKeep(uint64_t timer, async::Callback callback) {
    if (timer != 0 && !timers_.contains(timer)) return;  // cancelled while it was kept
    if (stopped_) {
      kept_.push_back({timer, std::move(callback)});
      return;
    }
    timers_.erase(timer);
    callback();
  }

  async::SimulatedLoop& world_;
  const double speed_;
  const async::BootTime start_;
  absl::Duration wall_offset_;
  bool stopped_ = false;
  uint64_t last_ = 0;
  std::map<uint64_t, async::TimerId> timers_;
  std::vector<Kept> kept_;
  std::shared_ptr<Door> door_;
};

}  // namespace ottoscale::world
