#include "pkg/apiserver/pattern.h"

#include <re2/re2.h>

#include "absl/strings/str_cat.h"

namespace ottoscale::apiserver {

struct Pattern::Compiled {
  explicit Compiled(const std::string& text) : expression(text, re2::RE2::Quiet) {}
  re2::RE2 expression;
};

absl::StatusOr<Pattern> Pattern::Compile(absl::string_view text) {
  std::string copy(text);
  auto compiled = std::make_shared<const Compiled>(copy);
  if (!compiled->expression.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("pattern '", copy, "': ", compiled->expression.error()));
  }
  return Pattern(std::move(copy), std::move(compiled));
}

bool Pattern::Matches(absl::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), compiled_->expression);
}

}  // namespace ottoscale::apiserver
