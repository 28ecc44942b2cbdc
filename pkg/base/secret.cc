#include "pkg/base/secret.h"

#include <cstring>
#include <utility>

namespace ottoscale {

// A moved-from short string keeps its characters in place, so moving wipes the source.
// NOLINTNEXTLINE(performance-move-constructor-init): the copy, and then the wiping, is what is wanted
Secret::Secret(Secret&& other) noexcept : value_(other.value_) { other.Wipe(); }

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    Wipe();
    value_ = other.value_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Wipe();
    value_ = other.value_;
    other.Wipe();
  }
  return *this;
}

void Secret::Wipe() {
  explicit_bzero(value_.data(), value_.size());
  value_.clear();
}

}  // namespace ottoscale
