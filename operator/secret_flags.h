// `--secret NAME/KEY=env:VARIABLE`: secrets for a machine without a cluster. Values are read at start (environment) or
// again at each sync (files), and never appear in a message.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pkg/base/secret.h"

namespace ottoscale::operator_main {

struct SecretFlag {
  std::string ns = "default";
  std::string name;
  std::string key;
  enum class From { kEnvironment, kFile };
  From from = From::kEnvironment;
  std::string source;  // name of the variable, path of the file
  bool operator==(const SecretFlag&) const = default;
};

// InvalidArgument in a sentence that shows the form, and never what stands behind "=" when that might be the secret
// itself.
absl::StatusOr<SecretFlag> ParseSecretFlag(absl::string_view text);

using ReadVariable = std::function<std::optional<std::string>(const std::string& name)>;
using ReadFile = std::function<absl::StatusOr<std::string>(const std::string& path)>;

// The value; NotFound or FailedPrecondition in a sentence when it is absent or empty. One line end at the end of a file
// is taken off: editors and `echo` put it there.
absl::StatusOr<Secret> ReadSecret(const SecretFlag& flag, const ReadVariable& variable, const ReadFile& file);

}  // namespace ottoscale::operator_main
