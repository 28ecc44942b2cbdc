// `ottoscale simulate`: a policy against a recorded load and a model of the service. No network, no cluster, no clock.
#pragma once

#include <functional>
#include <string>

#include "operator/command_line.h"
#include "operator/validate_command.h"
#include "pkg/backtest/report.h"
#include "pkg/manifest/manifest.h"

namespace ottoscale::operator_main {

// kOk; kFindings when an assertion does not hold; kUsage for flags that make no sense together; kFailed for files that
// cannot be read or say something wrong. `standard_input` reads what "-" stands for.
int RunSimulate(const SimulateOptions& options, const manifest::ProviderCheck& check,
                const std::function<std::string()>& standard_input, const backtest::TextStyle& style,
                const Output& output);

}  // namespace ottoscale::operator_main
