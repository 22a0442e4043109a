#include "http/client_network.h"

#include <gtest/gtest.h>

namespace e5v::http {
namespace {

TEST(ClientNetwork, OfAnIpv6AddressHas64Bits) {
  EXPECT_EQ(network_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(network_of("2001:db8:1:2::"), network_of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  EXPECT_NE(network_of("2001:db8:1:2::1"), network_of("2001:db8:1:3::1"));
  EXPECT_EQ(network_of("::1"), "::/64");
  EXPECT_EQ(network_of("fe80::1%eth0"), "fe80::/64");
}

TEST(ClientNetwork, OtherClientsAreTheirAddress) {
  for (const char* address : {"192.0.2.1", "unix", ""}) EXPECT_EQ(network_of(address), address);
  EXPECT_EQ(network_of("::ffff:192.0.2.1"), "192.0.2.1");
}

}  // namespace
}  // namespace e5v::http
