// Pending timers in order of time, then of creation. What both loops keep; no clock in it.
#pragma once

#include <map>
#include <optional>
#include <utility>

#include "pkg/async/loop.h"

namespace ottoscale::async {

class TimerQueue {
 public:
  TimerId Add(BootTime when, Callback callback) {
    const TimerId id{when, ++last_};
    timers_.emplace(std::pair(when, id.number), std::move(callback));
    return id;
  }
  void Remove(TimerId id) { timers_.erase(std::pair(id.when, id.number)); }
  // The earliest time, or infinite.
  BootTime Next() const { return timers_.empty() ? BootTime::Infinite() : timers_.begin()->first.first; }
  struct Due {
    uint64_t number;
    Callback callback;
  };
  // Takes out the earliest timer that is due at `now`.
  std::optional<Due> TakeDue(BootTime now) {
    if (timers_.empty() || now < timers_.begin()->first.first) return std::nullopt;
    auto node = timers_.extract(timers_.begin());
    return Due{node.key().second, std::move(node.mapped())};
  }
  bool empty() const { return timers_.empty(); }
  size_t size() const { return timers_.size(); }

 private:
  std::map<std::pair<BootTime, uint64_t>, Callback> timers_;
  uint64_t last_ = 0;
};

}  // namespace ottoscale::async
