// Programs that we run: exec plugins. No shell; the child inherits nothing but its environment, reads an empty standard
// input, and dies with its whole process group when nobody wants its result any more.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "pkg/async/blocking_pool.h"

namespace ottoscale::kube {

struct ProcessCall {
  std::string file;  // a path, or a name that is looked up in the PATH of `environment`
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // NAME=VALUE; of equal names the last counts
};

struct ProcessResult {
  int exit_code = 0;  // 128 + the signal that ended it
  std::string out;    // at most 1 MiB, else the process is killed and OutOfRange the result
  std::string err;    // its beginning
};

// The only owner of a running process; destroying it kills.
class ProcessHandle {
 public:
  virtual ~ProcessHandle() = default;
};

// Runs `call` and says how it ended to `done`, once, on a thread of `pool` or before this returns. NotFound: there is
// no such program; PermissionDenied: it may not be executed; Cancelled: the handle was destroyed.
std::unique_ptr<ProcessHandle> StartProcess(async::BlockingPool& pool, ProcessCall call,
                                            absl::AnyInvocable<void(absl::StatusOr<ProcessResult>)> done);

}  // namespace ottoscale::kube
