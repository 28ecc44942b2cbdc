#include "pkg/telemetry/escape.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "pkg/base/text.h"

namespace ottoscale::telemetry {
namespace {

unsigned Byte(absl::string_view text, size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; }

bool Control(char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); }

// The code point at `i` when it is one of those outside ASCII that are escaped, else 0.
unsigned Hidden(absl::string_view text, size_t i) {
  const unsigned first = Byte(text, i);
  const unsigned second = Byte(text, i + 1);
  if (first == 0xC2 && second >= 0x80 && second <= 0x9F) return second;  // C1 controls, U+0085 among them
  if (first != 0xE2 || (second != 0x80 && second != 0x81)) return 0;
  const unsigned third = Byte(text, i + 2);
  if (third < 0x80 || third > 0xBF) return 0;
  const unsigned point = 0x2000u | ((second & 0x3Fu) << 6u) | (third & 0x3Fu);
  const bool line = point == 0x2028 || point == 0x2029;
  const bool direction = (point >= 0x200E && point <= 0x200F) || (point >= 0x202A && point <= 0x202E) ||
                         (point >= 0x2066 && point <= 0x2069);
  return line || direction ? point : 0;
}

// The end of the stretch from `i` on that contains nothing to escape; it may contain invalid UTF-8.
size_t PlainEnd(absl::string_view text, size_t i) {
  while (i < text.size() && !Control(text[i]) && text[i] != '"' && text[i] != '\\' && Hidden(text, i) == 0) ++i;
  return i;
}

void AppendEscape(char c, std::string& out) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned char>(c)); return;
  }
}

}  // namespace

void AppendEscaped(absl::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size();) {
    const size_t end = PlainEnd(text, i);
    if (end > i) {
      absl::StrAppend(&out, Printable(text.substr(i, end - i)));
      i = end;
    } else if (const unsigned point = Hidden(text, i); point != 0) {
      absl::StrAppendFormat(&out, "\\u%04x", point);
      i += point < 0x100 ? 2 : 3;
    } else {
      AppendEscape(text[i++], out);
    }
  }
}

void AppendLogfmtValue(absl::string_view text, std::string& out) {
  const bool plain = !text.empty() && PlainEnd(text, 0) == text.size() &&
                     text.find_first_of(" =") == absl::string_view::npos && Printable(text) == text;
  if (plain) {
    absl::StrAppend(&out, text);
    return;
  }
  out += '"';
  AppendEscaped(text, out);
  out += '"';
}

void AppendLabelValue(absl::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size();) {
    const auto special = [](char c) { return c == '"' || c == '\\' || c == '\n'; };
    if (special(text[i])) {
      AppendEscape(text[i++], out);
      continue;
    }
    const auto* end = std::find_if(text.begin() + i, text.end(), special);
    const auto length = static_cast<size_t>(end - text.begin()) - i;
    absl::StrAppend(&out, Printable(text.substr(i, length)));
    i += length;
  }
}

void AppendHelp(absl::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '\\' || c == '\n') {
      AppendEscape(c, out);
    } else {
      out += c;
    }
  }
}

std::string FieldName(absl::string_view name) {
  std::string out(name.empty() ? absl::string_view("_") : name);
  for (char& c : out) {
    const bool plain =
        absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-' || c == '/';
    if (!plain) c = '_';
  }
  return out;
}

}  // namespace ottoscale::telemetry
