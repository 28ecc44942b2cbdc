#include "operator/secret_flags.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "pkg/base/status.h"

namespace ottoscale::operator_main {
namespace {

constexpr char kForm[] = "expected NAME/KEY=env:VARIABLE or NAME/KEY=file:PATH, e.g. heroku/apiKey=env:HEROKU_API_KEY";

}  // namespace

absl::StatusOr<SecretFlag> ParseSecretFlag(absl::string_view text) {
  const std::vector<std::string> sides = absl::StrSplit(text, absl::MaxSplits('=', 1));
  const std::vector<std::string> parts = absl::StrSplit(sides[0], '/');
  if (parts.size() < 2 || parts.size() > 3 || parts.back().empty() || parts[parts.size() - 2].empty()) {
    return absl::InvalidArgumentError(absl::StrCat("--secret: found '", sides[0], "', ", kForm));
  }
  SecretFlag flag;
  if (parts.size() == 3) flag.ns = parts[0];
  flag.name = parts[parts.size() - 2];
  flag.key = parts.back();
  absl::string_view source = sides.size() == 2 ? absl::string_view(sides[1]) : absl::string_view();
  if (absl::ConsumePrefix(&source, "env:")) {
    flag.from = SecretFlag::From::kEnvironment;
  } else if (absl::ConsumePrefix(&source, "file:")) {
    flag.from = SecretFlag::From::kFile;
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("--secret ", sides[0], ": ", kForm, " (a secret itself does not belong on a command line)"));
  }
  if (source.empty()) return absl::InvalidArgumentError(absl::StrCat("--secret ", sides[0], ": ", kForm));
  flag.source = std::string(source);
  return flag;
}

absl::StatusOr<Secret> ReadSecret(const SecretFlag& flag, const ReadVariable& variable, const ReadFile& file) {
  const std::string what = absl::StrCat("--secret ", flag.name, "/", flag.key);
  if (flag.from == SecretFlag::From::kEnvironment) {
    const std::optional<std::string> value = variable(flag.source);
    if (!value || value->empty()) {
      return absl::NotFoundError(
          absl::StrCat(what, ": the environment variable ", flag.source, " is ", value ? "empty" : "not set"));
    }
    return Secret(*value);
  }
  absl::StatusOr<std::string> text = file(flag.source);
  if (!text.ok()) return Annotate(what, text.status());
  absl::string_view value = *text;
  if (absl::ConsumeSuffix(&value, "\n")) absl::ConsumeSuffix(&value, "\r");
  if (value.empty()) return absl::FailedPreconditionError(absl::StrCat(what, ": the file ", flag.source, " is empty"));
  return Secret(std::string(value));
}

}  // namespace ottoscale::operator_main
