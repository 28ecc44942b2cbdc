// The metric source HTTPHeartbeat: asks a URL of the user once a reading; the value is the response time in
// milliseconds, from the request sent to the complete answer. What its outcomes mean: outcome.h.
#pragma once

#include <string>
#include <vector>

#include "pkg/async/loop.h"
#include "pkg/http/http.h"
#include "pkg/ports/ports.h"

namespace ottoscale::heartbeat {

// `probe` is a transport of the probe profile: it filters addresses, carries no credentials and follows no redirects.
// Both outlive the provider and everything that it makes. `allowed_hosts`: whom a URL may name, "shop.example" or
// "*.example" (every name below it); empty: anybody.
ports::SourceProvider MakeHeartbeatProvider(async::Loop& loop, http::Transport& probe,
                                            std::vector<std::string> allowed_hosts = {});

}  // namespace ottoscale::heartbeat
