// Tells people what happened, as events.k8s.io/v1 Events that `kubectl describe` shows. Recording is a plain call: it
// never waits and never fails a pass. One task delivers, in order, from a bounded queue.
//
//   * The same thing again (same object, reason, action, type and note) within 6 minutes is not a new Event but the
//     series of the first: written at the second time, every 30 minutes while it goes on, and once when it is over.
//     The note is part of that: it cannot be changed later, and a number in it would vanish in a count.
//   * Each object has a budget of 25 writes, refilled by one in 5 minutes; what exceeds it is counted, not sent.
//   * Names follow from what is told and when, so an Event that is sent twice exists once.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pkg/async/loop.h"
#include "pkg/async/signal.h"
#include "pkg/async/task.h"
#include "pkg/kube/client.h"
#include "pkg/kube/token_bucket.h"
#include "pkg/kubeapi/object.h"
#include "pkg/kubeapi/resource.h"

namespace ottoscale::kube {

struct EventRecorderOptions {
  std::string controller = "ottoscale.dev/operator";  // reportingController: a qualified name
  std::string instance = "ottoscale";                 // reportingInstance: the pod
  size_t max_queued = 1000;                           // the newest is dropped
  size_t max_remembered = 4096;                       // series, and objects with a budget; the longest unused first
  absl::Duration timeout = absl::Seconds(10);         // of one write
};

struct EventCounters {
  uint64_t recorded = 0;
  uint64_t merged = 0;   // into a series
  uint64_t sent = 0;     // writes that succeeded
  uint64_t dropped = 0;  // over the budget, queue full, or given up
};

class EventRecorder {
 public:
  // Both outlive the recorder and its task.
  EventRecorder(async::Loop& loop, const Client& client, EventRecorderOptions options = {});
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  // `note`: a sentence, cut to 1024 bytes. `reason` and `action`: CamelCase, at most 128 bytes; an empty action is the
  // reason. Events of an object without a namespace go to "default".
  void Record(const kubeapi::Resource& resource, const kubeapi::ObjectKey& key, absl::string_view uid, bool warning,
              absl::string_view reason, absl::string_view action, absl::string_view note);

  // Delivers until it is cancelled, or until everything was tried once after Close(). Once. While the server is away it
  // tries each write 12 times, 10 s apart.
  async::Task<void> Run();
  // Nothing is recorded from now on; running series are written out.
  void Close();

  size_t queued() const { return queue_.size(); }
  const EventCounters& counters() const { return counters_; }

 private:
  struct Series {
    nlohmann::json event;  // as it was created, with its name
    std::string object;    // whose budget it uses
    int64_t count = 1;
    int64_t written = 1;  // the count that was last queued
    absl::Time last_wall;
    async::BootTime last;
    async::BootTime written_at;
  };
  // One write: the Event, with its series when that has more than one.
  struct Delivery {
    nlohmann::json event;
    bool patch = false;
  };
  nlohmann::json MakeEvent(const kubeapi::Resource& resource, const kubeapi::ObjectKey& key, absl::string_view uid,
                           bool warning, absl::string_view reason, absl::string_view action,
                           absl::string_view note) const;
  void Repeat(Series& series);
  void BeginSeries(std::string identity, std::string object, nlohmann::json event);
  bool Spend(const std::string& object);
  void QueueSeries(Series& series);
  void Queue(Delivery delivery);
  void FinishSeries(bool all);
  async::Task<void> Deliver(Delivery delivery);
  async::Task<absl::Status> Send(Delivery delivery);

  async::Loop& loop_;
  const Client& client_;
  const EventRecorderOptions options_;
  std::map<std::string, Series> series_;        // by what is told of whom
  std::map<std::string, TokenBucket> budgets_;  // by object
  std::deque<Delivery> queue_;
  async::Signal changed_;
  bool closed_ = false;
  EventCounters counters_;
};

}  // namespace ottoscale::kube
