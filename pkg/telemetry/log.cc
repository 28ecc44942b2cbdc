#include "pkg/telemetry/log.h"

#include "absl/strings/str_cat.h"
#include "pkg/telemetry/log_line.h"

namespace ottoscale::telemetry {
namespace {

// What makes two events the same one: level, logger, message and the fields that are not measurements.
std::string Identity(Level level, absl::string_view logger, absl::string_view message, const Fields& fields) {
  std::string identity = absl::StrCat(Name(level), "\n", logger, "\n", message);
  for (const Field& field : fields) {
    if (field.value.varies()) continue;
    const auto* text = std::get_if<std::string>(&field.value.data());
    const auto* flag = std::get_if<bool>(&field.value.data());
    absl::StrAppend(&identity, "\n", field.key, "=", text != nullptr ? *text : "",
                    flag != nullptr && *flag ? "true" : "");
  }
  return identity;
}

}  // namespace

absl::string_view Name(Level level) {
  switch (level) {
    case Level::kDebug: return "debug";
    case Level::kInfo: return "info";
    case Level::kWarn: return "warn";
    case Level::kError: return "error";
  }
  return "error";
}

std::optional<Level> ParseLevel(absl::string_view name) {
  for (const Level level : kLevels) {
    if (Name(level) == name) return level;
  }
  return std::nullopt;
}

std::optional<Format> ParseFormat(absl::string_view name) {
  if (name == "text") return Format::kText;
  if (name == "logfmt") return Format::kLogfmt;
  if (name == "json") return Format::kJson;
  return std::nullopt;
}

Value::Value(absl::Time time) : data_(TimestampText(time)), varies_(true) {}

Logger Log::Named(std::string name) { return {*this, std::move(name), {}}; }

void Log::Write(Level level, absl::string_view logger, absl::string_view message, Fields fields) {
  const async::Instant now = options_.loop.Now();
  if (level >= Level::kWarn) {
    const RepeatFilter::Verdict verdict = repeats_.Check(Identity(level, logger, message, fields), now.boot);
    if (!verdict.write) {
      ++suppressed_;
      return;
    }
    if (verdict.suppressed > 0) fields.push_back({"suppressed", verdict.suppressed});
  }
  std::string text(message);
  Scrub(text, fields);
  ++lines_[static_cast<size_t>(level)];
  const LogEvent event{now.wall, level, logger, text, fields};
  options_.sink(level, FormatLine(event, options_.format, options_.colour));
}

void Log::Scrub(std::string& message, Fields& fields) const {
  if (options_.scrubber == nullptr) return;
  message = options_.scrubber->Scrub(message);
  for (Field& field : fields) {
    field.key = options_.scrubber->Scrub(field.key);
    if (const auto* text = std::get_if<std::string>(&field.value.data())) field.value = options_.scrubber->Scrub(*text);
  }
}

Logger Logger::With(Fields fields) const {
  Logger more = *this;
  for (Field& field : fields) more.fields_.push_back(std::move(field));
  return more;
}

Logger Logger::Named(absl::string_view name) const {
  Logger other = *this;
  absl::StrAppend(&other.name_, other.name_.empty() ? "" : ".", name);
  return other;
}

void Logger::Write(Level level, absl::string_view message, Fields fields) const {
  if (!Enabled(level)) return;
  if (!fields_.empty()) fields.insert(fields.begin(), fields_.begin(), fields_.end());
  log_->Write(level, name_, message, std::move(fields));
}

}  // namespace ottoscale::telemetry
