#include "pkg/telemetry/standard_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace ottoscale::telemetry {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::optional<ProcessStat> ReadStat(const std::string& proc) {
  return ParseProcessStat(ReadFile(absl::StrCat(proc, "/self/stat")), static_cast<double>(sysconf(_SC_CLK_TCK)),
                          static_cast<double>(sysconf(_SC_PAGESIZE)));
}

std::optional<double> OpenFds(const std::string& proc) {
  std::error_code error;
  std::filesystem::directory_iterator entry(absl::StrCat(proc, "/self/fd"), error);
  double count = 0;
  while (!error && entry != std::filesystem::directory_iterator()) {
    ++count;
    entry.increment(error);
  }
  // One of them is the folder that is being read.
  return error || count < 1 ? std::nullopt : std::optional<double>(count - 1);
}

std::optional<double> MaxFds() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return static_cast<double>(limit.rlim_cur);
}

std::optional<double> StartTime(const std::string& proc) {
  const std::optional<ProcessStat> stat = ReadStat(proc);
  const std::optional<double> boot = ParseBootTime(ReadFile(absl::StrCat(proc, "/stat")));
  if (!stat || !boot) return std::nullopt;
  return *boot + stat->start_after_boot_seconds;
}

}  // namespace

std::optional<ProcessStat> ParseProcessStat(absl::string_view text, double ticks_per_second, double page_bytes) {
  // The second field is the program's name in brackets and may contain anything, brackets too.
  const size_t name_end = text.rfind(')');
  if (name_end == absl::string_view::npos) return std::nullopt;
  const std::vector<absl::string_view> fields = absl::StrSplit(text.substr(name_end + 1), ' ', absl::SkipWhitespace());
  // Numbered from 1 as in proc(5); the first one behind the name is number 3.
  bool complete = true;
  const auto field = [&](size_t number) {
    double value = 0;
    complete = complete && number - 3 < fields.size() && absl::SimpleAtod(fields[number - 3], &value);
    return value;
  };
  const ProcessStat stat = {
      .cpu_seconds = (field(14) + field(15)) / ticks_per_second,
      .resident_bytes = field(24) * page_bytes,
      .virtual_bytes = field(23),
      .threads = field(20),
      .start_after_boot_seconds = field(22) / ticks_per_second,
  };
  return complete ? std::optional(stat) : std::nullopt;
}

std::optional<double> ParseBootTime(absl::string_view text) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    double seconds = 0;
    if (absl::StartsWith(line, "btime ") && absl::SimpleAtod(line.substr(6), &seconds)) return seconds;
  }
  return std::nullopt;
}

void AddProcessMetrics(Registry& registry, std::string proc) {
  const auto add = [&](absl::string_view name, absl::string_view help, MetricType type, Sampler sampler) {
    registry.AddSampled({std::string(name), std::string(help), type}, {}, std::move(sampler));
  };
  const auto of_stat = [&](double ProcessStat::* number) -> Sampler {
    return [proc, number]() -> std::optional<double> {
      const std::optional<ProcessStat> stat = ReadStat(proc);
      return stat ? std::optional((*stat).*number) : std::nullopt;
    };
  };
  add("process_cpu_seconds_total", "User and system CPU time spent, in seconds.", MetricType::kCounter,
      of_stat(&ProcessStat::cpu_seconds));
  add("process_resident_memory_bytes", "Resident memory size in bytes.", MetricType::kGauge,
      of_stat(&ProcessStat::resident_bytes));
  add("process_virtual_memory_bytes", "Virtual memory size in bytes.", MetricType::kGauge,
      of_stat(&ProcessStat::virtual_bytes));
  add("process_threads", "Threads of the process.", MetricType::kGauge, of_stat(&ProcessStat::threads));
  add("process_start_time_seconds", "Start time of the process, in seconds since 1970.", MetricType::kGauge,
      [proc] { return StartTime(proc); });
  add("process_open_fds", "Open file descriptors.", MetricType::kGauge, [proc] { return OpenFds(proc); });
  add("process_max_fds", "The limit on open file descriptors.", MetricType::kGauge, [] { return MaxFds(); });
}

void AddBuildInfo(Registry& registry, const BuildInfo& build) {
  Labels labels = {{"version", build.version}, {"revision", build.revision}};
  labels.push_back(
      {"compiler", absl::StrCat("clang ", __clang_major__, ".", __clang_minor__, ".", __clang_patchlevel__)});
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  labels.push_back({"build_type", "sanitized"});
#else
  labels.push_back({"build_type", "plain"});
#endif
  registry.AddGauge("ottoscale_build_info", "1; the labels say what was built, and how.", labels).Set(1);
}

void AddLogMetrics(Registry& registry, const Log& log) {
  for (const Level level : kLevels) {
    registry.AddSampled({"ottoscale_log_lines_total", "Lines written to the log.", MetricType::kCounter},
                        {{"level", std::string(Name(level))}},
                        [&log, level] { return static_cast<double>(log.lines(level)); });
  }
  registry.AddSampled(
      {"ottoscale_log_lines_suppressed_total",
       "Warnings and errors that were not written, because the same had just been written.", MetricType::kCounter},
      {}, [&log] { return static_cast<double>(log.suppressed()); });
}

}  // namespace ottoscale::telemetry
