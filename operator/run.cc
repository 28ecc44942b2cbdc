#include "operator/run.h"

#include <csignal>
#include <cstdlib>
#include <utility>

#include "operator/command_line.h"
#include "pkg/async/scope.h"

namespace ottoscale::operator_main {
namespace {

async::Task<void> Store(async::Task<int> body, int& code) { code = co_await std::move(body); }

async::Task<void> StopWhenJoined(async::Scope& scope, async::AsioLoop& loop) {
  co_await scope.Join();
  loop.Stop();
}

}  // namespace

int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk: return kOk;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded: return kCannotReach;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied: return kAuthentication;
    default: return kFailed;
  }
}

int RunOnLoop(async::AsioLoop& loop, async::Task<int> body) {
  int code = kFailed;
  bool signalled = false;
  async::Scope scope(loop);
  loop.OnSignals({SIGINT, SIGTERM}, [&](int signal) {
    if (std::exchange(signalled, true)) std::_Exit(128 + signal);
    scope.Cancel(absl::CancelledError("asked to stop"));
  });
  scope.Spawn(Store(std::move(body), code));
  async::Context root(loop);
  async::Task<void> end = StopWhenJoined(scope, loop);
  end.Start(root, {});
  loop.Run();
  return code;
}

}  // namespace ottoscale::operator_main
