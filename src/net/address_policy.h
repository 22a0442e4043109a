#pragma once
#include <sys/socket.h>

#include <array>
#include <boost/asio/ip/address.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// Which addresses this program connects to when somebody else names the host.
namespace e5v::net {

using IpAddress = boost::asio::ip::address;
using AddressPolicy = std::function<bool(const IpAddress& address)>;

/// The addresses that begin with the same bits.
class Network {
 public:
  /// "10.1.0.0/16", "fd00:1::/32", or one address. Throws InvalidInput.
  explicit Network(const std::string& text);
  /// An IPv4 address is in no network of IPv6, and the other way round.
  bool contains(const IpAddress& address) const;

 private:
  std::array<unsigned char, 16> bytes_{};
  int bits_ = 0;
  bool is_v4_ = false;
};

/// Whether an address belongs to one machine in the public internet, as IANA's registries of special-purpose addresses
/// (RFC 6890 and its updates) have it. Loopback, private, shared (CGNAT), link-local, unique-local, documentation,
/// multicast, reserved and unspecified ones do not, nor do those of IPv6 that carry one of IPv4 (mapped, compatible,
/// NAT64, 6to4, Teredo), because they would lead to an address that was not checked.
bool is_public(const IpAddress& address);

/// Allows public addresses and those of some networks.
AddressPolicy public_or_in(std::vector<Network> networks);

/// The address of a socket's name; nothing for another family than IPv4 and IPv6.
std::optional<IpAddress> ip_address_of(const sockaddr& name);

}  // namespace e5v::net
