// Files of a few kilobytes: kubeconfigs, tokens, certificates. Blocks: at the start, or on a thread of a BlockingPool.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace ottoscale::kube {

// The bytes of the file, at most 4 MiB (else InvalidArgument). NotFound when it does not exist; InvalidArgument when it
// cannot be read: "/x/token: Permission denied".
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

}  // namespace ottoscale::kube
