#include "pkg/kube/watch_machine.h"

#include <algorithm>
#include <utility>

#include "pkg/base/check.h"
#include "pkg/http/http.h"
#include "pkg/kubeapi/api_error.h"

namespace ottoscale::kube {

using kubeapi::ErrorReason;
using nlohmann::json;

namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(800);
constexpr absl::Duration kLongestPause = absl::Seconds(30);
constexpr absl::Duration kCalm = absl::Minutes(2);  // without a failure: the next is the first again
constexpr absl::Duration kShortWatch = absl::Seconds(1);
constexpr absl::Duration kInternalErrors = absl::Minutes(1);

// The server is behind the version that we ask for, or was set up anew.
bool VersionTooLarge(const absl::Status& why) {
  const std::optional<kubeapi::ApiError> error = kubeapi::ApiErrorOf(why);
  return error && std::any_of(error->causes.begin(), error->causes.end(),
                              [](const kubeapi::Cause& cause) { return cause.reason == "ResourceVersionTooLarge"; });
}

bool VersionUseless(const absl::Status& why) { return kubeapi::IsExpired(why) || VersionTooLarge(why); }

// Silence: the deadline of the opening, or the idle timeout of the stream.
bool TimedOut(const absl::Status& why) { return absl::IsDeadlineExceeded(why) && !VersionTooLarge(why); }

// The connection was lost; what was on it is complete as far as it came.
bool ConnectionLost(const absl::Status& why) {
  if (TimedOut(why)) return true;
  if (kubeapi::ApiErrorOf(why)) return false;
  return absl::IsUnavailable(why) && http::FailureOf(why).kind == http::Failure::kDisconnected;
}

}  // namespace

WatchStep WatchMachine::Begin() {
  CHECK(state_ == State::kIdle, "a watch begins once");
  return List();
}

WatchStep WatchMachine::Next(WatchInput input, async::BootTime now) {
  return std::visit([this, now](auto& value) { return On(std::move(value), now); }, input);
}

WatchStep WatchMachine::List() {
  state_ = State::kListing;
  if (newest_) return {{}, DoList{""}};
  return {{}, DoList{version_.empty() ? "0" : version_}};
}

WatchStep WatchMachine::Watch(async::BootTime now) {
  state_ = State::kOpening;
  since_ = now;
  arrived_ = false;
  return {{}, DoWatch{.resource_version = version_, .patient = patient_}};
}

WatchStep WatchMachine::Pause(State then, const absl::Status& why, async::BootTime now) {
  if (failures_ > 0 && now - last_failure_ >= kCalm) failures_ = 0;
  const absl::Duration doubled = kFirstPause * static_cast<double>(int64_t{1} << std::min(failures_, 20));
  ++failures_;
  last_failure_ = now;
  after_pause_ = then;
  state_ = State::kPausing;
  absl::Duration least = std::min(doubled, kLongestPause);
  if (const auto error = kubeapi::ApiErrorOf(why); error && error->retry_after) {
    least = std::max(least, std::min(*error->retry_after, kLongestPause));
  }
  return {{}, DoWait{.least = least, .most = 2 * least}};
}

// After a 410: at once, unless something failed lately, so that a server that answers nothing else is not stormed.
WatchStep WatchMachine::ListNewest(async::BootTime now) {
  newest_ = true;
  const bool calm = failures_ == 0 || now - last_failure_ >= kCalm;
  if (!calm) return Pause(State::kListing, absl::OkStatus(), now);
  failures_ = 1;
  last_failure_ = now;
  return List();
}

WatchStep WatchMachine::On(Listed input, async::BootTime now) {
  CHECK(state_ == State::kListing, "a list came that was not asked for");
  if (input.resource_version.empty()) return On(ListFailed{absl::DataLossError("the list has no version")}, now);
  version_ = std::move(input.resource_version);
  newest_ = false;
  WatchStep step = Watch(now);
  step.change = Replace{std::move(input.items)};
  return step;
}

