#pragma once
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace e5v::net {

using PlainStream = boost::asio::generic::stream_protocol::socket;
using TlsStream = boost::asio::ssl::stream<PlainStream>;

/// A completion token for coroutines that stores the error instead of throwing it.
inline auto into(boost::system::error_code& error) {
  return boost::asio::redirect_error(boost::asio::use_awaitable, error);
}

/// The stream of a connection. Operations that take too long are cancelled; the stream stays open, so that an error
/// response can be sent. Must be owned by a shared_ptr and used on the stream's strand.
template <class Stream>
class TimedStream : public std::enable_shared_from_this<TimedStream<Stream>> {
 public:
  using Time = std::chrono::milliseconds;
  using error_code = boost::system::error_code;
  template <class T>
  using awaitable = boost::asio::awaitable<T>;
  static constexpr std::size_t kReadAtOnce = std::size_t{64} << 10;
  /// The size of a piece for which write functions have a limit of time.
  static constexpr std::size_t kWriteAtOnce = std::size_t{4} << 20;

  explicit TimedStream(Stream stream) : stream_(std::move(stream)), timer_(stream_.get_executor()) {}

  Stream& get() { return stream_; }
  PlainStream& socket() {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }

  /// Cancels the operations after a time. Replaces the time that was set before.
  void expires_after(Time time) {
    timed_out_ = false;
    timer_.expires_after(time);
    timer_.async_wait([self = this->shared_from_this()](const error_code& error) {
      const bool was_replaced = self->timer_.expiry() > std::chrono::steady_clock::now();  // after the call was queued
      if (error || was_replaced) return;
      self->timed_out_ = true;
      error_code ignored;
      self->socket().cancel(ignored);
    });
  }
  /// Returns whether operations were cancelled since the last expires_after().
  bool timed_out() const { return timed_out_; }

  void close() {
    error_code ignored;
    timer_.cancel();
    socket().close(ignored);
  }

  /// Returns whether the peer still waits for data.
  bool is_awaited() {
    if (!socket().is_open()) return false;
    pollfd state{socket().native_handle(), POLLRDHUP, 0};
    return ::poll(&state, 1, 0) <= 0 || (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
  }

  awaitable<bool> shake_hands(Time time) {
    error_code error;
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      expires_after(time);
      co_await stream_.async_handshake(boost::asio::ssl::stream_base::server, into(error));
    }
    co_return !error;
  }

  /// Shuts the stream down. A peer that is still sending receives all written data if it sends at most `left` more
  /// bytes and ends in time.
  awaitable<void> shut_down(Time time, std::size_t left) {
    error_code error;
    expires_after(time);
    if constexpr (std::is_same_v<Stream, TlsStream>) co_await stream_.async_shutdown(into(error));
    socket().shutdown(boost::asio::socket_base::shutdown_send, error);
    std::vector<char> bytes(kReadAtOnce);
    while (!error && left > 0) {
      const std::size_t read = co_await socket().async_read_some(boost::asio::buffer(bytes), into(error));
      left -= std::min(left, read);
    }
  }

  /// Writes a message or its header. Each kWriteAtOnce bytes must be written in time.
  template <class Serializer>
  awaitable<void> write_message(Serializer& serializer, bool header_only, Time time, error_code& error) {
    serializer.split(header_only);
    std::size_t left = 0;
    while (!error && !(header_only ? serializer.is_header_done() : serializer.is_done())) {
      if (left == 0) {
        expires_after(time);
        left = kWriteAtOnce;
      }
      const std::size_t written = co_await boost::beast::http::async_write_some(stream_, serializer, into(error));
      left -= std::min(left, written);
    }
  }

  /// Writes a part of a body, in chunks if `chunked`. Each kWriteAtOnce bytes must be written in time.
  awaitable<void> write_piece(std::string_view piece, bool chunked, Time time, error_code& error) {
    while (!error && !piece.empty()) {
      const boost::asio::const_buffer part(piece.data(), std::min(piece.size(), kWriteAtOnce));
      piece.remove_prefix(part.size());
      expires_after(time);
      if (chunked) {
        co_await boost::asio::async_write(stream_, boost::beast::http::make_chunk(part), into(error));
      } else {
        co_await boost::asio::async_write(stream_, part, into(error));
      }
    }
  }

 private:
  Stream stream_;
  boost::asio::steady_timer timer_;
  bool timed_out_ = false;
};

}  // namespace e5v::net
