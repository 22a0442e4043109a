#pragma once
#include <string>
#include <vector>

/// The server's side of the network: sockets, TLS, HTTP/1.1 on connections.
namespace e5v::net {

/// A socket that listens.
struct Listener {
  int socket = -1;
  bool is_unix = false;
  std::string address;  ///< "127.0.0.1:8080", "[::1]:8080", "unix:/run/e5v.sock"
};

/// Listens on "HOST:PORT", "[IPv6]:PORT" or "unix:PATH"; a name of several addresses gives several sockets. A Unix
/// socket that nobody listens on any more is replaced. Throws InvalidInput that names the address.
std::vector<Listener> listen_on(const std::string& address);

/// A socket that another process made and listens on already. Throws InvalidInput when it does not listen.
Listener adopt(int socket);

/// The address of a connection's other end, without its port: "127.0.0.1", "::1", "unix".
std::string peer_address(int socket);

}  // namespace e5v::net
