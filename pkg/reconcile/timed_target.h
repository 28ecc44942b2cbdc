// Takes the time of a write to a target, as a decorator around any of them.
#pragma once

#include <optional>

#include "pkg/async/loop.h"
#include "pkg/async/task.h"
#include "pkg/ports/ports.h"

namespace ottoscale::reconcile {

class TimedTarget final : public ports::ScalingTarget {
 public:
  // Both outlive it.
  TimedTarget(async::Loop& loop, ports::ScalingTarget& inner) : loop_(loop), inner_(inner) {}

  async::Task<decision::TargetReading> Read(async::BootTime deadline) override { return inner_.Read(deadline); }
  async::Task<decision::WriteResult> SetCapacity(int capacity, async::BootTime deadline) override {
    sent_ = loop_.Now().boot;
    decision::WriteResult result = co_await inner_.SetCapacity(capacity, deadline);
    took_ = loop_.Now().boot - *sent_;
    co_return result;
  }

  std::optional<async::BootTime> sent() const { return sent_; }  // nullopt: it was not written to
  absl::Duration took() const { return took_; }

 private:
  async::Loop& loop_;
  ports::ScalingTarget& inner_;
  std::optional<async::BootTime> sent_;
  absl::Duration took_;
};

}  // namespace ottoscale::reconcile
