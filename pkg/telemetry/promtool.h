// For tests: what `promtool check metrics` (Debian package prometheus) says about an exposition.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"

// Skips the test where the tool is missing; in CI that is a failure.
#define NEEDS_PROMTOOL()                                                                                               \
  if (!ottoscale::telemetry::HavePromtool()) {                                                                         \
    const char* ci = std::getenv("CI");                                                                                \
    ASSERT_FALSE(ci != nullptr && std::string(ci) == "true") << "promtool is missing: install the package prometheus"; \
    GTEST_SKIP() << "promtool is missing: install the package prometheus";                                             \
  }                                                                                                                    \
  static_assert(true)

namespace ottoscale::telemetry {

inline bool HavePromtool() { return std::system("command -v promtool >/dev/null 2>&1") == 0; }

struct PromtoolResult {
  int exit_code;
  std::string output;
};

inline PromtoolResult Promtool(const std::string& exposition) {
  const std::string output = absl::StrCat(testing::TempDir(), "promtool-", getpid());
  FILE* tool = popen(absl::StrCat("promtool check metrics >", output, " 2>&1").c_str(), "w");
  fwrite(exposition.data(), 1, exposition.size(), tool);
  const int status = pclose(tool);
  std::ifstream file(output);
  PromtoolResult result = {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                           {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()}};
  std::remove(output.c_str());
  return result;
}

}  // namespace ottoscale::telemetry
