#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "http/message.h"

namespace e5v::net {

/// The part of the response to one request that is not sent yet. Threads of the handler add to it, and the connection
/// takes from it.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  /// The data to send next.
  struct Next {
    std::optional<http::Response> head;  ///< only the first time
    bool streams = false;                ///< the body is sent in pieces
    std::string piece;                   ///< the next piece of the body
    std::optional<std::string> log;      ///< replaces Response::log
    bool ended = false;                  ///< the response is complete
    bool broken = false;                 ///< the response ended before it was complete
    bool empty() const { return !head && piece.empty() && !ended && !broken; }
  };

  /// `strand` is the connection's strand on the context `io`.
  Exchange(const boost::asio::any_io_executor& strand, std::shared_ptr<boost::asio::io_context> io);

  // Called by the handler from any thread.
  void answer(http::Response response, bool streams);
  void add(std::string piece);
  void set_log(std::string log);
  void end(bool broken);
  void defer(std::function<void()> work);

  // Called by the connection on its strand.
  Next take();
  /// The timer that the connection waits for. It is cancelled when data are added.
  boost::asio::steady_timer& changed() { return changed_; }
  /// Drops the data, and all that are added later.
  void close();

 private:
  void notify();

  std::shared_ptr<boost::asio::io_context> io_;  // before the members that use it
  boost::asio::steady_timer changed_;
  std::mutex mutex_;  // protects the members below
  Next next_;
  bool closed_ = false;
};

/// Returns the handler's interface of an exchange.
std::shared_ptr<http::Responder> make_responder(std::shared_ptr<Exchange> exchange);

}  // namespace e5v::net
