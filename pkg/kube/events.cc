#include "pkg/kube/events.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "pkg/async/deadline.h"
#include "pkg/async/sleep.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/kubeapi/api_error.h"
#include "pkg/kubeapi/time_format.h"

namespace ottoscale::kube {

using kubeapi::ObjectKey;
using kubeapi::Resource;
using nlohmann::json;

namespace {

// Of client-go: series end, series refresh, burst and refill of the spam filter, tries and their distance.
constexpr absl::Duration kSeriesEnd = absl::Minutes(6);
constexpr absl::Duration kSeriesRefresh = absl::Minutes(30);
constexpr double kBurst = 25;
constexpr absl::Duration kRefill = absl::Minutes(5);
constexpr int kTries = 12;
constexpr absl::Duration kBetweenTries = absl::Seconds(10);
constexpr double kTryJitter = 0.25;

constexpr absl::Duration kLookForEnds = absl::Minutes(1);
constexpr size_t kMaxNote = 1024;
constexpr size_t kMaxWord = 128;
constexpr size_t kMaxName = 253;

// FNV-1a: the same on every machine and in every run.
uint64_t Hash(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

std::string Cut(absl::string_view text, size_t max_bytes) { return Truncate(Printable(text), max_bytes); }

// Removes the longest unused entry when there is no room for another.
template <class Map, class LastUse>
void MakeRoom(Map& map, size_t max, LastUse last_use) {
  if (map.size() < max) return;
  map.erase(std::min_element(map.begin(), map.end(), [&last_use](const auto& a, const auto& b) {
    return last_use(a.second) < last_use(b.second);
  }));
}

bool WorthAnotherTry(const absl::Status& status) {
  return IsTransient(status) || kubeapi::Is(status, kubeapi::ErrorReason::kInternalError);
}

async::Task<absl::Status> WaitFor(async::Signal& signal) { co_return co_await signal.Wait(); }

}  // namespace

EventRecorder::EventRecorder(async::Loop& loop, const Client& client, EventRecorderOptions options)
    : loop_(loop), client_(client), options_(std::move(options)) {}

json EventRecorder::MakeEvent(const Resource& resource, const ObjectKey& key, absl::string_view uid, bool warning,
                              absl::string_view reason, absl::string_view action, absl::string_view note) const {
  json event = json::object();
  event["apiVersion"] = kubeapi::Events().ApiVersion();
  event["kind"] = kubeapi::Events().kind;
  event["metadata"]["namespace"] = key.ns.empty() ? "default" : key.ns;
  event["reportingController"] = options_.controller;
  event["reportingInstance"] = Cut(options_.instance, kMaxWord);
  event["type"] = warning ? "Warning" : "Normal";
  event["reason"] = Cut(reason, kMaxWord);
  event["action"] = Cut(action.empty() ? reason : action, kMaxWord);
  event["note"] = Cut(note, kMaxNote);
  json& regarding = event["regarding"] = json::object();
  regarding["apiVersion"] = resource.ApiVersion();
  regarding["kind"] = resource.kind;
  regarding["name"] = key.name;
  if (!key.ns.empty()) regarding["namespace"] = key.ns;
  if (!uid.empty()) regarding["uid"] = std::string(uid);
  return event;
}

void EventRecorder::Record(const Resource& resource, const ObjectKey& key, absl::string_view uid, bool warning,
                           absl::string_view reason, absl::string_view action, absl::string_view note) {
  if (closed_) return;
  ++counters_.recorded;
  std::string object = absl::StrJoin(
      {absl::string_view(resource.kind), absl::string_view(key.ns), absl::string_view(key.name), uid}, "\n");
  std::string identity =
      absl::StrJoin({absl::string_view(object), absl::string_view(warning ? "!" : ""), reason, action, note}, "\n");
  const auto running = series_.find(identity);
  if (running != series_.end() && loop_.Now().boot - running->second.last <= kSeriesEnd) return Repeat(running->second);
  if (running != series_.end()) {
    QueueSeries(running->second);
    series_.erase(running);
  }
  BeginSeries(std::move(identity), std::move(object), MakeEvent(resource, key, uid, warning, reason, action, note));
}

void EventRecorder::BeginSeries(std::string identity, std::string object, json event) {
  if (!Spend(object)) return;
  const async::Instant now = loop_.Now();
  const std::string time = kubeapi::PrintMicroTime(now.wall);
  event["eventTime"] = time;
  const std::string name = kubeapi::TextAt(event, {"regarding", "name"}).substr(0, kMaxName - 17);
  event["metadata"]["name"] = absl::StrFormat("%s.%016x", name, Hash(absl::StrCat(identity, "\n", time)));
  MakeRoom(series_, options_.max_remembered, [](const Series& series) { return series.last; });
  series_.emplace(std::move(identity), Series{.event = event,
                                              .object = std::move(object),
                                              .last_wall = now.wall,
                                              .last = now.boot,
                                              .written_at = now.boot});
  Queue({.event = std::move(event)});
}

void EventRecorder::Repeat(Series& series) {
  ++counters_.merged;
  const async::Instant now = loop_.Now();
  ++series.count;
  series.last = now.boot;
  series.last_wall = now.wall;
  const bool due = series.count == 2 || now.boot - series.written_at >= kSeriesRefresh;
  if (due && Spend(series.object)) QueueSeries(series);
}

bool EventRecorder::Spend(const std::string& object) {
  const async::BootTime now = loop_.Now().boot;
  auto budget = budgets_.find(object);
  if (budget == budgets_.end()) {
    MakeRoom(budgets_, options_.max_remembered, [](const TokenBucket& bucket) { return bucket.last_taken(); });
    budget = budgets_.emplace(object, TokenBucket(kBurst, kRefill, now)).first;
  }
  if (budget->second.Take(now)) return true;
  ++counters_.dropped;
  return false;
}

void EventRecorder::QueueSeries(Series& series) {
  if (series.count == series.written) return;
  series.written = series.count;
  series.written_at = loop_.Now().boot;
  json event = series.event;
  event["series"] = json::object();
  event["series"]["count"] = series.count;
  event["series"]["lastObservedTime"] = kubeapi::PrintMicroTime(series.last_wall);
  Queue({.event = std::move(event), .patch = true});
}

void EventRecorder::Queue(Delivery delivery) {
  if (queue_.size() >= options_.max_queued) {
    ++counters_.dropped;
    return;
  }
  queue_.push_back(std::move(delivery));
  changed_.Notify();
}

void EventRecorder::FinishSeries(bool all) {
  const async::BootTime now = loop_.Now().boot;
  for (auto series = series_.begin(); series != series_.end();) {
    if (!all && now - series->second.last <= kSeriesEnd) {
      ++series;
      continue;
    }
    QueueSeries(series->second);
    series = series_.erase(series);
  }
}

void EventRecorder::Close() {
  FinishSeries(true);
  closed_ = true;
  changed_.Notify();
}

async::Task<void> EventRecorder::Run() {
  const async::Context& context = co_await async::CurrentContext();
  while (!context.cancelled()) {
    if (!queue_.empty()) {
      Delivery next = std::move(queue_.front());
      queue_.pop_front();
      co_await Deliver(std::move(next));
      continue;
    }
    if (closed_) co_return;
    const async::BootTime look = series_.empty() ? async::BootTime::Infinite() : loop_.Now().boot + kLookForEnds;
    (void)co_await async::WithDeadline(look, WaitFor(changed_));
    if (!closed_) FinishSeries(false);
  }
}

async::Task<void> EventRecorder::Deliver(Delivery delivery) {
  const async::Context& context = co_await async::CurrentContext();
  for (int tries = 1;; ++tries) {
    const absl::Status status = co_await Send(delivery);
    if (status.ok()) {
      ++counters_.sent;
      co_return;
    }
    if (context.cancelled() || closed_ || tries == kTries || !WorthAnotherTry(status)) break;
    if (!(co_await async::Sleep(loop_.random().Jitter(kBetweenTries, kTryJitter))).ok()) break;
  }
  ++counters_.dropped;
}

async::Task<absl::Status> EventRecorder::Send(Delivery delivery) {
  const async::BootTime deadline = loop_.Now().boot + options_.timeout;
  if (delivery.patch) {
    const ObjectKey key{kubeapi::TextAt(delivery.event, {"metadata", "namespace"}),
                        kubeapi::TextAt(delivery.event, {"metadata", "name"})};
    json patch = json::object();
    patch["series"] = delivery.event["series"];
    const auto patched = co_await client_.MergePatch(kubeapi::Events(), key, std::move(patch), deadline);
    // It was never delivered, or has been forgotten since: then the whole of it.
    if (!kubeapi::Is(patched.status(), kubeapi::ErrorReason::kNotFound)) co_return patched.status();
  }
  co_return (co_await client_.Create(kubeapi::Events(), std::move(delivery.event), deadline)).status();
}

}  // namespace ottoscale::kube
