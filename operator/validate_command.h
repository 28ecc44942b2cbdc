// `ottoscale validate`: every mistake of every file, with its place. No network, no cluster.
#pragma once

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "operator/command_line.h"
#include "pkg/manifest/manifest.h"

namespace ottoscale::operator_main {

struct Output {
  std::function<void(absl::string_view line)> out;    // results
  std::function<void(absl::string_view line)> error;  // problems and messages
};

// kOk, or kFailed when anything is wrong. `standard_input` reads what "-" stands for.
int RunValidate(const ValidateOptions& options, const manifest::ProviderCheck& check,
                const std::function<std::string()>& standard_input, const Output& output);

}  // namespace ottoscale::operator_main
