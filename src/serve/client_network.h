#pragma once
#include <string>

namespace e5v::serve {

/// Returns the name under which a client without a key is limited: an IPv4 address, or the network of 64 bits that
/// contains an IPv6 address ("2001:db8::/64"), because a host can use all addresses of such a network. Other texts
/// ("unix") are returned unchanged.
std::string network_of(const std::string& address);

}  // namespace e5v::serve
