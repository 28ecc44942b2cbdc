#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/http/http.h"

namespace ottoscale::http {
namespace {

constexpr size_t kMaxUrl = 8192;
constexpr size_t kMaxHost = 253;  // RFC 1035

absl::Status Bad(absl::string_view why) { return MakeFailure({.kind = Failure::kInvalidRequest}, why); }

bool IsUnreserved(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' || c == '~';
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

uint16_t DefaultPort(absl::string_view scheme) { return scheme == "https" ? 443 : 80; }

// RFC 3986: everything else must come percent-encoded.
absl::Status CheckBytes(absl::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c <= 0x20 || c >= 0x7F) return Bad("a URL has only visible ASCII characters: percent-encode the others");
    if (absl::StrContains("\"<>\\^`{|}", absl::string_view(&c, 1))) {
      return Bad(absl::StrCat("the URL contains '", absl::string_view(&c, 1), "': percent-encode it"));
    }
    if (c != '%') continue;
    const bool encoded = i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0;
    if (!encoded) return Bad("'%' in a URL is followed by two hexadecimal digits");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ParseIpv6(absl::string_view literal) {
  const std::string text(literal);
  in6_addr address{};
  if (inet_pton(AF_INET6, text.c_str(), &address) != 1) return Bad("the host in brackets is not an IPv6 address");
  return absl::AsciiStrToLower(text);
}

absl::StatusOr<std::string> ParseName(absl::string_view name) {
  if (name.empty()) return Bad("the URL has no host");
  if (name.size() > kMaxHost) return Bad(absl::StrCat("the host is longer than ", kMaxHost, " characters"));
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) { return IsUnreserved(c) && c != '~'; });
  if (!plain) return Bad("a host consists of letters, digits, '-', '.' and '_'");
  return absl::AsciiStrToLower(name);
}

absl::StatusOr<uint16_t> ParsePort(absl::string_view text) {
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  uint32_t port = 0;
  if (!digits || text.size() > 5 || !absl::SimpleAtoi(text, &port) || port == 0 || port > 65535) {
    return Bad("a port is a number from 1 to 65535");
  }
  return static_cast<uint16_t>(port);
}

// "host", "host:port", "[v6]", "[v6]:port" into `url`, whose scheme is set.
absl::Status ParseAuthority(absl::string_view authority, Url& url) {
  if (absl::StrContains(authority, '@')) return Bad("a URL must not carry a user name or password ('@')");
  absl::string_view port;
  if (absl::ConsumePrefix(&authority, "[")) {
    const size_t end = authority.find(']');
    if (end == absl::string_view::npos) return Bad("'[' in the host has no ']'");
    ASSIGN_OR_RETURN(url.host, ParseIpv6(authority.substr(0, end)));
    port = authority.substr(end + 1);
  } else {
    const size_t colon = std::min(authority.find(':'), authority.size());
    ASSIGN_OR_RETURN(url.host, ParseName(authority.substr(0, colon)));
    port = authority.substr(colon);
  }
  url.port = DefaultPort(url.scheme);
  if (port.empty()) return absl::OkStatus();
  if (!absl::ConsumePrefix(&port, ":")) return Bad("']' is followed by ':' and a port, or by the path");
  ASSIGN_OR_RETURN(url.port, ParsePort(port));
  return absl::OkStatus();
}

}  // namespace

std::string Url::Authority() const {
  const bool v6 = absl::StrContains(host, ':');
  std::string text = v6 ? absl::StrCat("[", host, "]") : host;
  if (port != DefaultPort(scheme)) absl::StrAppend(&text, ":", port);
  return text;
}

absl::StatusOr<Url> ParseUrl(absl::string_view text) {
  if (text.size() > kMaxUrl) return Bad(absl::StrCat("a URL has at most ", kMaxUrl, " characters"));
  RETURN_IF_ERROR(CheckBytes(text));
  const size_t colon = text.find("://");
  if (colon == absl::string_view::npos) return Bad("a URL starts with https:// or http://");
  Url url{.scheme = absl::AsciiStrToLower(text.substr(0, colon))};
  if (url.scheme != "http" && url.scheme != "https") {
    return Bad(absl::StrCat("scheme '", url.scheme, "' is not supported: use https or http"));
  }
  if (absl::StrContains(text, '#')) return Bad("a URL must not have a fragment ('#')");
  text.remove_prefix(colon + 3);
  const size_t end = std::min(text.find_first_of("/?"), text.size());
  RETURN_IF_ERROR(ParseAuthority(text.substr(0, end), url));
  text.remove_prefix(end);
  const size_t question = std::min(text.find('?'), text.size());
  url.path = std::string(question == 0 ? "/" : text.substr(0, question));
  if (question < text.size()) url.query = std::string(text.substr(question + 1));
  return url;
}

std::string EncodeComponent(absl::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

absl::StatusOr<std::string> DecodeComponent(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return absl::InvalidArgumentError("'%' is followed by two hexadecimal digits");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::optional<std::string> QueryValue(absl::string_view query, absl::string_view name) {
  for (const absl::string_view pair : absl::StrSplit(query, '&')) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(pair, absl::MaxSplits('=', 1));
    const auto decode = [](absl::string_view part) {
      std::string spaced(part);
      std::replace(spaced.begin(), spaced.end(), '+', ' ');  // as forms do
      return DecodeComponent(spaced);
    };
    const absl::StatusOr<std::string> found = decode(parts.first);
    if (!found.ok() || *found != name) continue;
    const absl::StatusOr<std::string> value = decode(parts.second);
    if (value.ok()) return *value;
  }
  return std::nullopt;
}

}  // namespace ottoscale::http
