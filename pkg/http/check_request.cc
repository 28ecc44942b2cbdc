#include "pkg/http/check_request.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/base/text.h"

namespace ottoscale::http {
namespace {

bool InRange(char c, char low, char high) { return c >= low && c <= high; }

bool IsTokenByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("!#$%&'*+-.^_`|~", absl::string_view(&c, 1));
}

// These say how the message travels, and the transport alone knows that; credentials come as Request::credential.
constexpr std::array<absl::string_view, 11> kReserved = {
    "Host", "Content-Length", "Transfer-Encoding", "Connection",    "Keep-Alive",         "Upgrade",
    "TE",   "Expect",         "Accept-Encoding",   "Authorization", "Proxy-Authorization"};

absl::Status Refuse(absl::string_view why) { return MakeFailure({.kind = Failure::kInvalidRequest}, why); }

absl::Status CheckHeader(const Header& header) {
  if (!IsToken(header.name)) return Refuse(absl::StrCat("header name '", Printable(header.name), "' is malformed"));
  const bool reserved = std::any_of(kReserved.begin(), kReserved.end(),
                                    [&](absl::string_view name) { return SameName(name, header.name); });
  if (reserved) return Refuse(absl::StrCat("header ", header.name, " is set by the transport only"));
  if (!IsFieldValue(header.value)) {
    return Refuse(absl::StrCat("the value of header ", header.name, " has a byte outside 0x20-0x7E"));
  }
  return absl::OkStatus();
}

}  // namespace

bool IsToken(absl::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenByte); }

bool IsFieldValue(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return InRange(c, 0x20, 0x7E); });
}

bool IsCredential(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return InRange(c, 0x21, 0x7E); });
}

bool SameName(absl::string_view a, absl::string_view b) { return absl::EqualsIgnoreCase(a, b); }

absl::Status CheckRequest(const Request& request) {
  if (!IsToken(request.method)) return Refuse(absl::StrCat("method '", Printable(request.method), "' is malformed"));
  for (const Header& header : request.headers.list()) {
    if (absl::Status status = CheckHeader(header); !status.ok()) return status;
  }
  if (!request.credential) return absl::OkStatus();
  if (!IsToken(request.credential_scheme)) return Refuse("the credential scheme is malformed");
  if (!IsCredential(request.credential->Reveal())) {
    return Refuse("the credential is empty or has a byte outside 0x21-0x7E (a line break at its end?)");
  }
  return absl::OkStatus();
}

}  // namespace ottoscale::http