WatchStep WatchMachine::On(const ListFailed& input, async::BootTime now) {
  CHECK(state_ == State::kListing, "a list failed that was not asked for");
  if (!newest_ && VersionUseless(input.why)) {
    newest_ = true;
    return List();
  }
  return Pause(State::kListing, input.why, now);
}

WatchStep WatchMachine::On(const WatchOpened&, async::BootTime now) {
  CHECK(state_ == State::kOpening, "a watch opened that was not asked for");
  state_ = State::kStreaming;
  since_ = now;
  return {{}, DoRead{}};
}

WatchStep WatchMachine::On(const WatchFailed& input, async::BootTime now) {
  CHECK(state_ == State::kOpening, "a watch failed that was not asked for");
  if (VersionUseless(input.why)) return ListNewest(now);
  if (kubeapi::Is(input.why, ErrorReason::kTooManyRequests)) return Pause(State::kOpening, input.why, now);
  if (ConnectionLost(input.why)) return StreamEnded(now);
  return Pause(State::kListing, input.why, now);
}

WatchStep WatchMachine::On(Arrived input, async::BootTime now) {
  CHECK(state_ == State::kStreaming, "an event came without a watch");
  if (input.event.type == WatchEvent::Type::kError) return OnErrorEvent(input.event.object, now);
  std::string version = input.event.ResourceVersion();
  if (version.empty()) return On(Broken{absl::DataLossError("an event has no version")}, now);
  version_ = std::move(version);
  arrived_ = true;
  internal_errors_since_.reset();
  WatchStep step{{}, DoRead{}};
  switch (input.event.type) {
    case WatchEvent::Type::kAdded:
    case WatchEvent::Type::kModified: step.change = Put{std::move(input.event.object)}; break;
    case WatchEvent::Type::kDeleted: step.change = Remove{std::move(input.event.object)}; break;
    case WatchEvent::Type::kBookmark:
      bookmark_seen_ = true;
      patient_ = false;
      break;
    case WatchEvent::Type::kError: break;
  }
  return step;
}

WatchStep WatchMachine::OnErrorEvent(const json& object, async::BootTime now) {
  const kubeapi::ApiError error = kubeapi::ApiErrorFromJson(object).value_or(
      kubeapi::MakeApiError(ErrorReason::kUnknown, "the watch reported an error that is no Status"));
  const absl::Status why = kubeapi::ToStatus(error);
  if (VersionUseless(why)) return ListNewest(now);
  if (error.reason == ErrorReason::kTooManyRequests) return Pause(State::kOpening, why, now);
  if (error.reason != ErrorReason::kInternalError) return Pause(State::kListing, why, now);
  if (!internal_errors_since_) internal_errors_since_ = now;
  const bool give_up = now - *internal_errors_since_ >= kInternalErrors;
  if (give_up) internal_errors_since_.reset();
  return Pause(give_up ? State::kListing : State::kOpening, why, now);
}

WatchStep WatchMachine::StreamEnded(async::BootTime now) {
  if (!arrived_ && now - since_ < kShortWatch) {
    return Pause(State::kListing, absl::UnavailableError("a very short watch"), now);
  }
  return Watch(now);
}

WatchStep WatchMachine::On(const Ended&, async::BootTime now) {
  CHECK(state_ == State::kStreaming, "a watch ended that was not open");
  return StreamEnded(now);
}

WatchStep WatchMachine::On(const Broken& input, async::BootTime now) {
  CHECK(state_ == State::kStreaming, "a watch broke that was not open");
  if (!ConnectionLost(input.why)) return Pause(State::kListing, input.why, now);
  // A server that was put back to an older state keeps a watch from our version open and silent until it gets there; a
  // list tells us so at once.
  if (TimedOut(input.why) && bookmark_seen_) return Pause(State::kListing, input.why, now);
  // A whole idle timeout in which not even a bookmark came: this server does not send them.
  if (TimedOut(input.why)) patient_ = true;
  return StreamEnded(now);
}

WatchStep WatchMachine::On(const Waited&, async::BootTime now) {
  CHECK(state_ == State::kPausing, "a pause ended that was not asked for");
  return after_pause_ == State::kOpening ? Watch(now) : List();
}

}  // namespace ottoscale::kube
