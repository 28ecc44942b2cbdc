#include "pkg/apiserver/watch.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pkg/apiserver/errors.h"
#include "pkg/apiserver/reads.h"
#include "pkg/apiserver/selector.h"
#include "pkg/async/deadline.h"
#include "pkg/base/status.h"
#include "pkg/codec/json.h"

namespace ottoscale::apiserver {

using kubeapi::Resource;
using nlohmann::json;

namespace {

// A chunk ends once it has reached this size: long histories do not become one long answer.
constexpr size_t kChunkBytes = 32 * 1024;
constexpr size_t kChangesAtOnce = 64;

std::string Line(absl::string_view type, const json& object) {
  return absl::StrCat("{\"type\":\"", type, "\",\"object\":", codec::Dump(object), "}\n");
}

// Listens for as long as it lives.
class Listening {
 public:
  Listening(Store& store, Resource resource) : store_(store), resource_(std::move(resource)) {
    store_.Listen(resource_, signal_);
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
  ~Listening() { store_.Forget(resource_, signal_); }
  async::Signal& signal() { return signal_; }

 private:
  Store& store_;
  const Resource resource_;
  async::Signal signal_;
};

async::Task<absl::Status> WaitFor(async::Signal& signal) { co_return co_await signal.Wait(); }

struct WatchPlan {
  Resource resource;
  std::string ns;
  Selector selector;
  bool bookmarks = false;
  bool mark_initial_end = false;
  absl::Duration bookmark_interval;
  async::BootTime end;
  int64_t revision = 0;         // everything up to here is known to the watcher, or among `initial`
  std::vector<Stored> initial;  // still to be sent as ADDED
  Render render;                // null: as it is
};

class WatchStream final : public http::BodySource {
 public:
  WatchStream(async::Loop& loop, Store& store, WatchPlan plan)
      : loop_(loop), store_(store), plan_(std::move(plan)), listening_(store, plan_.resource) {
    PutOffBookmark();
  }

  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    while (true) {
      std::string chunk = Ready();
      if (!chunk.empty()) {
        PutOffBookmark();
        co_return std::move(chunk);
      }
      if (ended_) co_return std::nullopt;
      async::Context& context = co_await async::CurrentContext();
      if (context.cancelled()) co_return context.status();
      const async::BootTime wake = plan_.bookmarks ? std::min(plan_.end, bookmark_at_) : plan_.end;
      (void)co_await async::WithDeadline(wake, WaitFor(listening_.signal()));
      if (context.cancelled()) co_return context.status();
    }
  }

 private:
  // Everything that can be said now, up to about a chunk; empty when there is nothing.
  std::string Ready() {
    std::string chunk;
    if (ended_) return chunk;
    AppendInitial(chunk);
    while (!ended_ && Sendable(chunk) && AppendChanges(chunk)) {
    }
    if (ended_ || !chunk.empty()) return chunk;
    AppendByClock(chunk);
    return chunk;
  }

  bool Sendable(const std::string& chunk) const {
    return chunk.size() < kChunkBytes && sent_initial_ == plan_.initial.size();
  }

  void AppendInitial(std::string& chunk) {
    while (sent_initial_ < plan_.initial.size() && chunk.size() < kChunkBytes) {
      absl::StrAppend(&chunk, Event("ADDED", *plan_.initial[sent_initial_++].object));
    }
    if (sent_initial_ < plan_.initial.size()) return;
    plan_.initial.clear();
    sent_initial_ = 0;
    if (std::exchange(plan_.mark_initial_end, false)) absl::StrAppend(&chunk, Bookmark(true));
  }

  // False when there was none.
  bool AppendChanges(std::string& chunk) {
    const absl::StatusOr<std::vector<Change>> changes =
        store_.ChangesAfter(plan_.resource, plan_.revision, kChangesAtOnce);
    if (!changes.ok()) {
      const absl::Status why = absl::IsOutOfRange(changes.status()) ? TooOld(plan_.revision) : changes.status();
      absl::StrAppend(&chunk, Line("ERROR", kubeapi::ToJson(AsApiError(why))));
      ended_ = true;
      return false;
    }
    for (const Change& change : *changes) {
      absl::StrAppend(&chunk, EventOf(change));
      plan_.revision = change.revision;
    }
    return !changes->empty();
  }

  std::string Event(absl::string_view type, const json& object) {
    if (!plan_.render) return Line(type, object);
    return Line(type, plan_.render(object, std::exchange(first_, false)));
  }

