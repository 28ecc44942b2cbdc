// A regular expression of a schema, with the meaning that a Kubernetes API server gives it (Go's, which is RE2's): it
// matches anywhere in the text unless it is anchored. Time and memory are linear in the text.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ottoscale::apiserver {

class Pattern {
 public:
  // InvalidArgument when it is no regular expression.
  static absl::StatusOr<Pattern> Compile(absl::string_view text);
  bool Matches(absl::string_view text) const;
  const std::string& text() const { return text_; }

 private:
  struct Compiled;
  Pattern(std::string text, std::shared_ptr<const Compiled> compiled)
      : text_(std::move(text)), compiled_(std::move(compiled)) {}

  std::string text_;
  std::shared_ptr<const Compiled> compiled_;  // shared: copies of a schema match with the same one
};

}  // namespace ottoscale::apiserver
