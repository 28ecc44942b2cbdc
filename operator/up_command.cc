#include "operator/up_command.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "operator/folder_sync.h"
#include "operator/run.h"
#include "pkg/async/deadline.h"
#include "pkg/async/scope.h"
#include "pkg/async/sleep.h"
#include "pkg/reconcile/provider_check.h"

namespace ottoscale::operator_main {
namespace {

constexpr absl::Duration kSyncPeriod = absl::Seconds(2);
// Writes to the cloud that are under way when we are asked to stop get this long.
constexpr absl::Duration kStopTimeout = absl::Seconds(25);

async::Task<void> StopAll(async::AsioLoop& loop, Standalone& standalone, async::Scope& scope) {
  scope.Cancel();
  co_await scope.Join();
  co_await standalone.Stop(loop.Now().boot + kStopTimeout);
}

async::Task<int> Up(async::AsioLoop& loop, Standalone& standalone, FolderSync& sync, const Output& output) {
  if (const absl::Status first = co_await sync.SyncOnce(); !first.ok()) {
    if (sync.mistakes() == 0) output.error(absl::StrCat("ottoscale: ", absl::string_view(first.message())));
    output.error(sync.mistakes() > 0 ? "ottoscale: nothing was started; `ottoscale validate` shows every mistake"
                                     : "ottoscale: nothing was started");
    async::Scope nothing(loop);
    auto stop = async::Shield(async::BootTime::Infinite(), StopAll(loop, standalone, nothing));
    co_await std::move(stop);
    co_return kFailed;
  }
  standalone.Start();
  async::Scope scope(loop);
  scope.Spawn(sync.Run(kSyncPeriod));
  output.out(absl::StrCat("API      ", standalone.api_url(), "   curl -s ", standalone.api_url(),
                          "/apis/ottoscale.dev/v1alpha1/scalingpolicies"));
  output.out(absl::StrCat("metrics  ", standalone.metrics_url(), "   curl -s ", standalone.metrics_url(), "/metrics"));
  (void)co_await async::Sleep(absl::InfiniteDuration());  // until a signal
  standalone.log().Named("up").Info("stopping");
  auto stop = async::Shield(async::BootTime::Infinite(), StopAll(loop, standalone, scope));
  co_await std::move(stop);
  co_return kOk;
}

}  // namespace

int RunUp(const UpOptions& options, const Version& version, const ReadVariable& variable, bool colour,
          const Output& output) {
  std::vector<SecretFlag> secrets;
  for (const std::string& text : options.secrets) {
    absl::StatusOr<SecretFlag> flag = ParseSecretFlag(text);
    if (!flag.ok()) {
      output.error(absl::StrCat("ottoscale: ", absl::string_view(flag.status().message())));
      return kUsage;
    }
    secrets.push_back(*std::move(flag));
  }
  async::AsioLoop loop;
  auto standalone = Standalone::Make(loop, options.common, version, telemetry::StderrSink(), colour);
  if (!standalone.ok()) {
    output.error(absl::StrCat("ottoscale: ", absl::string_view(standalone.status().message())));
    return kFailed;
  }
  FolderSync sync(
      options.policies, std::move(secrets),
      {.loop = loop,
       .client = (*standalone)->client(),
       .log = (*standalone)->log().Named("policies"),
       .check = reconcile::CheckWith((*standalone)->providers()),
       .variable = variable,
       .on_secret = [&standalone](const Secret& secret) { (void)(*standalone)->host().scrubber().Add(secret); }});
  return RunOnLoop(loop, Up(loop, **standalone, sync, output));
}

}  // namespace ottoscale::operator_main