  std::string EventOf(const Change& change) {
    if (!plan_.ns.empty() && change.key.ns != plan_.ns) return "";
    const bool was = change.previous != nullptr && plan_.selector.Matches(*change.previous);
    const bool is = !change.deleted && plan_.selector.Matches(*change.object);
    if (was && is) return Event("MODIFIED", *change.object);
    if (is) return Event("ADDED", *change.object);
    if (!was) return "";
    if (change.deleted) return Event("DELETED", *change.object);
    // It ceased to match: the watcher gets the state that it knew, at the revision at which that ended.
    json last = *change.previous;
    last["metadata"]["resourceVersion"] = std::to_string(change.revision);
    return Event("DELETED", last);
  }

  void AppendByClock(std::string& chunk) {
    const async::BootTime now = loop_.Now().boot;
    const bool over = now >= plan_.end;
    if (plan_.bookmarks && (now >= bookmark_at_ || (over && bookmarked_ != store_.Revision()))) {
      absl::StrAppend(&chunk, Bookmark(false));
    }
    if (over) ended_ = true;
  }

  // Everything up to the store's revision has been sent when this is called.
  std::string Bookmark(bool initial_end) {
    bookmarked_ = std::max(plan_.revision, initial_end ? plan_.revision : store_.Revision());
    plan_.revision = bookmarked_;
    json object = json::object();
    object["kind"] = plan_.resource.kind;
    object["apiVersion"] = plan_.resource.ApiVersion();
    json& metadata = object["metadata"] = json::object();
    metadata["resourceVersion"] = std::to_string(bookmarked_);
    if (initial_end) metadata["annotations"]["k8s.io/initial-events-end"] = "true";
    return Event("BOOKMARK", object);
  }

  void PutOffBookmark() { bookmark_at_ = loop_.Now().boot + plan_.bookmark_interval; }

  async::Loop& loop_;
  Store& store_;
  WatchPlan plan_;
  Listening listening_;
  size_t sent_initial_ = 0;
  async::BootTime bookmark_at_;
  int64_t bookmarked_ = 0;
  bool ended_ = false;
  bool first_ = true;
};

absl::Status CheckInitialEvents(const Options& options) {
  if (!options.send_initial_events) {
    if (options.resource_version_match.empty()) return absl::OkStatus();
    return BadRequest("query parameter resourceVersionMatch: forbidden for a watch without sendInitialEvents");
  }
  if (options.resource_version_match == "NotOlderThan") return absl::OkStatus();
  return BadRequest("query parameter sendInitialEvents: needs resourceVersionMatch=NotOlderThan");
}

// The server's own end of a watch is drawn, so that not all watchers come back at once.
absl::Duration Length(async::Loop& loop, const Options& options) {
  return options.timeout.value_or(absl::Minutes(30) * (1 + loop.random().Unit()));
}

absl::Status AddInitial(Store& store, WatchPlan& plan) {
  ASSIGN_OR_RETURN(std::vector<Stored> all, store.List(plan.resource, plan.ns, std::nullopt));
  std::erase_if(all, [&plan](const Stored& stored) { return !plan.selector.Matches(*stored.object); });
  plan.initial = std::move(all);
  plan.revision = store.Revision();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<http::BodySource>> OpenWatch(async::Loop& loop, Store& store, const Target& target,
                                                            const Options& options, absl::Duration bookmark_interval,
                                                            Render render) {
  RETURN_IF_ERROR(CheckInitialEvents(options));
  ASSIGN_OR_RETURN(const std::optional<int64_t> wanted, WantedRevision(options));
  WatchPlan plan{.resource = target.served->resource,
                 .ns = target.ns,
                 .bookmarks = options.allow_bookmarks,
                 .bookmark_interval = bookmark_interval,
                 .end = loop.Now().boot + Length(loop, options),
                 .render = std::move(render)};
  ASSIGN_OR_RETURN(plan.selector,
                   ParseSelector(options.label_selector, options.field_selector, target.served->selectable));
  if (!target.name.empty())
    plan.selector.fields.push_back({"metadata.name", Requirement::Operator::kIn, {target.name}});
  if (wanted && *wanted > store.Revision()) return TooOld(*wanted);

  const bool initial = options.send_initial_events.value_or(!wanted.has_value());
  if (initial) {
    RETURN_IF_ERROR(AddInitial(store, plan));
    plan.mark_initial_end = options.send_initial_events.value_or(false) && options.allow_bookmarks;
  } else {
    plan.revision = wanted.value_or(store.Revision());
    const absl::StatusOr<std::vector<Change>> reachable = store.ChangesAfter(plan.resource, plan.revision, 0);
    if (absl::IsOutOfRange(reachable.status())) return TooOld(plan.revision);
    RETURN_IF_ERROR(reachable.status());
  }
  return std::make_unique<WatchStream>(loop, store, std::move(plan));
}

}  // namespace ottoscale::apiserver
