#include "pkg/kube/leader_election.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/async/deadline.h"
#include "pkg/async/sleep.h"
#include "pkg/base/check.h"
#include "pkg/kubeapi/api_error.h"
#include "pkg/kubeapi/resource.h"

namespace ottoscale::kube {

using nlohmann::json;

namespace {

bool Ended(const LeaderAction& action) {
  return std::holds_alternative<Won>(action) || std::holds_alternative<Lost>(action) ||
         std::holds_alternative<Released>(action);
}

}  // namespace

ClientOptions LeaderClientOptions(ClientOptions base, const LeaderElectionOptions& options) {
  absl::StrAppend(&base.user_agent, " leader-election");
  base.timeout = std::max(absl::Seconds(1), options.renew_deadline / 2);
  return base;
}

LeaderElector::LeaderElector(async::Loop& loop, const Client& client, LeaderElectionOptions options,
                             LeaderElectionHooks hooks)
    : loop_(loop), client_(client), options_(std::move(options)), hooks_(std::move(hooks)), machine_(options_) {
  CHECK(options_.Validate().ok(), "the options of a leader election are valid");
}

absl::Duration LeaderElector::LeaseLeft() const {
  return std::max(machine_.leading_until() - loop_.Now().boot, absl::ZeroDuration());
}

// A renewal that outlives the lease is of no use; whoever does not lead has only the client's own limit.
async::BootTime LeaderElector::RequestDeadline() const {
  return leading() ? machine_.leading_until() : async::BootTime::Infinite();
}

async::Task<LeaderInput> LeaderElector::Read() {
  const absl::StatusOr<json> lease = co_await client_.Get(kubeapi::Leases(), options_.Key(), RequestDeadline());
  if (lease.ok()) co_return LeaseRead{*lease};
  if (kubeapi::Is(lease.status(), kubeapi::ErrorReason::kNotFound)) co_return LeaseMissing{};
  co_return LeaseFailed{lease.status()};
}

async::Task<LeaderInput> LeaderElector::Write(LeaderAction action) {
  absl::StatusOr<json> written;
  if (auto* create = std::get_if<CreateLease>(&action)) {
    written = co_await client_.Create(kubeapi::Leases(), std::move(create->lease), RequestDeadline());
  } else {
    written =
        co_await client_.Update(kubeapi::Leases(), std::move(std::get<UpdateLease>(action).lease), RequestDeadline());
  }
  if (written.ok()) co_return LeaseWritten{*std::move(written)};
  co_return LeaseFailed{written.status()};
}

async::Task<LeaderInput> LeaderElector::Perform(LeaderAction action) {
  if (std::holds_alternative<ReadLease>(action)) co_return co_await Read();
  if (const auto* pause = std::get_if<PauseTries>(&action)) {
    (void)co_await async::SleepUntil(pause->least + loop_.random().Unit() * (pause->most - pause->least));
    co_return Paused{};
  }
  co_return co_await Write(std::move(action));
}

LeaderAction LeaderElector::Feed(LeaderInput input) {
  const auto* failed = std::get_if<LeaseFailed>(&input);
  if (failed != nullptr && !absl::IsCancelled(failed->why) && hooks_.on_failure) hooks_.on_failure(failed->why);
  const std::string before = machine_.holder();
  LeaderAction next = machine_.Next(std::move(input), loop_.Now());
  if (machine_.holder() != before && hooks_.on_holder) hooks_.on_holder(machine_.holder());
  return next;
}

// The end; or any other action when it is cancelled.
async::Task<LeaderAction> LeaderElector::RunToEnd(LeaderAction action) {
  const async::Context& context = co_await async::CurrentContext();
  while (!Ended(action) && !context.cancelled()) {
    LeaderInput input = co_await Perform(action);
    if (context.cancelled() && std::holds_alternative<Paused>(input)) break;
    action = Feed(std::move(input));
  }
  co_return action;
}

async::Task<absl::Status> LeaderElector::Acquire() {
  const LeaderAction end = co_await RunToEnd(machine_.Acquire(loop_.Now()));
  if (std::holds_alternative<Won>(end)) co_return absl::OkStatus();
  co_return (co_await async::CurrentContext()).status();
}

async::Task<absl::Status> LeaderElector::Hold() {
  const LeaderAction end = co_await RunToEnd(machine_.Renew(loop_.Now()));
  if (const auto* lost = std::get_if<Lost>(&end)) {
    co_return absl::AbortedError(absl::StrCat("the lease ", options_.Key().ToString(), " is lost: ", lost->why));
  }
  co_return (co_await async::CurrentContext()).status();
}

async::Task<void> LeaderElector::ReleaseNow() { (void)co_await RunToEnd(machine_.Release(loop_.Now())); }

async::Task<void> LeaderElector::Release(async::BootTime deadline) {
  auto release = ReleaseNow();
  co_await async::Shield(deadline, std::move(release));
}

}  // namespace ottoscale::kube
