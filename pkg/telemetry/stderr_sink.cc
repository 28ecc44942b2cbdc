#include <spdlog/sinks/stdout_sinks.h>

#include <memory>

#include "pkg/telemetry/log.h"

namespace ottoscale::telemetry {
namespace {

spdlog::level::level_enum SpdlogLevel(Level level) {
  switch (level) {
    case Level::kDebug: return spdlog::level::debug;
    case Level::kInfo: return spdlog::level::info;
    case Level::kWarn: return spdlog::level::warn;
    case Level::kError: return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

Sink StderrSink() {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  sink->set_pattern("%v");  // the line is finished: nothing to add
  return [sink](Level level, absl::string_view line) {
    sink->log(spdlog::details::log_msg("", SpdlogLevel(level), spdlog::string_view_t(line.data(), line.size())));
    sink->flush();
  };
}

}  // namespace ottoscale::telemetry
