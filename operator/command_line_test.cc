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

TEST(CommandLine, ReadsAnOperatorWithFlagsOverItsFile) {
  OperatorOptions file;
  file.watch_namespaces = {"from-file"};
  file.common.max_capacity = 9;
  file.leader_elect = false;
  const Command command = ParseCommandLine({"operator", "--watch-namespaces", "shop,blog", "--lease-duration=30s",
                                            "--allow-probe-host", "a.example", "--allow-probe-host", "*.b.example"},
                                           file);
  const auto* read = std::get_if<OperatorOptions>(&command);
  ASSERT_NE(read, nullptr) << std::get<PrintAndExit>(command).text;
  EXPECT_EQ(read->watch_namespaces, (std::vector<std::string>{"shop", "blog"}));
  EXPECT_EQ(read->lease_duration, absl::Seconds(30));
  EXPECT_EQ(read->common.allow_probe_hosts, (std::vector<std::string>{"a.example", "*.b.example"}));
  EXPECT_EQ(read->common.max_capacity, 9);
  EXPECT_FALSE(read->leader_elect);
  EXPECT_EQ(read->common.log_format, "json");
  const Command elect = ParseCommandLine({"operator", "--leader-elect=true"}, file);
  EXPECT_TRUE(std::get<OperatorOptions>(elect).leader_elect);
}

TEST(CommandLine, ReadsWhatToExplain) {
  const Command command = ParseCommandLine({"explain", "shop-web", "-n", "shop", "--context", "staging", "-o", "json"});
  const auto* explain = std::get_if<ExplainOptions>(&command);
  ASSERT_NE(explain, nullptr) << std::get<PrintAndExit>(command).text;
  EXPECT_EQ(*explain, (ExplainOptions{.policy = "shop-web", .ns = "shop", .context = "staging", .output = "json"}));
}

TEST(CommandLine, ReadsASimulation) {
  const Command command = ParseCommandLine({"simulate", "--policy", "p.yaml#a", "--series", "-", "--gap", "20m",
                                            "--capacity", "12.5", "--assert", "serverHours<3", "--assert",
                                            "reversals==0", "--baseline", "hpa", "--baseline", "kpa", "-o", "json"});
  const auto* simulate = std::get_if<SimulateOptions>(&command);
  ASSERT_NE(simulate, nullptr);
  const SimulateOptions expected{.policy = "p.yaml#a",
                                 .series = "-",
                                 .capacity = 12.5,
                                 .gap = absl::Minutes(20),
                                 .output = "json",
                                 .assertions = {"serverHours<3", "reversals==0"},
                                 .baselines = {"hpa", "kpa"}};
  EXPECT_EQ(*simulate, expected);
}

TEST(CommandLine, ASimulationNeedsAPolicyAndASeries) {
  EXPECT_EQ(Printed({"simulate", "--series", "a.csv"}).code, kUsage);
  EXPECT_EQ(Printed({"simulate", "--policy", "a.yaml"}).code, kUsage);
  EXPECT_TRUE(std::holds_alternative<SimulateOptions>(ParseCommandLine({"simulate", "--print-plant"})));
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
      {{"operator", "--retry-period", "often"}, "found 'often', expected a duration"},
      {{"operator", "--allow-cloud", "AWS"}, "AWS"},
      {{"operator", "--namespaces", "x"}, "--namespaces"},
      {{"up"}, "--policies is required"},
      {{"frobnicate"}, "there is demo, up, operator, validate, explain"},
      {{"version", "-o", "xml"}, "xml"},
      {{"explain"}, "policy is required"},
      {{"explain", "a", "--server", "http://b", "--context", "c"}, "--context excludes --server"},
  };
  for (const Row& row : rows) {
    const PrintAndExit printed = Printed(row.arguments);
    EXPECT_EQ(printed.code, kUsage);
    EXPECT_TRUE(absl::StrContains(printed.text, row.says)) << printed.text;
  }
}

TEST(CommandLine, HelpStartsWithExamplesAndEndsWithExitCodes) {
  for (const char* command : {"demo", "up", "operator", "validate", "explain"}) {
    const PrintAndExit printed = Printed({command, "--help"});
    EXPECT_EQ(printed.code, kOk);
    EXPECT_TRUE(absl::StrContains(printed.text, "Examples:")) << printed.text;
    EXPECT_TRUE(absl::StrContains(printed.text, "Exit codes: 0 ok")) << printed.text;
  }
  EXPECT_EQ(Printed({}).code, kUsage);
}

}  // namespace
}  // namespace ottoscale::operator_main
