// The metrics that every process of ours has, under the names that dashboards expect.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "pkg/telemetry/log.h"
#include "pkg/telemetry/metrics.h"

namespace ottoscale::telemetry {

// process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes, process_threads,
// process_open_fds, process_max_fds, process_start_time_seconds: read from /proc at each scrape. A number that the
// system does not give is left out.
void AddProcessMetrics(Registry& registry, std::string proc = "/proc");

struct BuildInfo {
  std::string version;
  std::string revision;
};
// ottoscale_build_info: 1, with the version, the revision, the compiler and the type of the build.
void AddBuildInfo(Registry& registry, const BuildInfo& build);

// ottoscale_log_lines_total{level} and ottoscale_log_lines_suppressed_total. The log outlives the registry.
void AddLogMetrics(Registry& registry, const Log& log);

// What stands in /proc/self/stat; nullopt when it is not of that form.
struct ProcessStat {
  double cpu_seconds = 0;
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double threads = 0;
  double start_after_boot_seconds = 0;
};
std::optional<ProcessStat> ParseProcessStat(absl::string_view text, double ticks_per_second, double page_bytes);

// Seconds since 1970 at which the machine was booted: the line "btime" of /proc/stat.
std::optional<double> ParseBootTime(absl::string_view text);

}  // namespace ottoscale::telemetry
