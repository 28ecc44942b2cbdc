// `ottoscale operator`: against a cluster.
#pragma once

#include <string>
#include <vector>

#include "operator/command_line.h"
#include "operator/host.h"
#include "operator/validate_command.h"
#include "pkg/kube/config.h"

namespace ottoscale::operator_main {

// `arguments` are those of the process: read again over the configuration file when there is one. `sources`: what the
// process has to find a cluster by; the flags are filled in here. `host_name` and something random name this process.
int RunOperator(const OperatorOptions& flags, const std::vector<std::string>& arguments, kube::ConfigSources sources,
                const std::string& host_name, const Version& version, bool colour, const Output& output);

}  // namespace ottoscale::operator_main
