#include "pkg/kube/reflector.h"

#include <variant>

#include "pkg/async/sleep.h"

namespace ottoscale::kube {
namespace {

// Without bookmarks a stream may be silent up to its own end, which may come a little late.
constexpr absl::Duration kGrace = absl::Seconds(30);

}  // namespace

async::Task<void> Reflector::Run() {
  const async::Context& context = co_await async::CurrentContext();
  WatchStep step = machine_.Begin();
  while (!context.cancelled()) {
    WatchInput input = co_await Do(std::move(step.next));
    if (context.cancelled()) break;
    step = machine_.Next(std::move(input), loop_.Now().boot);
    Tell(std::move(step.change));
    // The connection of a stream that is over is given up now, not when the next one opens.
    if (!std::holds_alternative<DoRead>(step.next)) stream_.reset();
  }
  stream_.reset();
}

async::Task<WatchInput> Reflector::Do(WatchAction action) {
  if (const auto* list = std::get_if<DoList>(&action)) co_return co_await List(list->resource_version);
  if (const auto* watch = std::get_if<DoWatch>(&action)) co_return co_await Open(*watch);
  if (const auto* wait = std::get_if<DoWait>(&action)) co_return co_await Wait(*wait);
  co_return co_await Read();
}

async::Task<WatchInput> Reflector::List(std::string resource_version) {
  ++counters_.lists;
  ListOptions options{.ns = options_.ns,
                      .label_selector = options_.label_selector,
                      .field_selector = options_.field_selector,
                      .resource_version = std::move(resource_version)};
  absl::StatusOr<ListResult> list =
      co_await client_.List(options_.resource, std::move(options), loop_.Now().boot + options_.list_timeout);
  if (list.ok()) co_return Listed{std::move(list->resource_version), std::move(list->items)};
  last_failure_ = list.status();
  co_return ListFailed{list.status()};
}

async::Task<WatchInput> Reflector::Open(DoWatch watch) {
  ++counters_.watches;
  const absl::Duration timeout = absl::Floor(options_.watch_timeout * (1 + loop_.random().Unit()), absl::Seconds(1));
  WatchOptions options{.ns = options_.ns,
                       .label_selector = options_.label_selector,
                       .field_selector = options_.field_selector,
                       .resource_version = std::move(watch.resource_version),
                       .timeout = timeout,
                       .idle_timeout = watch.patient ? timeout + kGrace : options_.idle_timeout};
  absl::StatusOr<std::unique_ptr<LineReader>> stream =
      co_await client_.Watch(options_.resource, std::move(options), loop_.Now().boot + options_.open_timeout);
  if (stream.ok()) {
    stream_ = *std::move(stream);
    co_return WatchOpened{};
  }
  last_failure_ = stream.status();
  co_return WatchFailed{stream.status()};
}

async::Task<WatchInput> Reflector::Read() {
  absl::StatusOr<std::optional<std::string>> line = co_await stream_->Next();
  if (line.ok() && !line->has_value()) {
    last_failure_ = absl::UnavailableError("the server ended the watch at once");
    co_return Ended{};
  }
  if (line.ok()) {
    absl::StatusOr<WatchEvent> event = ReadWatchEvent(**line);
    if (event.ok()) {
      ++(event->type == WatchEvent::Type::kBookmark ? counters_.bookmarks : counters_.events);
      if (event->type == WatchEvent::Type::kError) {
        last_failure_ = absl::UnavailableError("the watch reported an error");
      }
      co_return Arrived{*std::move(event)};
    }
    line = event.status();
  }
  last_failure_ = line.status();
  co_return Broken{line.status()};
}

async::Task<WatchInput> Reflector::Wait(DoWait wait) {
  ++counters_.failures;
  const absl::Duration pause = wait.least + (wait.most - wait.least) * loop_.random().Unit();
  if (options_.on_failure) options_.on_failure(last_failure_, pause);
  (void)co_await async::Sleep(pause);
  co_return Waited{};
}

void Reflector::Tell(CacheChange change) {
  if (auto* replace = std::get_if<Replace>(&change)) cache_.Replace(std::move(replace->items), options_.ns);
  if (auto* put = std::get_if<Put>(&change)) cache_.Put(std::move(put->object));
  if (auto* remove = std::get_if<Remove>(&change)) cache_.Remove(remove->object);
}

}  // namespace ottoscale::kube
