// A value that must never reach an output: API keys, tokens. It cannot be printed, compared with a literal or
// converted; Reveal() is called only where a header is built. The memory is overwritten when the last owner dies.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace ottoscale {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { Wipe(); }

  absl::string_view Reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  bool operator==(const Secret& other) const = default;

 private:
  void Wipe();
  std::string value_;
};

}  // namespace ottoscale
