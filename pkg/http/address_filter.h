// Which addresses a URL of a tenant may lead to: public ones, and the ranges that the administrator added. The filter
// sees resolved addresses only; the spelling of the URL does not matter (reference: OUT-6, OUT-14).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ottoscale::http {

// IPv6 as it is, IPv4 as ::ffff:a.b.c.d.
using AddressBytes = std::array<uint8_t, 16>;

struct Cidr {
  AddressBytes network{};
  int bits = 0;  // of the 128
  bool Contains(const AddressBytes& address) const;
  bool operator==(const Cidr&) const = default;
};

class AddressFilter {
 public:
  // `allow`: "10.1.0.0/16", "fd00::/8", or an address alone. InvalidArgument names the one that is malformed, or that
  // has bits set behind its prefix. `ports`: beyond 80 and 443.
  static absl::StatusOr<AddressFilter> Make(const std::vector<std::string>& allow, const std::vector<uint16_t>& ports);

  // Numeric address, without brackets or zone. OK, or why not: for people, without a code.
  absl::Status Check(absl::string_view text, uint16_t port) const;
  // False when no address at all could make this port acceptable.
  bool PortPossible(uint16_t port) const;

 private:
  std::vector<Cidr> allow_;
  std::vector<uint16_t> ports_;
};

}  // namespace ottoscale::http
