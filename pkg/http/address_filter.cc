#include "pkg/http/address_filter.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "pkg/base/check.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"

namespace ottoscale::http {
namespace {

AddressBytes Mapped(const uint8_t* v4) {
  AddressBytes bytes{};
  bytes[10] = bytes[11] = 0xFF;
  std::copy(v4, v4 + 4, bytes.begin() + 12);
  return bytes;
}

std::optional<AddressBytes> ParseAddress(absl::string_view text) {
  const std::string terminated(text);
  if (terminated.size() != std::strlen(terminated.c_str())) return std::nullopt;
  std::array<uint8_t, 4> v4{};
  if (inet_pton(AF_INET, terminated.c_str(), v4.data()) == 1) return Mapped(v4.data());
  AddressBytes v6{};
  if (inet_pton(AF_INET6, terminated.c_str(), v6.data()) == 1) return v6;
  return std::nullopt;
}

absl::StatusOr<Cidr> ParseCidr(absl::string_view text) {
  const auto bad = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("address range '", Printable(text), "': ", why));
  };
  const size_t slash = std::min(text.find('/'), text.size());
  const std::optional<AddressBytes> network = ParseAddress(text.substr(0, slash));
  if (!network) return bad("not an IP address");
  const bool v4 = text.substr(0, slash).find(':') == absl::string_view::npos;
  const int most = v4 ? 32 : 128;
  int bits = most;
  if (slash < text.size()) {
    const absl::string_view length = text.substr(slash + 1);
    const bool digits = !length.empty() && length.size() <= 3 &&
                        std::all_of(length.begin(), length.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits || !absl::SimpleAtoi(length, &bits) || bits > most)
      return bad(absl::StrCat("the length is 0 to ", most));
  }
  const Cidr cidr{*network, v4 ? bits + 96 : bits};
  for (int bit = cidr.bits; bit < 128; ++bit) {
    if ((cidr.network[static_cast<size_t>(bit / 8)] >> (7 - bit % 8)) & 1) return bad("bits are set behind the prefix");
  }
  return cidr;
}

struct Denied {
  const char* range;
  const char* what;
};

// RFC 6890 and the IANA registries of special-purpose addresses. The mapped forms fall under the IPv4 rows.
constexpr Denied kDenied[] = {
    {"0.0.0.0/8", "this network"},
    {"10.0.0.0/8", "a private network"},
    {"100.64.0.0/10", "a carrier's shared network"},
    {"127.0.0.0/8", "loopback"},
    {"169.254.0.0/16", "link-local (the metadata service)"},
    {"172.16.0.0/12", "a private network"},
    {"192.0.0.0/24", "protocol assignments"},
    {"192.0.2.0/24", "documentation"},
    {"192.88.99.0/24", "a 6to4 relay"},
    {"192.168.0.0/16", "a private network"},
    {"198.18.0.0/15", "benchmarking"},
    {"198.51.100.0/24", "documentation"},
    {"203.0.113.0/24", "documentation"},
    {"224.0.0.0/4", "multicast"},
    {"240.0.0.0/4", "reserved or broadcast"},
    {"64:ff9b:1::/48", "local translation"},
    {"100::/64", "discard"},
    {"2001::/23", "protocol assignments (Teredo)"},
    {"2001:db8::/32", "documentation"},
    {"fc00::/7", "a private network"},
    {"fe80::/10", "link-local"},
    {"fec0::/10", "site-local"},
    {"ff00::/8", "multicast"},
};

struct DeniedRange {
  Cidr range;
  const char* what;
};

std::vector<DeniedRange> ParseDenied() {
  std::vector<DeniedRange> ranges;
  for (const Denied& row : kDenied) {
    const absl::StatusOr<Cidr> range = ParseCidr(row.range);
    CHECK(range.ok(), range.status().message());
    ranges.push_back({*range, row.what});
  }
  return ranges;
}

bool StartsWith(const AddressBytes& address, std::initializer_list<uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), address.begin());
}

// The IPv4 address that a translated or tunnelled IPv6 address leads to: NAT64 (RFC 6052), 6to4 (RFC 3056).
std::optional<AddressBytes> Embedded(const AddressBytes& address) {
  if (StartsWith(address, {0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0})) return Mapped(address.data() + 12);
  if (StartsWith(address, {0x20, 0x02})) return Mapped(address.data() + 2);
  return std::nullopt;
}

absl::Status CheckPublic(const AddressBytes& address) {
  static const auto* const kRanges = new std::vector<DeniedRange>(ParseDenied());
  for (const DeniedRange& denied : *kRanges) {
    if (denied.range.Contains(address)) return absl::PermissionDeniedError(denied.what);
  }
  // ::, ::1 and the IPv4-compatible addresses.
  if (StartsWith(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}))
    return absl::PermissionDeniedError("loopback or unspecified");
  if (const std::optional<AddressBytes> inner = Embedded(address)) return CheckPublic(*inner);
  return absl::OkStatus();
}

}  // namespace

bool Cidr::Contains(const AddressBytes& address) const {
  for (int bit = 0; bit < bits; ++bit) {
    const auto byte = static_cast<size_t>(bit / 8);
    if (((network[byte] ^ address[byte]) >> (7 - bit % 8)) & 1) return false;
  }
  return true;
}

absl::StatusOr<AddressFilter> AddressFilter::Make(const std::vector<std::string>& allow,
                                                  const std::vector<uint16_t>& ports) {
  AddressFilter filter;
  for (const std::string& text : allow) {
    ASSIGN_OR_RETURN(const Cidr cidr, ParseCidr(text));
    filter.allow_.push_back(cidr);
  }
  filter.ports_ = ports;
  filter.ports_.insert(filter.ports_.end(), {80, 443});
  return filter;
}

bool AddressFilter::PortPossible(uint16_t port) const {
  return !allow_.empty() || std::find(ports_.begin(), ports_.end(), port) != ports_.end();
}

absl::Status AddressFilter::Check(absl::string_view text, uint16_t port) const {
  const std::optional<AddressBytes> address = ParseAddress(text);
  if (!address) return absl::PermissionDeniedError("not an address");
  if (std::any_of(allow_.begin(), allow_.end(), [&](const Cidr& cidr) { return cidr.Contains(*address); })) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(CheckPublic(*address));
  if (std::find(ports_.begin(), ports_.end(), port) != ports_.end()) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("port ", port, " is not allowed"));
}

}  // namespace ottoscale::http
