// Real processes on real threads: what the tests of the credentials take for granted.
#include "pkg/kube/child_process.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/async/asio_loop.h"
#include "pkg/async/promise.h"
#include "pkg/kube/temporary_folder.h"
#include "test/contracts/wire.h"

namespace ottoscale::kube {
namespace {

using contracts::RunReal;

struct Shell : TemporaryFolder {
  absl::StatusOr<ProcessResult> Run(ProcessCall call) {
    const async::Promise<ProcessResult> promise(loop);
    const auto handle = StartProcess(
        pool, std::move(call), [promise](absl::StatusOr<ProcessResult> result) { promise.Set(std::move(result)); });
    return RunReal(loop, Wait(promise.GetFuture()));
  }
  absl::StatusOr<ProcessResult> RunScript(const std::string& text) {
    return Run(
        {WriteProgram("script", absl::StrCat("#!/bin/sh\n", text)), {"one", "two words"}, {"PATH=/usr/bin:/bin"}});
  }
  static async::Task<absl::StatusOr<ProcessResult>> Wait(async::Future<ProcessResult> future) {
    co_return co_await std::move(future);
  }
  async::AsioLoop loop;
  async::BlockingPool pool{4};
};

TEST(ChildProcess, GivesWhatItWroteAndHowItEnded) {
  Shell shell;
  const auto result = shell.RunScript("echo \"$#:$2\"; echo careful >&2; exit 7");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out, "2:two words\n");
  EXPECT_EQ(result->err, "careful\n");
  EXPECT_EQ(result->exit_code, 7);
  EXPECT_EQ(shell.RunScript("kill -9 $$")->exit_code, 128 + 9);
}

TEST(ChildProcess, InheritsOnlyItsEnvironment) {
  Shell shell;
  const std::string path = shell.WriteProgram(
      "script", "#!/bin/sh\nif read line; then echo input; fi; echo $A; ls /proc/self/fd | wc -l; kill -PIPE $$");
  const auto result = shell.Run({path, {}, {"PATH=/usr/bin:/bin", "A=first", "A=last"}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out, "last\n4\n");     // 0 to 2, and the folder that ls reads
  EXPECT_EQ(result->exit_code, 128 + 13);  // signals are as in a fresh program
}

TEST(ChildProcess, AMuchLongerOutputThanAPipeHoldsComesWhole) {
  Shell shell;
  const auto result = shell.RunScript("head -c 900000 /dev/zero; head -c 900000 /dev/zero >&2");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out.size(), 900'000u);
  EXPECT_EQ(result->err.size(), 4096u);
  EXPECT_EQ(shell.RunScript("head -c 1100000 /dev/zero; sleep 1000").status(),
            absl::OutOfRangeError("it wrote more than 1 MiB"));
}

TEST(ChildProcess, DoesNotWaitForWhatItLeftBehind) {
  Shell shell;
  const auto result = shell.RunScript("sleep 1000 & echo done; echo $! >&2");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out, "done\n");
  kill(static_cast<pid_t>(std::stoi(result->err)), SIGKILL);
}

TEST(ChildProcess, ProgramsThatDoNotExistOrMayNotRunAreSaidSo) {
  Shell shell;
  EXPECT_EQ(shell.Run({"no-such-program", {}, {"PATH=/bin"}}).status(),
            absl::NotFoundError("'no-such-program' is not in PATH"));
  EXPECT_EQ(shell.Run({"/no/such", {}, {}}).status(), absl::NotFoundError("/no/such: No such file or directory"));
  EXPECT_TRUE(absl::IsPermissionDenied(shell.Run({shell.Write("data", "x"), {}, {}}).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(shell.Run({shell.WriteProgram("odd", "\1\2"), {}, {}}).status()));
  EXPECT_EQ(shell.Run({"true", {}, {"PATH=/none:/usr/bin:/bin"}})->exit_code, 0);
}

TEST(ChildProcess, DiesWithItsHandle) {
  Shell shell;
  const async::Promise<ProcessResult> promise(shell.loop);
  auto handle = StartProcess(
      shell.pool, {shell.WriteProgram("script", "#!/bin/sh\nsleep 1000 & sleep 1000"), {}, {"PATH=/usr/bin:/bin"}},
      [promise](absl::StatusOr<ProcessResult> result) { promise.Set(std::move(result)); });
  handle.reset();
  EXPECT_EQ(RunReal(shell.loop, Shell::Wait(promise.GetFuture())).status(), absl::CancelledError("it was stopped"));
}

}  // namespace
}  // namespace ottoscale::kube
