#pragma once
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "http/message.h"
#include "net/server.h"
#include "net/shared_limit.h"
#include "net/tls.h"

namespace e5v::net {

/// The common state of a server's connections.
struct Shared {
  Shared(http::Handler& shared_handler, const Limits& shared_limits)
      : handler(shared_handler),
        limits(shared_limits),
        bodies(shared_limits.bodies_bytes),
        answers(shared_limits.answers_bytes) {}

  http::Handler& handler;
  const Limits limits;
  SharedLimit bodies;              ///< bytes of the request bodies in memory
  SharedLimit answers;             ///< bytes of the response bodies in memory
  std::atomic<int> exchanges = 0;  ///< admitted requests without a response
  std::atomic<bool> draining = false;
};

/// An open connection.
class Connection {
 public:
  virtual ~Connection() = default;
  /// Closes the connection if it waits for a request. Must be called on its executor.
  virtual void close_if_idle() = 0;
  /// Closes the connection at once. Must be called on its executor.
  virtual void cut() = 0;
  virtual boost::asio::any_io_executor executor() = 0;
};

/// Serves an accepted socket and takes ownership of it. It uses TLS if `tls` is not null. `ended` is called after the
/// connection is closed. The strand must belong to the context `io`. Throws DeviceError if the system cannot watch the
/// socket; then the socket is closed, and `ended` is not called.
std::shared_ptr<Connection> serve(int socket, const boost::asio::any_io_executor& strand,
                                  std::shared_ptr<TlsContext> tls, std::shared_ptr<Shared> shared,
                                  std::shared_ptr<boost::asio::io_context> io, std::function<void()> ended);

}  // namespace e5v::net
