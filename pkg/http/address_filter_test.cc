#include "pkg/http/address_filter.h"

#include <gtest/gtest.h>

namespace ottoscale::http {
namespace {

bool Allows(const AddressFilter& filter, const char* address, uint16_t port = 443) {
  return filter.Check(address, port).ok();
}

TEST(AddressFilter, DeniesEverythingThatIsNotPublic) {  // OUT-14
  const AddressFilter filter = *AddressFilter::Make({}, {});
  for (const char* address : {"127.0.0.1",
                              "127.255.255.255",
                              "0.0.0.0",
                              "0.1.2.3",
                              "10.0.0.1",
                              "10.255.255.255",
                              "100.64.0.1",
                              "100.127.255.255",
                              "169.254.169.254",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.168.0.1",
                              "192.0.0.1",
                              "192.0.2.1",
                              "198.18.0.1",
                              "198.19.255.255",
                              "198.51.100.1",
                              "203.0.113.1",
                              "224.0.0.1",
                              "239.255.255.255",
                              "240.0.0.1",
                              "255.255.255.255",
                              "::",
                              "::1",
                              "::7f00:1",
                              "::ffff:127.0.0.1",
                              "::ffff:10.0.0.1",
                              "::ffff:a9fe:a9fe",
                              "64:ff9b::7f00:1",
                              "64:ff9b::10.1.2.3",
                              "64:ff9b:1::1",
                              "2002:7f00:1::",
                              "2002:a00:1::1",
                              "2002:a9fe:a9fe::",
                              "2001:0:1::1",
                              "2001:db8::1",
                              "100::1",
                              "fc00::1",
                              "fd00:ec2::254",
                              "fdff::1",
                              "fe80::1",
                              "febf::1",
                              "fec0::1",
                              "ff02::1",
                              "fe80::1%eth0",
                              "127.1",
                              "0x7f000001",
                              "2130706433",
                              "[::1]",
                              "",
                              "localhost",
                              "1.2.3.4 "}) {
    EXPECT_FALSE(Allows(filter, address)) << address;
  }
}

TEST(AddressFilter, AllowsPublicAddressesAtTheirEdges) {
  const AddressFilter filter = *AddressFilter::Make({}, {});
  for (const char* address :
       {"1.0.0.0",          "9.255.255.255",   "11.0.0.0",        "100.63.255.255",       "100.128.0.0",
        "126.255.255.255",  "128.0.0.0",       "169.253.255.255", "169.255.0.0",          "172.15.255.255",
        "172.32.0.0",       "192.167.255.255", "192.169.0.0",     "223.255.255.255",      "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8", "2002:808:808::1", "2606:4700::1111", "2001:4860:4860::8888", "fbff::1"}) {
    EXPECT_TRUE(Allows(filter, address)) << address;
  }
}

TEST(AddressFilter, PortsBeyond80And443AreOptIn) {
  const AddressFilter strict = *AddressFilter::Make({}, {});
  EXPECT_TRUE(Allows(strict, "8.8.8.8", 80));
  EXPECT_FALSE(Allows(strict, "8.8.8.8", 22));
  EXPECT_FALSE(strict.PortPossible(22));
  const AddressFilter ports = *AddressFilter::Make({}, {8443});
  EXPECT_TRUE(Allows(ports, "8.8.8.8", 8443));
  EXPECT_FALSE(Allows(ports, "127.0.0.1", 8443));
  const AddressFilter ranges = *AddressFilter::Make({"10.1.0.0/16", "fd00::/8", "127.0.0.1"}, {});
  EXPECT_TRUE(Allows(ranges, "10.1.255.255", 9000));
  EXPECT_TRUE(Allows(ranges, "::ffff:10.1.0.1", 9000));
  EXPECT_TRUE(Allows(ranges, "fd12::1", 9000));
  EXPECT_TRUE(Allows(ranges, "127.0.0.1", 9000));
  EXPECT_FALSE(Allows(ranges, "10.2.0.1", 80));
  EXPECT_FALSE(Allows(ranges, "127.0.0.2", 80));
  EXPECT_FALSE(Allows(ranges, "64:ff9b::10.1.0.1", 80));
  EXPECT_FALSE(Allows(ranges, "8.8.8.8", 9000));
}

TEST(AddressFilter, SaysWhichRangeIsMalformed) {
  for (const char* text :
       {"", "x", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.1/8", "fd00::/129", "10.0/8", "::1/64"}) {
    const absl::Status status = AddressFilter::Make({text}, {}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(status.message().find(std::string("'") + text + "'"), absl::string_view::npos) << status;
  }
  EXPECT_TRUE(AddressFilter::Make({"0.0.0.0/0", "::/0"}, {}).ok());
}

}  // namespace
}  // namespace ottoscale::http
