// The requests that one credential may still make, shared by every target that uses it. Two limits meet here: ours
// (requestsPerMinute of the CloudAccount, a token bucket) and Heroku's (RateLimit-Remaining, shared with every other
// client of that account: CI, people, the CLI). When either runs low, reads are shed; writes are not, since a change
// that was decided is what all the reads were for.
//
// Values only: `now` comes in, nothing waits in here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "pkg/async/instant.h"
#include "pkg/async/random.h"
#include "pkg/base/secret.h"
#include "pkg/ports/ports.h"

namespace ottoscale::heroku {

// A read that has to wait.
struct Shed {
  async::BootTime retry_at;
  std::string why;  // "Heroku has 300 requests left for this account, ..."
};

class AccountBudget {
 public:
  AccountBudget(int requests_per_minute, async::BootTime now);

  // What each user of the budget is allowed; the smallest of those that are there counts. The first has joined by
  // construction.
  void Join(int requests_per_minute);
  void Leave(int requests_per_minute);

  // Takes `calls` at once for a whole read, so that no read stops half-way. nullopt: taken. Otherwise nothing was.
  std::optional<Shed> TakeRead(int calls, async::BootTime now);
  // Never refused: writes, and what a read needs beyond its usual calls. May leave a debt that later reads pay.
  void Spend(int calls, async::BootTime now);
  // RateLimit-Remaining of an answer that came at `now`.
  void Learn(int64_t remaining, async::BootTime now);
  // An answer 429, with its Retry-After when it had one. Returns until when reads are shed: twice as long each time in
  // a row, with jitter, at most 5 minutes.
  async::BootTime Limited(std::optional<absl::Duration> retry_after, async::BootTime now, async::Random& random);
  // An answer that was not 429.
  void NotLimited(async::BootTime now);

  int requests_per_minute() const { return *allowed_.begin(); }
  // What Heroku said last; nullopt when it has not said anything yet.
  std::optional<ports::RequestQuota> quota() const {
    return remaining_ ? std::optional(ports::RequestQuota{*remaining_, largest_}) : std::nullopt;
  }

 private:
  void Refill(async::BootTime now);
  std::optional<Shed> ShedByHeroku(async::BootTime now) const;

  double burst() const;

  std::multiset<int> allowed_;  // never empty: the last to leave stays
  double tokens_;
  async::BootTime refilled_at_;

  std::optional<int64_t> remaining_;  // as last told
  int64_t largest_ = 0;               // that was ever told: the size of the bucket, as far as we know
  async::BootTime learned_at_;

  int limited_ = 0;  // answers 429 in a row
  std::optional<async::BootTime> blocked_until_;
};

// One target's part in a budget; leaves it when it dies, so that a CloudAccount may be given more again.
class BudgetShare {
 public:
  BudgetShare(std::shared_ptr<AccountBudget> joined, int requests_per_minute)
      : budget_(std::move(joined)), requests_per_minute_(requests_per_minute) {}
  BudgetShare(BudgetShare&&) noexcept = default;
  BudgetShare& operator=(BudgetShare&&) = delete;
  ~BudgetShare() {
    if (budget_ != nullptr) budget_->Leave(requests_per_minute_);
  }
  AccountBudget* operator->() const { return budget_.get(); }
  AccountBudget& operator*() const { return *budget_; }

 private:
  std::shared_ptr<AccountBudget> budget_;  // shared by the targets of one credential
  int requests_per_minute_;
};

// One budget for each URL and credential, alive as long as some target holds a share in it.
class AccountBudgets {
 public:
  BudgetShare For(const std::string& url, const Secret& credential, int requests_per_minute, async::BootTime now);

 private:
  struct Entry {
    std::string url;
    Secret credential;
    std::weak_ptr<AccountBudget> budget;
  };
  std::vector<Entry> entries_;  // few: one an account
};

}  // namespace ottoscale::heroku
