#include "pkg/kube/leader_machine.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/base/check.h"
#include "pkg/codec/json.h"
#include "pkg/kubeapi/resource.h"
#include "pkg/kubeapi/time_format.h"

namespace ottoscale::kube {

using nlohmann::json;

namespace {

// The pause of those who do not lead, as a part of retry_period.
constexpr double kLeastPause = 0.5;
constexpr double kMostPause = 0.9;
// Of those who wait for a record to lapse: so that they do not all ask at once.
constexpr double kSpread = 0.1;
// A leader's tries may be this much longer apart than retry_period, and it must still be able to fail one.
constexpr double kRetryJitter = 1.2;
// Between two tries to release.
constexpr absl::Duration kReleasePause = absl::Milliseconds(200);
// What is left of the lease right before it is renewed must be enough for a write to be begun, and for a slow renewal.
constexpr absl::Duration kForWrites = absl::Seconds(4);
constexpr int64_t kMaxSeconds = std::numeric_limits<int32_t>::max();

absl::Status Rule(bool kept, absl::string_view sentence) {
  return kept ? absl::OkStatus() : absl::InvalidArgumentError(sentence);
}

}  // namespace

absl::Status LeaderElectionOptions::Validate() const {
  const auto text = [](absl::Duration duration) { return absl::FormatDuration(duration); };
  const absl::Duration seconds = absl::Seconds(absl::ToInt64Seconds(lease_duration));
  for (const absl::Status& rule : {
           Rule(!ns.empty(), "leader election needs a namespace for its Lease: set --leader-election-namespace"),
           Rule(!name.empty(), "leader election needs a name for its Lease: set --leader-election-name"),
           Rule(!identity.empty(), "leader election needs an identity of this process"),
           Rule(retry_period > absl::ZeroDuration(),
                absl::StrCat("the retry period must be longer than 0s, it is ", text(retry_period))),
           Rule(renew_deadline > kRetryJitter * retry_period,
                absl::StrCat("the renew deadline must be longer than 1.2 retry periods (",
                             text(kRetryJitter * retry_period), "), it is ", text(renew_deadline))),
           Rule(
               renew_deadline >= retry_period + kForWrites,
               absl::StrCat("the renew deadline must be at least 4s longer than the retry period (", text(retry_period),
                            "), or writes would not have the time that they need; it is ", text(renew_deadline))),
           Rule(lease_duration > renew_deadline,
                absl::StrCat("the lease duration must be longer than the renew deadline (", text(renew_deadline),
                             "), it is ", text(lease_duration))),
           Rule(lease_duration == seconds && lease_duration <= absl::Seconds(kMaxSeconds),
                absl::StrCat("the lease duration must be whole seconds, it is ", text(lease_duration))),
       }) {
    if (!rule.ok()) return rule;
  }
  return absl::OkStatus();
}

LeaderAction LeaderMachine::Acquire(async::Instant now) {
  aim_ = Aim::kAcquire;
  leading_until_ = {};
  return Try(now);
}

LeaderAction LeaderMachine::Renew(async::Instant now) {
  CHECK(leading_until_ > async::BootTime{}, "only a leader renews");
  aim_ = Aim::kRenew;
  return NotWon(now);
}

LeaderAction LeaderMachine::Release(async::Instant now) {
  aim_ = Aim::kRelease;
  const bool led = leading_until_ > async::BootTime{};
  leading_until_ = {};  // first of all: nothing is written from now on
  if (!led && !may_hold_) return End(Released{});
  if (lease_ && Mine() && !may_hold_) return Update(Step::kUpdating, now);
  return Read();
}

LeaderAction LeaderMachine::Next(LeaderInput input, async::Instant now) {
  return std::visit([this, now](const auto& value) { return On(value, now); }, input);
}

LeaderAction LeaderMachine::Try(async::Instant now) {
  tried_at_ = now.boot;
  if (lease_ && Mine() && Valid(now.boot)) return Update(Step::kFastPath, now);
  return Read();
}

LeaderAction LeaderMachine::Read() {
  step_ = Step::kReading;
  return ReadLease{};
}

LeaderAction LeaderMachine::Create(async::Instant now) {
  step_ = Step::kCreating;
  sent_at_ = now.boot;
  may_hold_ = true;
  json lease = {{"apiVersion", kubeapi::Leases().ApiVersion()},
                {"kind", kubeapi::Leases().kind},
                {"metadata", {{"namespace", options_.ns}, {"name", options_.name}}}};
  lease["spec"] = {{"holderIdentity", options_.identity},
                   {"leaseDurationSeconds", absl::ToInt64Seconds(options_.lease_duration)},
                   {"acquireTime", kubeapi::PrintMicroTime(now.wall)},
                   {"renewTime", kubeapi::PrintMicroTime(now.wall)},
                   {"leaseTransitions", 0}};
  return CreateLease{std::move(lease)};
}

// What is not ours to say (labels, other fields of the spec) stays as it was read.
LeaderAction LeaderMachine::Update(Step step, async::Instant now) {
  step_ = step;
  sent_at_ = now.boot;
  may_hold_ = true;
  json lease = *lease_;
  json& spec = lease["spec"];
  if (!spec.is_object()) spec = json::object();
  const std::string time = kubeapi::PrintMicroTime(now.wall);
  const bool release = aim_ == Aim::kRelease;
  spec["renewTime"] = time;
  if (release || !Mine()) spec["acquireTime"] = time;
  if (!release && !Mine()) spec["leaseTransitions"] = std::min(transitions_ + 1, kMaxSeconds);
  spec["holderIdentity"] = release ? "" : options_.identity;
  spec["leaseDurationSeconds"] = release ? 1 : absl::ToInt64Seconds(options_.lease_duration);
  return UpdateLease{std::move(lease)};
}

void LeaderMachine::Observe(json lease, async::BootTime now) {
  const json* spec = kubeapi::Find(lease, "spec");
  std::string record = spec == nullptr ? "{}" : codec::Dump(*spec);
  if (record != record_) observed_at_ = now;
  record_ = std::move(record);
  holder_ = kubeapi::TextAt(lease, {"spec", "holderIdentity"});
  const int64_t seconds = kubeapi::IntegerAt(lease, {"spec", "leaseDurationSeconds"}).value_or(0);
  duration_ = seconds > 0 ? absl::Seconds(seconds) : options_.lease_duration;
  transitions_ = std::max<int64_t>(kubeapi::IntegerAt(lease, {"spec", "leaseTransitions"}).value_or(0), 0);
  lease_ = std::move(lease);
  may_hold_ = false;
}

LeaderAction LeaderMachine::On(const LeaseRead& input, async::Instant now) {
  CHECK(step_ == Step::kReading, "a Lease was read that was not asked for");
  Observe(input.lease, now.boot);
  if (aim_ == Aim::kRelease) return Mine() ? Update(Step::kUpdating, now) : End(Released{});
  if (aim_ == Aim::kRenew && !Mine()) {
    return Lose(holder_.empty() ? "somebody has taken our name out of it" : absl::StrCat("it is held by ", holder_));
  }
  if (!holder_.empty() && !Mine() && Valid(now.boot)) return NotWon(now);
  return Update(Step::kUpdating, now);
}

LeaderAction LeaderMachine::On(const LeaseMissing&, async::Instant now) {
  CHECK(step_ == Step::kReading, "a Lease is missing that was not asked for");
  may_hold_ = false;
  if (aim_ == Aim::kRelease) return End(Released{});
  if (!record_.empty()) observed_at_ = now.boot;
  record_.clear();
  lease_.reset();
  if (!holder_.empty() && !Mine() && Valid(now.boot)) return NotWon(now);
  return Create(now);
}

LeaderAction LeaderMachine::On(const LeaseWritten& input, async::Instant now) {
  CHECK(step_ == Step::kFastPath || step_ == Step::kCreating || step_ == Step::kUpdating, "nothing was written");
  Observe(input.lease, now.boot);
  if (aim_ == Aim::kRelease) return End(Released{});
  if (!Mine()) return aim_ == Aim::kRenew ? Lose("the API server has changed what we wrote") : NotWon(now);
  const async::BootTime until = sent_at_ + options_.renew_deadline;
  if (until <= now.boot) return NotWon(now);  // the answer took so long that it says nothing any more
  leading_until_ = until;
  return aim_ == Aim::kAcquire ? End(Won{}) : NotWon(now);
}

LeaderAction LeaderMachine::On(const LeaseFailed&, async::Instant now) {
  CHECK(step_ != Step::kNone && step_ != Step::kPausing, "nothing was asked that could fail");
  if (step_ != Step::kFastPath) return NotWon(now);
  if (aim_ == Aim::kRenew && now.boot >= leading_until_) return NotWon(now);
  ++slow_paths_;
  return Read();
}

LeaderAction LeaderMachine::On(const Paused&, async::Instant now) {
  CHECK(step_ == Step::kPausing, "no pause was asked for");
  if (aim_ == Aim::kRelease) return Read();
  if (aim_ == Aim::kRenew && now.boot >= leading_until_) return NotWon(now);
  return Try(now);
}

// The try is over without a new leader; or, for a leader, over: the next one follows.
LeaderAction LeaderMachine::NotWon(async::Instant now) {
  step_ = Step::kPausing;
  if (aim_ == Aim::kRelease) return PauseTries{now.boot + kReleasePause, now.boot + kReleasePause};
  if (aim_ == Aim::kRenew) {
    if (now.boot >= leading_until_) {
      return Lose(absl::StrCat("it could not be renewed within ", absl::FormatDuration(options_.renew_deadline)));
    }
    const async::BootTime next = std::min(std::max(now.boot, tried_at_ + options_.retry_period), leading_until_);
    return PauseTries{next, next};
  }
  PauseTries pause{now.boot + kLeastPause * options_.retry_period, now.boot + kMostPause * options_.retry_period};
  if (!holder_.empty() && !Mine() && Valid(now.boot)) {
    const async::BootTime lapses = observed_at_ + duration_;
    pause.least = std::min(pause.least, lapses);
    pause.most = std::min(pause.most, lapses + kSpread * options_.retry_period);
  }
  return pause;
}

LeaderAction LeaderMachine::Lose(std::string why) {
  leading_until_ = {};
  return End(Lost{std::move(why)});
}

LeaderAction LeaderMachine::End(LeaderAction end) {
  step_ = Step::kNone;
  return end;
}

}  // namespace ottoscale::kube
