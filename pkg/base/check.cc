#include "pkg/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace ottoscale {

void CheckFailed(const char* file, int line, absl::string_view condition, absl::string_view why) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %.*s: %.*s\n", file, line, static_cast<int>(condition.size()),
               condition.data(), static_cast<int>(why.size()), why.data());
  std::fflush(stderr);
  std::abort();
}

}  // namespace ottoscale
