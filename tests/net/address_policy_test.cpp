#include "net/address_policy.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>

#include "base/error.h"

namespace e5v::net {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

IpAddress ip(const std::string& text) { return boost::asio::ip::make_address(text); }

TEST(AddressPolicy, PublicAddressesAreAllowed) {
  for (const char* address :
       {"1.1.1.1",           "8.8.8.8",         "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
        "100.128.0.0",       "126.255.255.255", "128.0.0.0",       "169.253.255.255", "169.255.0.0",
        "172.15.255.255",    "172.32.0.0",      "192.0.1.0",       "192.167.255.255", "192.169.0.0",
        "198.17.255.255",    "198.20.0.0",      "223.255.255.255", "2001:200::1",     "2606:4700:4700::1111",
        "2a00:1450:4001::1", "2003::1",         "3ffe::1"})
    EXPECT_TRUE(is_public(ip(address))) << address;
}

TEST(AddressPolicy, AllOthersAreRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"0.0.0.0", "unspecified"},
      {"0.255.255.255", "this network"},
      {"10.0.0.0", "private"},
      {"10.255.255.255", "private"},
      {"100.64.0.0", "shared by the customers of a carrier"},
      {"100.127.255.255", "shared by the customers of a carrier"},
      {"127.0.0.1", "loopback"},
      {"127.255.255.255", "loopback"},
      {"169.254.0.0", "link-local"},
      {"169.254.169.254", "link-local"},
      {"172.16.0.0", "private"},
      {"172.31.255.255", "private"},
      {"192.0.0.1", "protocol assignments"},
      {"192.0.2.1", "documentation"},
      {"192.88.99.1", "relays to IPv6"},
      {"192.168.0.0", "private"},
      {"192.168.255.255", "private"},
      {"198.18.0.0", "benchmarks"},
      {"198.19.255.255", "benchmarks"},
      {"198.51.100.1", "documentation"},
      {"203.0.113.1", "documentation"},
      {"224.0.0.1", "multicast"},
      {"239.255.255.255", "multicast"},
      {"240.0.0.1", "reserved"},
      {"255.255.255.255", "broadcast"},
      {"::", "unspecified"},
      {"::1", "loopback"},
      {"::8.8.8.8", "compatible with IPv4"},
      {"::ffff:127.0.0.1", "mapped from IPv4"},
      {"::ffff:8.8.8.8", "mapped from IPv4"},
      {"64:ff9b::10.0.0.1", "translated to IPv4"},
      {"64:ff9b:1::1", "translated to IPv4"},
      {"100::1", "discarded"},
      {"2001::1", "Teredo"},
      {"2001:10::1", "protocol assignments"},
      {"2001:db8::1", "documentation"},
      {"2002:7f00:1::1", "6to4"},
      {"3fff::1", "documentation"},
      {"4000::1", "not assigned"},
      {"fc00::1", "unique-local"},
      {"fdff::1", "unique-local"},
      {"fe80::1", "link-local"},
      {"fec0::1", "site-local"},
      {"ff02::1", "multicast"},
  };
  for (const auto& [address, kind] : cases) EXPECT_FALSE(is_public(ip(address))) << address << ", " << kind;
}

TEST(AddressPolicy, NetworksAreAllowedBesidePublicAddresses) {
  const AddressPolicy policy = public_or_in({Network("10.1.0.0/16"), Network("fd00:1::/32"), Network("192.168.1.7")});
  for (const char* address : {"8.8.8.8", "10.1.0.0", "10.1.255.255", "192.168.1.7", "fd00:1::1", "fd00:1:ffff::"})
    EXPECT_TRUE(policy(ip(address))) << address;
  for (const char* address : {"10.0.255.255", "10.2.0.0", "192.168.1.6", "fd00:2::1", "::ffff:10.1.0.1", "127.0.0.1"})
    EXPECT_FALSE(policy(ip(address))) << address;
}

TEST(AddressPolicy, WhatIsNoNetworkIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "[] expected a network as ADDRESS/BITS"},
      {"10.1/16", "[10.1/16] expected a network as ADDRESS/BITS"},
      {"intranet", "[intranet] expected a network as ADDRESS/BITS"},
      {"fe80::1%1/64", "[fe80::1%1/64] expected a network as ADDRESS/BITS"},
      {"10.1.0.0/", "[10.1.0.0/] expected 0 to 32 bits after the slash"},
      {"10.1.0.0/33", "[10.1.0.0/33] expected 0 to 32 bits after the slash"},
      {"10.1.0.0/8x", "[10.1.0.0/8x] expected 0 to 32 bits after the slash"},
      {"fd00::/129", "[fd00::/129] expected 0 to 128 bits after the slash"},
      {"10.1.0.1/16", "[10.1.0.1/16] expected zeros after the first 16 bits"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_THAT([&] { Network network(text); }, ThrowsMessage<InvalidInput>(HasSubstr(message))) << text;
}

TEST(AddressPolicy, SocketsHaveTheAddressOfTheirName) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(0x0a000001);
  EXPECT_EQ(ip_address_of(reinterpret_cast<const sockaddr&>(v4)), ip("10.0.0.1"));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  ASSERT_EQ(::inet_pton(AF_INET6, "::ffff:10.0.0.1", &v6.sin6_addr), 1);
  EXPECT_EQ(ip_address_of(reinterpret_cast<const sockaddr&>(v6)), ip("::ffff:10.0.0.1"));
  const sockaddr other{.sa_family = AF_UNIX, .sa_data = {}};
  EXPECT_EQ(ip_address_of(other), std::nullopt);
}

}  // namespace
}  // namespace e5v::net
