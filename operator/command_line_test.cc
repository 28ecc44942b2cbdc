#include "operator/command_line.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace ottoscale::operator_main {
namespace {

PrintAndExit Printed(const std::vector<std::string>& arguments) {
  const Command command = ParseCommandLine(arguments);
  const auto* printed = std::get_if<PrintAndExit>(&command);
  return printed == nullptr ? PrintAndExit{-1, "it ran"} : *printed;
}

TEST(CommandLine, ReadsADemo) {
  const Command command = ParseCommandLine({"demo", "--for", "120s", "--plain", "--metrics-port", "0"});
  const auto* demo = std::get_if<DemoOptions>(&command);
  ASSERT_NE(demo, nullptr);
  EXPECT_EQ(demo->length, absl::Seconds(120));
  EXPECT_TRUE(demo->plain);
}

TEST(CommandLine, ReadsUpWithRepeatedSecrets) {
  const Command command =
      ParseCommandLine({"up", "--policies", "dir", "--secret", "a/k=env:A", "--secret", "b/k=file:/b"});
  const auto* up = std::get_if<UpOptions>(&command);
  ASSERT_NE(up, nullptr);
  EXPECT_EQ(up->secrets, (std::vector<std::string>{"a/k=env:A", "b/k=file:/b"}));
  EXPECT_EQ(up->common.api_port, 8480);
}

TEST(CommandLine, BadUseIsExitCode2WithAHint) {
  struct Row {
    std::vector<std::string> arguments;
    const char* says;
  };
  const std::vector<Row> rows = {
      {{"validat", "x"}, "did you mean 'validate'?"},
      {{"up", "--policy", "x"}, "did you mean '--policies'?"},
      {{"demo", "--for", "soon"}, "found 'soon', expected a duration"},
      {{"demo", "--for", "-3s"}, "expected a duration"},
      {{"up"}, "--policies is required"},
      {{"frobnicate"}, "there is demo, up, validate and version"},
      {{"version", "-o", "xml"}, "xml"},
  };
  for (const Row& row : rows) {
    const PrintAndExit printed = Printed(row.arguments);
    EXPECT_EQ(printed.code, kUsage);
    EXPECT_TRUE(absl::StrContains(printed.text, row.says)) << printed.text;
  }
}

TEST(CommandLine, HelpStartsWithExamplesAndEndsWithExitCodes) {
  for (const char* command : {"demo", "up", "validate"}) {
    const PrintAndExit printed = Printed({command, "--help"});
    EXPECT_EQ(printed.code, kOk);
    EXPECT_TRUE(absl::StrContains(printed.text, "Examples:")) << printed.text;
    EXPECT_TRUE(absl::StrContains(printed.text, "Exit codes: 0 ok")) << printed.text;
  }
  EXPECT_EQ(Printed({}).code, kUsage);
}

}  // namespace
}  // namespace ottoscale::operator_main
