#pragma once
#include <netdb.h>

#include <string>
#include <vector>

/// The network part of the server: sockets, TLS, and HTTP/1.1 connections.
namespace e5v::net {

/// A listening socket.
struct Listener {
  int socket = -1;
  bool is_unix = false;
  std::string address;   ///< "127.0.0.1:8080", "[::1]:8080", "unix:/run/e5v.sock"
  bool is_ours = false;  ///< this process has made the file of a Unix socket
};

/// Listens on "HOST:PORT", "[IPv6]:PORT" or "unix:PATH". A host name with several addresses gives several sockets. The
/// file of a Unix socket on which no program listens is replaced. Throws InvalidInput, which names the address.
std::vector<Listener> listen_on(const std::string& address);

/// Listens on each address of a list that this machine has. Throws InvalidInput, which names `address`, if it has none
/// or cannot listen on one that it has.
std::vector<Listener> listen_on_all(const addrinfo* list, const std::string& address);

/// Uses a socket that another process has opened. Throws InvalidInput if it does not listen.
Listener adopt(int socket);

/// Returns the address of the client of a connection, without its port: "127.0.0.1", "::1", "unix".
std::string peer_address(int socket);

}  // namespace e5v::net
