#include "pkg/kube/controller.h"

#include <algorithm>
#include <utility>

#include "absl/strings/cord.h"
#include "pkg/base/check.h"
#include "pkg/kubeapi/api_error.h"

namespace ottoscale::kube {

using kubeapi::ObjectKey;

namespace {

constexpr absl::string_view kTerminalUrl = "ottoscale.dev/kube.Terminal";
constexpr absl::Duration kUserCap = absl::Minutes(1);
constexpr absl::Duration kServerCap = absl::Minutes(5);

// What the server asks for with Retry-After, up to the cap.
async::BootTime NotBefore(const absl::Status& error, async::BootTime now, absl::Duration cap) {
  const std::optional<kubeapi::ApiError> api = kubeapi::ApiErrorOf(error);
  return api && api->retry_after ? now + std::min(*api->retry_after, cap) : now;
}

}  // namespace

absl::Status Terminal(absl::Status status) {
  status.SetPayload(kTerminalUrl, absl::Cord("1"));
  return status;
}

bool IsTerminal(const absl::Status& status) { return status.GetPayload(kTerminalUrl).has_value(); }

absl::Duration RetryCap(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss: return kServerCap;
    default: return kUserCap;
  }
}

Controller::Controller(async::Loop& loop, ControllerOptions options, Reconcile reconcile)
    : loop_(loop), options_(std::move(options)), reconcile_(std::move(reconcile)), queue_(loop), scope_(loop) {
  CHECK(options_.workers > 0, "a controller without workers does nothing");
}

void Controller::Follow(Cache& cache) {
  cache.OnChange([this](const ObjectKey& key) { queue_.Add(key); });
}

void Controller::Start() {
  for (size_t i = 0; i < options_.workers; ++i) scope_.Spawn(Work());
}

async::Task<void> Controller::Stop(async::BootTime deadline) {
  queue_.ShutDown();
  const async::TimerId timer =
      loop_.RunAt(deadline, [this] { scope_.Cancel(absl::DeadlineExceededError("the time to stop has passed")); });
  co_await scope_.Join();
  loop_.CancelTimer(timer);
}

async::Task<void> Controller::Work() {
  const async::Context& context = co_await async::CurrentContext();
  while (true) {
    absl::StatusOr<ObjectKey> key = co_await queue_.Next();
    if (!key.ok()) co_return;
    ++counters_.active_workers;
    const async::BootTime start = loop_.Now().boot;
    const absl::StatusOr<Requeue> result = co_await reconcile_(*key);
    counters_.durations.Add(loop_.Now().boot - start);
    --counters_.active_workers;
    Settle(*key, result, context.cancelled());
    queue_.Done(*key);
  }
}

void Controller::Settle(const ObjectKey& key, const absl::StatusOr<Requeue>& result, bool cancelled) {
  if (!result.ok()) {
    if (cancelled) {
      ++counters_.cancelled;
    } else {
      Fail(key, result.status());
    }
    return;
  }
  queue_.Forget(key);
  if (!result->at && !result->after) {
    ++counters_.success;
    return;
  }
  ++counters_.requeue_after;
  if (result->at) queue_.AddAt(key, *result->at);
  if (result->after) queue_.AddAfter(key, *result->after);
}

void Controller::Fail(const ObjectKey& key, const absl::Status& error) {
  ++counters_.error;
  absl::Duration retry_in = absl::InfiniteDuration();
  if (IsTerminal(error)) {
    ++counters_.terminal_errors;
    queue_.Forget(key);
  } else {
    const absl::Duration cap = options_.retry_cap(error);
    retry_in = queue_.Retry(key, cap, NotBefore(error, loop_.Now().boot, cap));
  }
  if (options_.on_error) options_.on_error(key, error, retry_in);
}

}  // namespace ottoscale::kube
