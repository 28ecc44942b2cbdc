// CHECK: what cannot happen. A failure is a defect of ours, never of a network or a person: the process says where and
// aborts, in every build. Everything else is an absl::Status.
#pragma once

#include "absl/strings/string_view.h"

namespace ottoscale {

// Prints `file:line: CHECK failed: condition: why` to stderr and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, absl::string_view condition, absl::string_view why);

}  // namespace ottoscale

// `why` is evaluated only on failure.
#define CHECK(condition, why)                                          \
  do {                                                                 \
    if (!(condition)) [[unlikely]]                                     \
      ::ottoscale::CheckFailed(__FILE__, __LINE__, #condition, (why)); \
  } while (false)
