// The target HerokuFormation: one process type of a Heroku app, over the Platform API v3. The parts: config.h (what a
// user says), formation.h (reading and writing), answers.h (what the answers mean), account_budget.h (how many
// requests).
#pragma once

#include <string>
#include <vector>

#include "pkg/async/loop.h"
#include "pkg/http/http.h"
#include "pkg/ports/ports.h"

namespace ottoscale::heroku {

struct HerokuOptions {
  // API URLs that accounts may name beyond https://api.heroku.com (--allow-endpoint); scheme, host and port count.
  std::vector<std::string> allowed_endpoints;
  std::string user_agent = "ottoscale";
};

// `cloud` is a transport of the cloud profile: it sends the credential and follows no redirects. Both outlive the
// provider and everything that it makes; the targets may outlive the provider.
ports::TargetProvider MakeHerokuProvider(async::Loop& loop, http::Transport& cloud, HerokuOptions options);

}  // namespace ottoscale::heroku
