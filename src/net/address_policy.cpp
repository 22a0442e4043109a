#include "net/address_policy.h"

#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace e5v::net {
namespace {

std::array<unsigned char, 16> bytes_of(const IpAddress& address) {
  std::array<unsigned char, 16> bytes{};
  if (address.is_v4()) {
    std::ranges::copy(address.to_v4().to_bytes(), bytes.begin());
  } else {
    std::ranges::copy(address.to_v6().to_bytes(), bytes.begin());
  }
  return bytes;
}

bool bit(const std::array<unsigned char, 16>& bytes, int index) {
  return (bytes[index / 8] >> (7 - index % 8) & 1) != 0;
}

bool in_any(const std::vector<Network>& networks, const IpAddress& address) {
  return std::ranges::any_of(networks, [&](const Network& network) { return network.contains(address); });
}

std::vector<Network> networks_of(std::initializer_list<const char*> texts) {
  std::vector<Network> networks;
  for (const char* text : texts) networks.emplace_back(text);
  return networks;
}

/// What IANA's registry of IPv4 calls not globally reachable, multicast, and relays to IPv6.
const std::vector<Network>& special_v4() {
  static const std::vector<Network> networks =
      networks_of({"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
                   "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
                   "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"});
  return networks;
}

/// What is special within 2000::/3, the only unicast addresses of IPv6 that are given to networks.
const std::vector<Network>& special_v6() {
  static const std::vector<Network> networks = networks_of({"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"});
  return networks;
}

}  // namespace

Network::Network(const std::string& text) {
  const std::size_t slash = text.find('/');
  boost::system::error_code error;
  const IpAddress address = boost::asio::ip::make_address(text.substr(0, slash), error);
  require(!error && text.find('%') == std::string::npos,
          "[{}] expected a network as ADDRESS/BITS, such as 10.1.0.0/16 or fd00:1::/32", text);
  is_v4_ = address.is_v4();
  bytes_ = bytes_of(address);
  const int most = is_v4_ ? 32 : 128;
  bits_ = most;
  if (slash != std::string::npos) {
    const char* const begin = text.data() + slash + 1;
    const char* const end = text.data() + text.size();
    const auto [rest, problem] = std::from_chars(begin, end, bits_);
    require(problem == std::errc() && rest == end && bits_ >= 0 && bits_ <= most,
            "[{}] expected 0 to {} bits after the slash", text, most);
  }
  for (int i = bits_; i < most; ++i)
    require(!bit(bytes_, i), "[{}] expected zeros after the first {} bits", text, bits_);
}

bool Network::contains(const IpAddress& address) const {
  if (address.is_v4() != is_v4_) return false;
  const std::array<unsigned char, 16> bytes = bytes_of(address);
  for (int i = 0; i < bits_; ++i) {
    if (bit(bytes, i) != bit(bytes_, i)) return false;
  }
  return true;
}

bool is_public(const IpAddress& address) {
  static const Network unicast_v6("2000::/3");
  if (address.is_v4()) return !in_any(special_v4(), address);
  return unicast_v6.contains(address) && !in_any(special_v6(), address);
}

AddressPolicy public_or_in(std::vector<Network> networks) {
  return [networks = std::move(networks)](const IpAddress& address) {
    return is_public(address) || in_any(networks, address);
  };
}

std::optional<IpAddress> ip_address_of(const sockaddr& name) {
  if (name.sa_family == AF_INET)
    return boost::asio::ip::address_v4(ntohl(reinterpret_cast<const sockaddr_in&>(name).sin_addr.s_addr));
  if (name.sa_family != AF_INET6) return std::nullopt;
  boost::asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(name).sin6_addr, bytes.size());
  return boost::asio::ip::address_v6(bytes);
}

}  // namespace e5v::net
