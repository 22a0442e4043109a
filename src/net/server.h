#pragma once
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "http/message.h"

namespace e5v::net {

/// The limits of a server. One address (or IPv6 network of 64 bits) gets at most three quarters of the bytes and of the
/// connections.
struct Limits {
  std::size_t header_bytes = std::size_t{32} << 10;  ///< maximum size of a request's header (request line and fields)
  std::size_t bodies_bytes = std::size_t{1} << 30;   ///< maximum total size of all request bodies in memory
  std::size_t answers_bytes = std::size_t{1}
                              << 30;              ///< maximum total size of all response bodies that are not sent yet
  int connections = 4096;                         ///< maximum number of open connections; further ones get status 503
  std::chrono::milliseconds header_time{10'000};  ///< maximum time for receiving a header
  std::chrono::milliseconds body_time{120'000};   ///< maximum time for receiving a body
  std::chrono::milliseconds idle_time{75'000};    ///< maximum time between two requests of a connection
  std::chrono::milliseconds write_time{60'000};   ///< maximum time for sending a response, or each 4 MiB of it
};

/// The addresses and the transport of a server.
struct ServerOptions {
  /// "127.0.0.1:8080", "[::1]:8080", "localhost:8080", or "unix:PATH" for a Unix socket. Port 0 selects a free port.
  std::vector<std::string> listen;
  std::vector<int> sockets = {};                     ///< sockets that already listen, from systemd's socket activation
  std::filesystem::path certificate = {}, key = {};  ///< PEM files; if they are set, TCP connections use TLS
  Limits limits = {};
  int threads = 2;  ///< number of threads that read and write
};

/// The numbers of connections of a server.
struct ConnectionCounters {
  std::int64_t open = 0, accepted = 0, refused = 0;
};

/// An HTTP/1.1 server. It reads requests and writes responses; a handler makes the responses.
class Server {
 public:
  /// Binds the addresses and listens. The handler must outlive the server. Throws InvalidInput, which names the
  /// address, certificate or key that cannot be used.
  Server(const ServerOptions& options, http::Handler& handler);
  /// Calls stop() and waits for the handler without a limit of time.
  ~Server();

  /// Begins to accept connections. May be called once.
  void start();
  /// Returns the bound addresses with their ports: "http://127.0.0.1:8080", "unix:/run/e5v.sock".
  std::vector<std::string> addresses() const;
  ConnectionCounters connections() const;
  /// Reads certificate and key again. Open connections keep the old ones. If it throws InvalidInput, the old ones stay
  /// in use.
  void reload_certificate();

  /// Accepts no more connections, closes idle connections, and waits until all admitted requests have their response,
  /// at most for `limit`. Returns whether all of them have it.
  bool drain(std::chrono::milliseconds limit);
  /// Closes all connections at once. Returns whether the server has ended within `limit`. If not, the handler still
  /// works on a request.
  bool stop(std::chrono::milliseconds limit = std::chrono::seconds(5));

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace e5v::net
