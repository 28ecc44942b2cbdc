// How a command runs on the real loop: until its own end or a signal.
#pragma once

#include "absl/status/status.h"
#include "pkg/async/asio_loop.h"
#include "pkg/async/task.h"

namespace ottoscale::operator_main {

// Runs `body` to its end and gives its exit code. The first SIGINT or SIGTERM cancels it: its awaits return Cancelled,
// it stops what it has started (under a Shield) and returns. A second signal ends the process at once.
int RunOnLoop(async::AsioLoop& loop, async::Task<int> body);

// What a command that talks to an API server ends with.
int ExitCodeOf(const absl::Status& status);

}  // namespace ottoscale::operator_main
