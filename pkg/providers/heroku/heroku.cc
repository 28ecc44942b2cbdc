#include "pkg/providers/heroku/heroku.h"

#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "pkg/base/check.h"
#include "pkg/providers/heroku/account_budget.h"
#include "pkg/providers/heroku/answers.h"
#include "pkg/providers/heroku/config.h"
#include "pkg/providers/heroku/formation.h"

namespace ottoscale::heroku {
namespace {

// A target of an account that must not be used: says so, and sends nothing.
class Unusable final : public ports::ScalingTarget {
 public:
  explicit Unusable(decision::TargetFailure why) : why_(std::move(why)) {}
  async::Task<decision::TargetReading> Read(async::BootTime) override { co_return why_; }
  async::Task<decision::WriteResult> SetCapacity(int, async::BootTime) override {
    const bool key = why_.fault == decision::TargetFault::kCredentialsInvalid;
    co_return decision::Refused{.kind = key ? decision::Refused::Kind::kCredentials : decision::Refused::Kind::kInvalid,
                                .message = why_.message};
  }

 private:
  const decision::TargetFailure why_;
};

std::vector<ports::ConfigProblem> Check(const policy::ProviderConfig& config) {
  std::vector<ports::ConfigProblem> out;
  for (codec::Problem& problem : ParseConfig(config).problems) {
    out.push_back({.path = std::move(problem.path), .message = std::move(problem.message)});
  }
  return out;
}

class Maker {
 public:
  Maker(async::Loop& loop, http::Transport& cloud, HerokuOptions options)
      : loop_(loop), cloud_(cloud), options_(std::move(options)) {}

  std::unique_ptr<ports::ScalingTarget> Make(const policy::ProviderConfig& config, ports::Account account) {
    codec::Decoded<Config> parsed = ParseConfig(config);
    CHECK(parsed.ok(), "a target is made of a configuration that was checked");
    if (auto failure = CheckAccount(account, options_.allowed_endpoints))
      return std::make_unique<Unusable>(*std::move(failure));
    while (absl::EndsWith(account.url, "/")) account.url.pop_back();
    BudgetShare budget = budgets_.For(account.url, account.credential, account.requests_per_minute, loop_.Now().boot);
    auto api = std::make_unique<PlatformApi>(
        PlatformApi::Dependencies{.loop = loop_, .cloud = cloud_, .user_agent = options_.user_agent},
        std::move(account), std::move(budget));
    return std::make_unique<Formation>(*std::move(parsed.value), std::move(api));
  }

 private:
  async::Loop& loop_;
  http::Transport& cloud_;
  const HerokuOptions options_;
  AccountBudgets budgets_;
};

}  // namespace

ports::TargetProvider MakeHerokuProvider(async::Loop& loop, http::Transport& cloud, HerokuOptions options) {
  // Shared by the copies of `make`, which std::function demands.
  auto maker = std::make_shared<Maker>(loop, cloud, std::move(options));
  return {.type = "HerokuFormation",
          .account_type = "Heroku",
          .check = Check,
          .make = [maker](const policy::ProviderConfig& config, const ports::Account& account) {
            return maker->Make(config, account);
          }};
}

}  // namespace ottoscale::heroku
