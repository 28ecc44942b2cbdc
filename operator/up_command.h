// `ottoscale up`: the operator on one machine, with real clouds, policies from a folder, secrets from the environment
// or from files.
#pragma once

#include "operator/command_line.h"
#include "operator/secret_flags.h"
#include "operator/standalone.h"
#include "operator/validate_command.h"

namespace ottoscale::operator_main {

int RunUp(const UpOptions& options, const Version& version, const ReadVariable& variable, bool colour,
          const Output& output);

}  // namespace ottoscale::operator_main
