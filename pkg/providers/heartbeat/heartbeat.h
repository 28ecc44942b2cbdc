// The metric source HTTPHeartbeat: asks a URL of the user once a reading; the value is the response time in
// milliseconds, from the request sent to the complete answer. What its outcomes mean: outcome.h.
#pragma once

#include "pkg/async/loop.h"
#include "pkg/http/http.h"
#include "pkg/ports/ports.h"

namespace ottoscale::heartbeat {

// `probe` is a transport of the probe profile: it filters addresses, carries no credentials and follows no redirects.
// Both outlive the provider and everything that it makes.
ports::SourceProvider MakeHeartbeatProvider(async::Loop& loop, http::Transport& probe);

}  // namespace ottoscale::heartbeat
