// The file of `ottoscale operator --config`: one typed document with the names of the flags in camelCase, checked like
// a manifest. Flags win over it.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "operator/command_line.h"

namespace ottoscale::operator_main {

// InvalidArgument with every mistake, one a line: "FILE:LINE:COLUMN: retryPeriod: found ..., expected ...".
absl::StatusOr<OperatorOptions> DecodeOperatorConfiguration(const std::string& file, absl::string_view text);

}  // namespace ottoscale::operator_main
