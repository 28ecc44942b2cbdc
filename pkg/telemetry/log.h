// Structured logging: an event is a level, the name of a logger, a constant message and typed fields; it becomes
// exactly one line, whatever is in it.
//
//   Log log({.loop = loop, .sink = StderrSink(), .format = Format::kLogfmt, .scrubber = &scrubber});
//   Logger logger = log.Named("reconcile").With({{"policy", "default/web"}});
//   logger.Info("scaled out", {{"from", 2}, {"to", 3}});
//
// Everything here belongs to the loop's thread.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pkg/async/loop.h"
#include "pkg/base/secret.h"
#include "pkg/telemetry/repeat_filter.h"
#include "pkg/telemetry/scrubber.h"

namespace ottoscale::telemetry {

enum class Level { kDebug, kInfo, kWarn, kError };
constexpr std::array<Level, 4> kLevels = {Level::kDebug, Level::kInfo, Level::kWarn, Level::kError};

// text: for people; logfmt: key=value; json: one object a line.
enum class Format { kText, kLogfmt, kJson };

absl::string_view Name(Level level);                        // "debug", "info", "warn", "error"
std::optional<Level> ParseLevel(absl::string_view name);    // exactly these
std::optional<Format> ParseFormat(absl::string_view name);  // "text", "logfmt", "json"

// What stands behind a key. Numbers and booleans stay what they are in JSON; durations ("1.5s"), times (RFC 3339 in
// UTC) and statuses ("NOT_FOUND: no such app") are text. A Secret does not compile.
class Value {
 public:
  using Data = std::variant<std::string, int64_t, uint64_t, double, bool>;

  // NOLINTBEGIN(google-explicit-constructor): fields are written as {"key", value}
  Value(const char* text) : data_(std::string(text)) {}
  Value(std::string text) : data_(std::move(text)) {}
  Value(absl::string_view text) : data_(std::string(text)) {}
  Value(std::same_as<bool> auto flag) : data_(flag) {}
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Value(T number) : varies_(true) {
    if constexpr (std::signed_integral<T>) {
      data_ = int64_t{number};
    } else {
      data_ = uint64_t{number};
    }
  }
  Value(double number) : data_(number), varies_(true) {}
  Value(absl::Duration duration) : data_(absl::FormatDuration(duration)), varies_(true) {}
  Value(absl::Time time);
  Value(const absl::Status& status) : data_(status.ToString()) {}
  // NOLINTEND(google-explicit-constructor)
  Value(const Secret&) = delete;

  const Data& data() const { return data_; }
  // True for numbers, durations and times: two errors that differ only in these are the same error.
  bool varies() const { return varies_; }

 private:
  Data data_;
  bool varies_ = false;
};

struct Field {
  std::string key;
  Value value;
};
using Fields = std::vector<Field>;

// Takes a finished line, without a line end.
using Sink = absl::AnyInvocable<void(Level level, absl::string_view line)>;

// Writes to standard error, a line at a time, through spdlog.
Sink StderrSink();

class Logger;

// Where the events of all loggers come together. It outlives them.
class Log {
 public:
  struct Options {
    async::Loop& loop;  // gives the time
    Sink sink;
    Format format = Format::kText;
    Level level = Level::kInfo;
    bool colour = false;  // for Format::kText only; the caller knows whether a terminal reads it
    // Replaces secrets in messages and fields; may be null. Outlives the log.
    const Scrubber* scrubber = nullptr;
    // Equal warnings and errors are written once in this time; the next line then says suppressed=N.
    absl::Duration repeat_window = absl::Minutes(1);
  };
  explicit Log(Options options) : options_(std::move(options)), repeats_(options_.repeat_window) {}
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  Logger Named(std::string name);

  Level level() const { return options_.level; }
  // At once, for every logger.
  void SetLevel(Level level) { options_.level = level; }

  // Lines written at this level since the start.
  uint64_t lines(Level level) const { return lines_[static_cast<size_t>(level)]; }
  // Warnings and errors that were equal to one just written.
  uint64_t suppressed() const { return suppressed_; }

 private:
  friend class Logger;
  void Write(Level level, absl::string_view logger, absl::string_view message, Fields fields);
  void Scrub(std::string& message, Fields& fields) const;

  Options options_;
  RepeatFilter repeats_;
  std::array<uint64_t, kLevels.size()> lines_{};
  uint64_t suppressed_ = 0;
};

// A name and the fields that all its lines have. A cheap value; borrows its Log.
class Logger {
 public:
  // Adds fields behind those that are there.
  Logger With(Fields fields) const;
  // "reconcile" becomes "reconcile.gate".
  Logger Named(absl::string_view name) const;

  bool Enabled(Level level) const { return level >= log_->level(); }
  // The message is a constant text, lower case; what varies goes into the fields.
  void Write(Level level, absl::string_view message, Fields fields = {}) const;
  void Debug(absl::string_view message, Fields fields = {}) const { Write(Level::kDebug, message, std::move(fields)); }
  void Info(absl::string_view message, Fields fields = {}) const { Write(Level::kInfo, message, std::move(fields)); }
  void Warn(absl::string_view message, Fields fields = {}) const { Write(Level::kWarn, message, std::move(fields)); }
  void Error(absl::string_view message, Fields fields = {}) const { Write(Level::kError, message, std::move(fields)); }

 private:
  friend class Log;
  Logger(Log& log, std::string name, Fields fields) : log_(&log), name_(std::move(name)), fields_(std::move(fields)) {}
  Log* log_;
  std::string name_;
  Fields fields_;
};

}  // namespace ottoscale::telemetry
