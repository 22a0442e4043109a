#pragma once
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "http/message.h"

namespace e5v::net {

/// What a server lets its clients do.
struct Limits {
  std::size_t header_bytes = std::size_t{32} << 10;  ///< of a request's line and fields
  std::size_t bodies_bytes = std::size_t{1} << 30;   ///< of all bodies that are being received, together
  int connections = 4096;                            ///< at a time; more get 503
  std::chrono::milliseconds header_time{10'000};     ///< from the first byte of a request to the last of its fields
  std::chrono::milliseconds body_time{120'000};      ///< for the body
  std::chrono::milliseconds idle_time{75'000};       ///< between requests
  std::chrono::milliseconds write_time{60'000};      ///< for a piece of an answer to be taken
};

/// Where a server listens, and how.
struct ServerOptions {
  /// "127.0.0.1:8080", "[::1]:8080", "localhost:8080"; port 0: any free one. "unix:PATH" is a Unix socket.
  std::vector<std::string> listen;
  std::vector<int> sockets = {};                     ///< that listen already, as systemd hands them over
  std::filesystem::path certificate = {}, key = {};  ///< PEM files; with them TCP connections are TLS
  Limits limits = {};
  int threads = 2;  ///< that read and write
};

/// How many connections a server has.
struct ConnectionCounters {
  std::int64_t open = 0, accepted = 0, refused = 0;
};

/// An HTTP/1.1 server. It reads requests and writes responses; what these mean is the handler's.
class Server {
 public:
  /// Binds and listens; the handler must outlive the server. Throws InvalidInput for an address, a certificate or a key
  /// that cannot be used, naming it.
  Server(const ServerOptions& options, http::Handler& handler);
  ~Server();

  /// Begins to accept. May be called once.
  void start();
  /// The addresses listened on, with their ports: "http://127.0.0.1:8080", "unix:/run/e5v.sock".
  std::vector<std::string> addresses() const;
  ConnectionCounters connections() const;
  /// Reads certificate and key again. Connections that stand keep theirs. Throws InvalidInput, and then keeps the old.
  void reload_certificate();

  /// Accepts nothing more, ends connections that wait for a request, and returns when all requests that were admitted
  /// have their answer, or after `limit`. False when some had none by then.
  bool drain(std::chrono::milliseconds limit);
  /// Cuts all connections.
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace e5v::net
