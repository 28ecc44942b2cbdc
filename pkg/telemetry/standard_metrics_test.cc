#include "pkg/telemetry/standard_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/telemetry/captured_log.h"
#include "pkg/telemetry/promtool.h"
#include "pkg/telemetry/text_stream.h"

namespace ottoscale::telemetry {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ProcessStat, ReadsBehindANameThatLooksLikeTheRest) {
  const std::string text =
      "123 (a) S (b)) S 1 123 123 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 7 0 1234567 1048576 100 18446744073709551615";
  const auto stat = ParseProcessStat(text, 100, 4096);
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->cpu_seconds, 3);
  EXPECT_EQ(stat->threads, 7);
  EXPECT_EQ(stat->virtual_bytes, 1048576);
  EXPECT_EQ(stat->resident_bytes, 409600);
  EXPECT_EQ(stat->start_after_boot_seconds, 12345.67);
}

TEST(ProcessStat, IsAbsentWhenCutOffOrNotNumbers) {
  EXPECT_EQ(ParseProcessStat("", 100, 4096), std::nullopt);
  EXPECT_EQ(ParseProcessStat("1 (a) S 1 2 3", 100, 4096), std::nullopt);
  EXPECT_EQ(ParseProcessStat("1 (a) S 1 1 1 1 1 1 1 1 1 1 x 1 1 1 1 1 1 1 1 1 1 1 1", 100, 4096), std::nullopt);
}

TEST(BootTime, StandsInALineOfItsOwn) {
  EXPECT_EQ(ParseBootTime("cpu 1 2\nbtime 1700000000\nprocesses 3\n"), 1700000000);
  EXPECT_EQ(ParseBootTime("cpu 1 2\n"), std::nullopt);
}

TEST(ProcessMetrics, AreThereForThisProcess) {
  Registry registry;
  AddProcessMetrics(registry);
  const std::string text = ExpositionText(registry);
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes",
                           "process_threads", "process_open_fds", "process_max_fds", "process_start_time_seconds"}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("\n", name, " "))) << text;
  }
}

TEST(ProcessMetrics, AreLeftOutWithoutProc) {
  Registry registry;
  AddProcessMetrics(registry, testing::TempDir() + "no-such-folder");
  EXPECT_THAT(ExpositionText(registry), Not(HasSubstr("process_cpu_seconds_total")));
}

TEST(LogMetrics, CountLinesPerLevelFromZero) {
  async::SimulatedLoop loop(1);
  CapturedLog captured;
  Log log({.loop = loop, .sink = captured.sink()});
  Registry registry;
  AddLogMetrics(registry, log);
  EXPECT_THAT(ExpositionText(registry), HasSubstr("ottoscale_log_lines_total{level=\"error\"} 0\n"));
  log.Named("x").Error("e");
  log.Named("x").Error("e");
  EXPECT_THAT(ExpositionText(registry), HasSubstr("ottoscale_log_lines_total{level=\"error\"} 1\n"));
  EXPECT_THAT(ExpositionText(registry), HasSubstr("ottoscale_log_lines_suppressed_total 1\n"));
}

TEST(Exposition, PassesPromtool) {
  NEEDS_PROMTOOL();
  async::SimulatedLoop loop(1);
  CapturedLog captured;
  const Log log({.loop = loop, .sink = captured.sink()});
  Registry registry;
  AddProcessMetrics(registry);
  AddBuildInfo(registry, {.version = "0.1.0", .revision = "0123456789ab"});
  AddLogMetrics(registry, log);
  registry.AddHistogram("ottoscale_reconcile_lag_seconds", "Due time against actual time.", LatencyBuckets())
      .Observe(3);
  registry.AddSeries({"ottoscale_policy_current_capacity", "Capacity."}, [](absl::string_view, Samples& samples) {
    samples.Add({{"policy", "bad \xFF \"name\" \\ \n"}}, 1);
    samples.Add({{"policy", "web"}}, std::numeric_limits<double>::quiet_NaN());
    samples.Add({{"policy", "far"}}, std::numeric_limits<double>::infinity());
    return std::optional<std::string>();
  });
  const PromtoolResult result = Promtool(ExpositionText(registry));
  EXPECT_EQ(result.exit_code, 0) << result.output << ExpositionText(registry);
  EXPECT_EQ(result.output, "");
  // The tool is really asked: it finds fault with a counter that is not called a total, and with a broken line.
  EXPECT_EQ(Promtool("# HELP a A.\n# TYPE a counter\na 1\n").exit_code, 3);
  EXPECT_NE(Promtool("a{x=\"\xFF\"} 1\n").exit_code, 0);
}

}  // namespace
}  // namespace ottoscale::telemetry
