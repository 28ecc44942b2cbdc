#include "pkg/providers/heroku/account_budget.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace ottoscale::heroku {
namespace {

// A read takes three calls or more, so the bucket holds a few reads even when little is allowed a minute.
constexpr int kMinBurst = 12;
constexpr double kWriteReserve = 0.1;  // of the bucket: not for reads

// Heroku's bucket: 4,500 requests, refilled by about 75 a minute (Platform API reference, rate limits). Other sizes are
// in older texts, so the size is taken from what was told; only the refill is assumed.
constexpr double kHerokuRefillPerSecond = 75.0 / 60;
constexpr int64_t kShare = 10;    // reads stop below 1/10 of the bucket
constexpr int64_t kFewLeft = 20;  // and below this, also when the bucket was never seen full

constexpr absl::Duration kFirstPause = absl::Seconds(5);
constexpr absl::Duration kLongestPause = absl::Minutes(5);
constexpr int kDoublings = 6;  // 5 s to 320 s

}  // namespace

AccountBudget::AccountBudget(int requests_per_minute, async::BootTime now)
    : allowed_{requests_per_minute}, tokens_(burst()), refilled_at_(now) {}

double AccountBudget::burst() const { return std::max(requests_per_minute(), kMinBurst); }

void AccountBudget::Join(int requests_per_minute) { allowed_.insert(requests_per_minute); }

void AccountBudget::Leave(int requests_per_minute) {
  const auto it = allowed_.find(requests_per_minute);
  if (it != allowed_.end() && allowed_.size() > 1) allowed_.erase(it);
}

void AccountBudget::Refill(async::BootTime now) {
  const double gained = absl::FDivDuration(now - refilled_at_, absl::Minutes(1)) * requests_per_minute();
  tokens_ = std::clamp(tokens_ + gained, -burst(), burst());
  refilled_at_ = now;
}

std::optional<Shed> AccountBudget::ShedByHeroku(async::BootTime now) const {
  if (blocked_until_ && now < *blocked_until_) {
    return Shed{*blocked_until_, "Heroku has refused requests of this account as too many (429)"};
  }
  if (!remaining_) return std::nullopt;
  const double share = static_cast<double>(std::max(largest_ / kShare, kFewLeft));
  const double since = absl::ToDoubleSeconds(now - learned_at_);
  const double missing = share - static_cast<double>(*remaining_) - since * kHerokuRefillPerSecond;
  if (missing <= 0) return std::nullopt;
  const absl::Duration wait =
      std::clamp(absl::Seconds(missing / kHerokuRefillPerSecond), absl::Seconds(1), kLongestPause);
  return Shed{now + wait, absl::StrCat("Heroku has ", *remaining_,
                                       " requests left for this account, which it shares with "
                                       "everything that uses it")};
}

std::optional<Shed> AccountBudget::TakeRead(int calls, async::BootTime now) {
  if (std::optional<Shed> shed = ShedByHeroku(now)) return shed;
  Refill(now);
  const double needed = calls + std::floor(burst() * kWriteReserve);
  if (tokens_ >= needed) {
    tokens_ -= calls;
    return std::nullopt;
  }
  const absl::Duration wait = absl::Minutes((needed - tokens_) / requests_per_minute());
  return Shed{now + std::max(wait, absl::Seconds(1)),
              absl::StrCat("the ", requests_per_minute(), " requests a minute of `requestsPerMinute` are used up")};
}

void AccountBudget::Spend(int calls, async::BootTime now) {
  Refill(now);
  tokens_ = std::max(tokens_ - calls, -burst());
}

void AccountBudget::Learn(int64_t remaining, async::BootTime now) {
  if (remaining < 0) return;
  remaining_ = remaining;
  largest_ = std::max(largest_, remaining);
  learned_at_ = now;
}

async::BootTime AccountBudget::Limited(std::optional<absl::Duration> retry_after, async::BootTime now,
                                       async::Random& random) {
  // Answers to calls that were under way together are one refusal.
  if (blocked_until_ && now < *blocked_until_) return *blocked_until_;
  const absl::Duration doubled = kFirstPause * (int64_t{1} << std::min(limited_, kDoublings));
  const absl::Duration pause =
      std::clamp(std::max(doubled, retry_after.value_or(absl::ZeroDuration())), kFirstPause, kLongestPause);
  ++limited_;
  // Never sooner than asked: the jitter only adds.
  blocked_until_ = now + pause + random.Jitter(pause / 8, 1.0);
  return *blocked_until_;
}

void AccountBudget::NotLimited(async::BootTime now) {
  if (blocked_until_ && now < *blocked_until_) return;  // a straggler of before, or a write in between
  limited_ = 0;
  blocked_until_.reset();
}

BudgetShare AccountBudgets::For(const std::string& url, const Secret& credential, int requests_per_minute,
                                async::BootTime now) {
  std::erase_if(entries_, [](const Entry& entry) { return entry.budget.expired(); });
  for (const Entry& entry : entries_) {
    if (entry.url != url || !(entry.credential == credential)) continue;
    std::shared_ptr<AccountBudget> budget = entry.budget.lock();
    budget->Join(requests_per_minute);
    return {std::move(budget), requests_per_minute};
  }
  auto budget = std::make_shared<AccountBudget>(requests_per_minute, now);
  entries_.push_back({.url = url, .credential = credential, .budget = budget});
  return {std::move(budget), requests_per_minute};
}

}  // namespace ottoscale::heroku
