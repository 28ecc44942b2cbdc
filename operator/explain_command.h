// `ottoscale explain`: why a policy has the capacity that it has, as its status says it, for people or as JSON. Reads
// one object from a cluster, from the API of `ottoscale up`, or from standard input; writes nothing.
#pragma once

#include <functional>
#include <string>

#include "operator/command_line.h"
#include "operator/host.h"
#include "operator/validate_command.h"
#include "pkg/kube/config.h"

namespace ottoscale::operator_main {

// kOk; kFailed when there is no such policy; kUsage, kCannotReach and kAuthentication as everywhere. `standard_input`
// reads what "-" stands for.
int RunExplain(const ExplainOptions& options, kube::ConfigSources sources,
               const std::function<std::string()>& standard_input, const Version& version, const Output& output);

}  // namespace ottoscale::operator_main
