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

/// What the handler has answered to one request, and not been sent yet. The connection takes it; the handler's threads
/// add to it.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  /// What is to be sent next.
  struct Next {
    std::optional<http::Response> head;  ///< once, first
    bool streams = false;                ///< the body follows in pieces
    std::string piece;                   ///< of the body
    bool ended = false;                  ///< nothing follows
    bool broken = false;                 ///< nothing follows, but something should have
    bool empty() const { return !head && piece.empty() && !ended && !broken; }
  };

  /// `strand` is that of the connection, on the context.
  Exchange(const boost::asio::any_io_executor& strand, std::shared_ptr<boost::asio::io_context> io);

  // For the handler's side, any thread.
  void answer(http::Response response, bool streams);
  void add(std::string piece);
  void end(bool broken);
  void defer(std::function<void()> work);

  // For the connection's side, on its strand.
  Next take();
  /// Ends when something was added, or at the time that was set.
  boost::asio::steady_timer& changed() { return changed_; }
  /// From now on nothing is kept.
  void close();

 private:
  void notify();

  std::shared_ptr<boost::asio::io_context> io_;  // before what needs it
  boost::asio::steady_timer changed_;
  std::mutex mutex_;  // of the members below
  Next next_;
  bool closed_ = false;
};

/// The handler's handle on an exchange.
std::shared_ptr<http::Responder> make_responder(std::shared_ptr<Exchange> exchange);

}  // namespace e5v::net
