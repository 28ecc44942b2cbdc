#include "pkg/manifest/rules.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "pkg/base/text.h"

namespace ottoscale::manifest {
namespace {

constexpr size_t kMaxUrl = 2048;

std::string Found(absl::string_view text) { return absl::StrCat(", found '", Truncate(Printable(text), 64), "'"); }

bool IsLowerAlnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool IsLabel(absl::string_view text) {
  return !text.empty() && text.size() <= 63 && IsLowerAlnum(text.front()) && IsLowerAlnum(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsLowerAlnum(c) || c == '-'; });
}

bool IsDigits(absl::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == absl::string_view::npos;
}

// The number that `text` is, all of its characters being digits.
std::optional<int> Digits(absl::string_view text) {
  int value = 0;
  if (!IsDigits(text) || !absl::SimpleAtoi(text, &value)) return std::nullopt;
  return value;
}

// host, host:port, [v6]:port. Says nothing about whether the host exists.
bool IsAuthority(absl::string_view text) {
  absl::string_view host = text;
  absl::string_view port;
  const size_t bracket = text.rfind(']');
  const size_t colon = text.rfind(':');
  const bool has_port = colon != absl::string_view::npos && (bracket == absl::string_view::npos || colon > bracket);
  if (has_port) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    const std::optional<int> number = Digits(port);
    if (!number || *number < 1 || *number > 65535) return false;
  }
  if (absl::StartsWith(host, "[")) return host.size() > 2 && absl::EndsWith(host, "]");
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_';
  });
}

bool IsVisibleAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::optional<std::string> CheckLabel(absl::string_view text) {
  if (IsLabel(text)) return std::nullopt;
  return absl::StrCat("must be 1 to 63 lower case letters, digits or '-', with a letter or digit at both ends",
                      Found(text));
}

std::optional<std::string> CheckName(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '.');
  const bool good = text.size() <= 253 && std::all_of(parts.begin(), parts.end(), IsLabel);
  if (good) return std::nullopt;
  return absl::StrCat(
      "must be 1 to 253 lower case letters, digits, '-' or '.', with a letter or digit at both ends of each part",
      Found(text));
}

std::optional<std::string> CheckSecretKey(absl::string_view text) {
  const bool good = !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
  if (good) return std::nullopt;
  return absl::StrCat("must be 1 to 253 letters, digits, '-', '_' or '.'", Found(text));
}

std::optional<std::string> CheckApiUrl(absl::string_view text) {
  if (text.size() > kMaxUrl) return absl::StrCat("must be at most ", kMaxUrl, " characters long, found ", text.size());
  absl::string_view rest = text;
  if (!absl::ConsumePrefix(&rest, "https://") && !absl::ConsumePrefix(&rest, "http://")) {
    return absl::StrCat("must start with 'https://' or 'http://'", Found(text));
  }
  // What was found is not repeated where it may hold a password.
  if (absl::StrContains(rest, "@")) return "must not hold a user name or password: credentials belong into a Secret";
  if (rest.find_first_of("?#") != absl::string_view::npos) {
    return absl::StrCat("must not have a query or fragment", Found(text));
  }
  const absl::string_view authority = rest.substr(0, rest.find('/'));
  if (!IsAuthority(authority) || !IsVisibleAscii(rest)) {
    return absl::StrCat("must be 'https://host', 'https://host:port' or one of them with a path", Found(text));
  }
  return std::nullopt;
}

std::optional<std::string> CheckMailServer(absl::string_view text) {
  absl::string_view rest = text;
  const bool scheme = absl::ConsumePrefix(&rest, "smtps://") || absl::ConsumePrefix(&rest, "smtp://");
  if (scheme && text.size() <= kMaxUrl && IsAuthority(rest)) return std::nullopt;
  return absl::StrCat("must be 'smtps://host:port' or 'smtp://host:port'",
                      absl::StrContains(text, "@") ? ", without a user name or password" : Found(text));
}

std::optional<absl::TimeZone> LoadZone(absl::string_view name) {
  // ^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$: Abseil alone would also take absolute paths, file: URIs and Fixed/ names.
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  if (parts.size() > 3 || name.size() > 64) return std::nullopt;
  for (const absl::string_view part : parts) {
    const bool good = !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '+' || c == '-';
    });
    if (!good) return std::nullopt;
  }
  for (const absl::string_view barred : {"localtime", "posix", "right", "Fixed", "posixrules"}) {
    if (parts[0] == barred) return std::nullopt;
  }
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(name, &zone)) return std::nullopt;
  return zone;
}

std::optional<int> ParseClock(absl::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const std::optional<int> hour = Digits(text.substr(0, 2));
  const std::optional<int> minute = Digits(text.substr(3, 2));
  if (!hour || !minute || *minute > 59) return std::nullopt;
  if (*hour > 24 || (*hour == 24 && *minute > 0)) return std::nullopt;
  return *hour * 60 + *minute;
}

std::optional<LocalTime> ParseLocalTime(absl::string_view text) {
  if (text.size() != 16 || text[4] != '-' || text[7] != '-' || text[10] != 'T') return std::nullopt;
  const std::optional<int> year = Digits(text.substr(0, 4));
  const std::optional<int> month = Digits(text.substr(5, 2));
  const std::optional<int> day = Digits(text.substr(8, 2));
  const std::optional<int> clock = ParseClock(text.substr(11, 5));
  if (!year || !month || !day || !clock) return std::nullopt;
  const absl::CivilDay date(*year, *month, *day);  // normalises 30 February into March
  if (date.year() != *year || date.month() != *month || date.day() != *day) return std::nullopt;
  return LocalTime{.time = absl::CivilMinute(date) + *clock, .end_of_day = *clock == 24 * 60};
}

}  // namespace ottoscale::manifest
