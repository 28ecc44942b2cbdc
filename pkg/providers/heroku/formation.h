// One process type of a Heroku app as a ScalingTarget. The app is looked up by what the user wrote and from then on
// addressed by its UUID, so that a renamed app stays the same target and a re-used name is noticed as another one.
//
// Note [What a reading costs]
// Three requests: the app, the formation, the dynos (one more for each further 1,000 dynos). The formation is never
// cached: people run `heroku ps:scale`. The app must be asked too, since maintenance switches the target off; it is
// asked with If-None-Match, and a 304 saves its body. Whether a 304 costs a request of Heroku's budget is not
// documented, so it is counted. At a poll each 30 s that is 6 requests a minute for a policy: the default of 60
// requestsPerMinute carries 9 policies of one account (a tenth is kept for writes), Heroku's own 75 a minute about 12.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "pkg/ports/ports.h"
#include "pkg/providers/heroku/answers.h"
#include "pkg/providers/heroku/config.h"
#include "pkg/providers/heroku/platform_api.h"

namespace ottoscale::heroku {

class Formation final : public ports::ScalingTarget {
 public:
  // The account has passed CheckAccount.
  Formation(Config config, std::unique_ptr<PlatformApi> api) : config_(std::move(config)), api_(std::move(api)) {}

  async::Task<decision::TargetReading> Read(async::BootTime deadline) override;
  // Refused before the first reading: without a UUID it would write to whatever has the name now.
  async::Task<decision::WriteResult> SetCapacity(int capacity, async::BootTime deadline) override;
  std::optional<ports::RequestQuota> Quota() const override { return std::as_const(*api_).budget().quota(); }

 private:
  template <class T>
  using OrFailure = std::variant<decision::TargetFailure, T>;

  struct App {
    std::string id;  // UUID
    std::string name;
    bool maintenance = false;
    std::string etag;
  };

  async::Task<OrFailure<App>> ReadApp(async::BootTime deadline);
  async::Task<OrFailure<App>> AskForApp(std::string which, std::string etag, async::BootTime deadline);
  async::Task<OrFailure<int>> ReadQuantity(App app, async::BootTime deadline);
  async::Task<decision::TargetFailure> NoSuchType(App app, async::BootTime deadline);
  async::Task<OrFailure<int>> CountReady(App app, async::BootTime deadline);

  std::string TypePath(const App& app) const;
  Errand ErrandOf(std::string what) const;

  const Config config_;
  const std::unique_ptr<PlatformApi> api_;
  std::optional<App> app_;  // as last read
  int standing_ = 0;        // the quantity, as last read or written
};

}  // namespace ottoscale::heroku
