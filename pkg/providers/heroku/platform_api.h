// One call of Heroku's Platform API v3: the headers that it wants, the budget, and the answer with its body read. What
// an answer means is answers.h.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "pkg/async/loop.h"
#include "pkg/http/http.h"
#include "pkg/ports/ports.h"
#include "pkg/providers/heroku/account_budget.h"

namespace ottoscale::heroku {

struct Call {
  std::string method = "GET";
  std::string path;  // "/apps/shop/formation", encoded
  http::Headers headers;
  std::string body;  // JSON
};

struct Answer {
  int status = 0;
  http::Headers headers;
  absl::StatusOr<std::string> body;         // an error when it broke off or is too large
  std::optional<async::BootTime> retry_at;  // of a 429
};

class PlatformApi {
 public:
  struct Dependencies {
    async::Loop& loop;
    http::Transport& cloud;
    std::string user_agent;
  };
  // The account's URL and credential have been checked (see CheckAccount in answers.h).
  PlatformApi(Dependencies dependencies, ports::Account account, BudgetShare budget)
      : dependencies_(std::move(dependencies)), account_(std::move(account)), budget_(std::move(budget)) {}

  // Sends it once. Not OK: there is no answer, see http::FailureOf. Charges nothing: the caller has taken what it needs
  // from the budget. Whatever is not a GET goes out at most once, on a fresh connection.
  async::Task<absl::StatusOr<Answer>> Send(Call call, async::BootTime deadline);

  const ports::Account& account() const { return account_; }
  AccountBudget& budget() { return *budget_; }
  const AccountBudget& budget() const { return *budget_; }
  async::Loop& loop() { return dependencies_.loop; }

 private:
  void HeedLimits(Answer& answer);

  Dependencies dependencies_;
  ports::Account account_;
  BudgetShare budget_;
};

}  // namespace ottoscale::heroku
