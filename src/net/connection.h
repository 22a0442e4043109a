#pragma once
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "http/message.h"
#include "net/server.h"
#include "net/tls.h"

namespace e5v::net {

/// What the connections of a server share.
struct Shared {
  Shared(http::Handler& shared_handler, const Limits& shared_limits) : handler(shared_handler), limits(shared_limits) {}

  http::Handler& handler;
  const Limits limits;
  std::atomic<std::size_t> bodies_bytes = 0;  ///< of bodies that are received or answered now
  std::atomic<int> exchanges = 0;             ///< requests that were admitted and have no answer yet
  std::atomic<bool> draining = false;
};

/// A connection that is served until it ends.
class Connection {
 public:
  virtual ~Connection() = default;
  /// Ends it if it waits for a request. To be called on its executor.
  virtual void close_if_idle() = 0;
  /// Cuts it. To be called on its executor.
  virtual void cut() = 0;
  virtual boost::asio::any_io_executor executor() = 0;
};

/// Serves an accepted socket, of which it takes possession: with TLS when there is a context. `ended` is called when
/// nothing of it is left. The strand is one of the context.
std::shared_ptr<Connection> serve(int socket, const boost::asio::any_io_executor& strand,
                                  std::shared_ptr<TlsContext> tls, std::shared_ptr<Shared> shared,
                                  std::shared_ptr<boost::asio::io_context> io, std::function<void()> ended);

}  // namespace e5v::net
