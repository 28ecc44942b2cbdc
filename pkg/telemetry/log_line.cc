#include "pkg/telemetry/log_line.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "pkg/telemetry/escape.h"
#include "pkg/telemetry/number.h"

namespace ottoscale::telemetry {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

// The keys of the fields as they are written: plain words, each of them once.
std::vector<std::string> Keys(const Fields& fields) {
  std::vector<std::string> taken = {"ts", "level", "logger", "msg"};
  const size_t reserved = taken.size();
  for (const Field& field : fields) {
    std::string key = FieldName(field.key);
    while (std::find(taken.begin(), taken.end(), key) != taken.end()) key += '_';
    taken.push_back(std::move(key));
  }
  taken.erase(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(reserved));
  return taken;
}

void AppendQuoted(absl::string_view text, std::string& out) {
  out += '"';
  AppendEscaped(text, out);
  out += '"';
}

void AppendPlain(const Value& value, std::string& out) {
  std::visit(Overloaded{[&](const std::string& text) { AppendLogfmtValue(text, out); },
                        [&](bool flag) { out += flag ? "true" : "false"; },
                        [&](double number) { absl::StrAppend(&out, NumberText(number)); },
                        [&](auto number) { absl::StrAppend(&out, number); }},
             value.data());
}

void AppendJson(const Value& value, std::string& out) {
  std::visit(Overloaded{[&](const std::string& text) { AppendQuoted(text, out); },
                        [&](bool flag) { out += flag ? "true" : "false"; },
                        [&](double number) {
                          // JSON has no word for NaN and the infinities.
                          std::isfinite(number) ? out += NumberText(number) : (out += '"' + NumberText(number) + '"');
                        },
                        [&](auto number) { absl::StrAppend(&out, number); }},
             value.data());
}

void AppendPairs(const Fields& fields, std::string& out) {
  const std::vector<std::string> keys = Keys(fields);
  for (size_t i = 0; i < fields.size(); ++i) {
    absl::StrAppend(&out, " ", keys[i], "=");
    AppendPlain(fields[i].value, out);
  }
}

absl::string_view ColourOf(Level level) {
  switch (level) {
    case Level::kDebug: return "\x1b[2m";   // faint
    case Level::kInfo: return "\x1b[32m";   // green
    case Level::kWarn: return "\x1b[33m";   // yellow
    case Level::kError: return "\x1b[31m";  // red
  }
  return "";
}

std::string TextLine(const LogEvent& event, bool colour) {
  std::string level = absl::AsciiStrToUpper(Name(event.level));
  level.resize(5, ' ');
  std::string out = absl::StrCat(TimestampText(event.time), " ", colour ? ColourOf(event.level) : "", level,
                                 colour ? "\x1b[0m" : "", " ");
  if (!event.logger.empty()) {
    AppendEscaped(event.logger, out);
    out += ": ";
  }
  AppendEscaped(event.message, out);
  AppendPairs(event.fields, out);
  return out;
}

std::string LogfmtLine(const LogEvent& event) {
  std::string out = absl::StrCat("ts=", TimestampText(event.time), " level=", Name(event.level), " logger=");
  AppendLogfmtValue(event.logger, out);
  out += " msg=";
  AppendLogfmtValue(event.message, out);
  AppendPairs(event.fields, out);
  return out;
}

std::string JsonLine(const LogEvent& event) {
  std::string out =
      absl::StrCat(R"({"ts":")", TimestampText(event.time), R"(","level":")", Name(event.level), R"(","logger":)");
  AppendQuoted(event.logger, out);
  out += R"(,"msg":)";
  AppendQuoted(event.message, out);
  const std::vector<std::string> keys = Keys(event.fields);
  for (size_t i = 0; i < event.fields.size(); ++i) {
    absl::StrAppend(&out, ",\"", keys[i], "\":");
    AppendJson(event.fields[i].value, out);
  }
  out += '}';
  return out;
}

}  // namespace

std::string TimestampText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::string FormatLine(const LogEvent& event, Format format, bool colour) {
  switch (format) {
    case Format::kText: return TextLine(event, colour);
    case Format::kLogfmt: return LogfmtLine(event);
    case Format::kJson: return JsonLine(event);
  }
  return "";
}

}  // namespace ottoscale::telemetry
