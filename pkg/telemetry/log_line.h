// How an event becomes a line. Pure.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pkg/telemetry/log.h"

namespace ottoscale::telemetry {

struct LogEvent {
  absl::Time time;
  Level level = Level::kInfo;
  absl::string_view logger;
  absl::string_view message;
  const Fields& fields;
};

// "2026-01-01T00:00:00.000Z"
std::string TimestampText(absl::Time time);

// One line without a line end. Keys in the order of the event: ts, level, logger, msg, then the fields; a key that is
// taken already gets "_" behind it.
//   text    2026-01-01T00:00:00.000Z INFO  reconcile: scaled out policy=default/web from=2 to=3
//   logfmt  ts=2026-01-01T00:00:00.000Z level=info logger=reconcile msg="scaled out" policy=default/web from=2 to=3
//   json    {"ts":"2026-01-01T00:00:00.000Z","level":"info","logger":"reconcile","msg":"scaled
//   out",...,"from":2,"to":3}
std::string FormatLine(const LogEvent& event, Format format, bool colour);

}  // namespace ottoscale::telemetry
