#pragma once
#include <string>

namespace e5v::http {

/// Returns the name under which a client without a key is limited: an IPv4 address, or the network of 64 bits that
/// contains an IPv6 address ("2001:db8::/64"), because a host can use all addresses of such a network. An IPv4 address
/// that is written as one of IPv6 is that IPv4 address. Other texts ("unix") are returned unchanged.
std::string network_of(const std::string& address);

}  // namespace e5v::http
