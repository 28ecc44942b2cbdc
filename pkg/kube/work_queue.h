// The keys that want a pass, each at most once, handed to the workers of a controller in the order in which they became
// ready.
//
//   * A key waits at most once, with the earliest of the times that were asked for; Add is AddAt(now). Taking the key
//     fulfils them all: whoever takes it looks at everything and says itself when it wants to come again.
//   * What is asked for while a worker has the key is kept (the earliest time again) and counts from Done on: nothing
//     is lost, and no key is ever with two workers.
//   * No clock of its own, no thread: the loop's.
//
//   while (true) {
//     absl::StatusOr<ObjectKey> key = co_await queue.Next();
//     if (!key.ok()) co_return;
//     ... work; on failure queue.Retry(*key, cap), else queue.Forget(*key) ...
//     queue.Done(*key);
//   }
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/status/statusor.h"
#include "pkg/async/context.h"
#include "pkg/async/loop.h"
#include "pkg/base/check.h"
#include "pkg/kube/duration_histogram.h"

namespace ottoscale::kube {

struct WorkQueueCounters {
  uint64_t adds = 0;                            // became ready: workqueue_adds_total
  uint64_t retries = 0;                         // Retry calls: workqueue_retries_total
  DurationHistogram waited = QueueHistogram();  // from ready to taken
  DurationHistogram worked = QueueHistogram();  // from taken to Done
};

// The pause before try number `failures` + 1 of a key: 5 ms * 2^(failures - 1), at most `cap`, then up to a quarter
// shorter by chance (`unit` in [0, 1)), so that what failed together does not come back together.
inline absl::Duration RetryDelay(int failures, absl::Duration cap, double unit) {
  const int doublings = std::clamp(failures - 1, 0, 40);
  const absl::Duration delay = absl::Milliseconds(5) * static_cast<double>(int64_t{1} << doublings);
  return std::min(delay, cap) * (1 - unit / 4);
}

// `Key` is a value with an order: std::string, kubeapi::ObjectKey.
template <class Key>
class WorkQueue {
 public:
  // `loop` outlives the queue; the queue outlives the workers that wait at it.
  explicit WorkQueue(async::Loop& loop) : loop_(loop) {}
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;
  ~WorkQueue() {
    CHECK(takers_.empty(), "a work queue died under its workers");
    for (auto& [key, entry] : entries_) loop_.CancelTimer(entry.timer);
  }

  void Add(const Key& key) { AddAt(key, loop_.Now().boot); }
  void AddAfter(const Key& key, absl::Duration delay) { AddAt(key, loop_.Now().boot + delay); }
  // Ignored after ShutDown, and when `when` is infinite.
  void AddAt(const Key& key, async::BootTime when) {
    if (shut_down_ || when == async::BootTime::Infinite()) return;
    Entry& entry = entries_[key];
    if (entry.state == State::kReady) return;
    if (entry.state == State::kTaken) {
      entry.again = std::min(entry.again, when);
      return;
    }
    if (entry.when <= when) return;
    Schedule(key, entry, when);
  }

  // After a failure: again after RetryDelay of its failures in a row, but not before `not_before`. The delay.
  absl::Duration Retry(const Key& key, absl::Duration cap, async::BootTime not_before = {}) {
    ++counters_.retries;
    int& failures = failures_[key];
    ++failures;
    const async::BootTime now = loop_.Now().boot;
    const async::BootTime when = std::max(now + RetryDelay(failures, cap, loop_.random().Unit()), not_before);
    AddAt(key, when);
    return when - now;
  }
  // After a success: its next failure is the first of a row again.
  void Forget(const Key& key) { failures_.erase(key); }
  int failures(const Key& key) const {
    const auto found = failures_.find(key);
    return found == failures_.end() ? 0 : found->second;
  }

  // The worker is through with a key that Next gave it.
  void Done(const Key& key) {
    const auto found = entries_.find(key);
    CHECK(found != entries_.end() && found->second.state == State::kTaken, "only a taken key can be done");
    Entry& entry = found->second;
    counters_.worked.Add(loop_.Now().boot - entry.since);
    taken_since_.erase(taken_since_.find(entry.since));
    if (shut_down_ || entry.again == async::BootTime::Infinite()) {
      entries_.erase(found);
      return;
    }
    const async::BootTime when = std::exchange(entry.again, async::BootTime::Infinite());
    entry.state = State::kDelayed;
    Schedule(key, entry, when);
  }

