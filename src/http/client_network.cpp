#include "http/client_network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace e5v::http {

std::string network_of(const std::string& address) {
  in6_addr bytes{};
  const std::string without_zone = address.substr(0, address.find('%'));  // "fe80::1%eth0"
  if (::inet_pton(AF_INET6, without_zone.c_str(), &bytes) != 1) return address;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (IN6_IS_ADDR_V4MAPPED(&bytes)) return ::inet_ntop(AF_INET, bytes.s6_addr + 12, text.data(), text.size());
  std::fill(bytes.s6_addr + 8, bytes.s6_addr + 16, std::uint8_t{0});
  ::inet_ntop(AF_INET6, &bytes, text.data(), text.size());
  return std::string(text.data()) + "/64";
}

}  // namespace e5v::http