  class [[nodiscard]] Taker {
   public:
    explicit Taker(WorkQueue& queue) : queue_(queue), waiter_(&Withdraw, this) {}
    bool await_ready() {
      if (queue_.shut_down_ || queue_.ready_.empty()) return queue_.shut_down_;
      key_ = queue_.Take();
      return true;
    }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> self) {
      if (!waiter_.Park(self, *self.promise().context)) return false;
      place_ = queue_.takers_.insert(queue_.takers_.end(), this);
      return true;
    }
    absl::StatusOr<Key> await_resume() {
      if (key_) return *std::move(key_);
      if (!waiter_.status().ok()) return waiter_.status();
      return absl::CancelledError("the work queue was shut down");
    }

   private:
    friend class WorkQueue;
    static void Withdraw(void* self, async::Waiter&) {
      auto* taker = static_cast<Taker*>(self);
      taker->queue_.takers_.erase(taker->place_);
    }
    WorkQueue& queue_;
    async::Waiter waiter_;
    typename std::list<Taker*>::iterator place_;
    std::optional<Key> key_;
  };
  // The next ready key, now with the caller until Done. Cancelled after ShutDown; or why the wait was cut short.
  // Several may wait; first come, first served.
  Taker Next() { return Taker(*this); }

  // No key is handed out from now on, and none is taken in.
  void ShutDown() {
    shut_down_ = true;
    for (auto entry = entries_.begin(); entry != entries_.end();) {
      loop_.CancelTimer(entry->second.timer);
      entry = entry->second.state == State::kTaken ? std::next(entry) : entries_.erase(entry);
    }
    ready_.clear();
    while (!takers_.empty()) WakeFirst();
  }

  size_t depth() const { return ready_.size(); }  // workqueue_depth
  size_t delayed() const { return entries_.size() - ready_.size() - taken(); }
  size_t taken() const { return taken_since_.size(); }
  // For how long the workers have had what they have not done yet, together and at most: zero when there is nothing.
  absl::Duration unfinished() const {  // workqueue_unfinished_work_seconds
    absl::Duration sum;
    for (const async::BootTime since : taken_since_) sum += loop_.Now().boot - since;
    return sum;
  }
  absl::Duration longest_running() const {  // workqueue_longest_running_processor_seconds
    return taken_since_.empty() ? absl::ZeroDuration() : loop_.Now().boot - *taken_since_.begin();
  }
  const WorkQueueCounters& counters() const { return counters_; }

 private:
  enum class State { kDelayed, kReady, kTaken };
  struct Entry {
    State state = State::kDelayed;
    async::BootTime when = async::BootTime::Infinite();   // kDelayed: when it becomes ready
    async::BootTime again = async::BootTime::Infinite();  // kTaken: asked for meanwhile
    async::BootTime since;                                // kReady, kTaken: from when on it is so
    async::TimerId timer;
  };

  void Schedule(const Key& key, Entry& entry, async::BootTime when) {
    loop_.CancelTimer(entry.timer);
    entry.timer = {};
    entry.when = when;
    if (when <= loop_.Now().boot) return MakeReady(key, entry);
    entry.timer = loop_.RunAt(when, [this, key] {
      Entry& due = entries_.at(key);
      due.timer = {};
      MakeReady(key, due);
    });
  }

  void MakeReady(const Key& key, Entry& entry) {
    ++counters_.adds;
    entry.state = State::kReady;
    entry.when = async::BootTime::Infinite();
    entry.since = loop_.Now().boot;
    ready_.push_back(key);
    if (takers_.empty()) return;
    // Handed over here and not when the worker's turn comes: another worker could be faster, and it would find nothing.
    takers_.front()->key_ = Take();
    WakeFirst();
  }

  Key Take() {
    Key key = std::move(ready_.front());
    ready_.pop_front();
    Entry& entry = entries_.at(key);
    const async::BootTime now = loop_.Now().boot;
    counters_.waited.Add(now - entry.since);
    entry.state = State::kTaken;
    entry.since = now;
    taken_since_.insert(now);
    return key;
  }

  void WakeFirst() {
    Taker* taker = takers_.front();
    takers_.pop_front();
    taker->waiter_.Wake();
  }

  async::Loop& loop_;
  std::map<Key, Entry> entries_;
  std::map<Key, int> failures_;
  std::deque<Key> ready_;
  std::list<Taker*> takers_;
  std::multiset<async::BootTime> taken_since_;  // as many as there are workers, at most
  bool shut_down_ = false;
  WorkQueueCounters counters_;
};

}  // namespace ottoscale::kube
