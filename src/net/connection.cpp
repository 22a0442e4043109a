#include "net/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "base/random_id.h"
#include "net/exchange.h"
#include "net/listener.h"

namespace e5v::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Clock = std::chrono::steady_clock;
using boost::system::error_code;

using Plain = asio::generic::stream_protocol::socket;
using Secure = asio::ssl::stream<Plain>;
using Parser = beast::http::request_parser<beast::http::string_body>;

/// The interval at which a connection checks whether its client has disconnected.
constexpr std::chrono::milliseconds kLook{100};
constexpr std::size_t kReadAtOnce = std::size_t{64} << 10;
constexpr std::size_t kLongestId = 128;

/// A completion token for coroutines that stores the error instead of throwing it.
auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

std::string text_of(beast::string_view text) { return {text.data(), text.size()}; }

bool is_plain_word(std::string_view text) {
  return !text.empty() && text.size() <= kLongestId &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; });
}

/// The share of one body in Limits::bodies_bytes.
class Reserved {
 public:
  explicit Reserved(Shared& shared) : shared_(shared) {}
  Reserved(const Reserved&) = delete;
  Reserved& operator=(const Reserved&) = delete;
  ~Reserved() { shared_.bodies_bytes -= bytes_; }
  /// Increases the share to `bytes`. Returns false if this would exceed the limit.
  bool grow(std::size_t bytes) {
    if (bytes <= bytes_) return true;
    const std::size_t more = bytes - bytes_;
    if (shared_.bodies_bytes.fetch_add(more) + more > shared_.limits.bodies_bytes) {
      shared_.bodies_bytes -= more;
      return false;
    }
    bytes_ = bytes;
    return true;
  }

 private:
  Shared& shared_;
  std::size_t bytes_ = 0;
};

/// Counts a request in Shared::exchanges while the object exists.
class Pending {
 public:
  explicit Pending(Shared& shared) : shared_(shared) { ++shared_.exchanges; }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() { --shared_.exchanges; }

 private:
  Shared& shared_;
};

template <class Stream>
class ServedConnection : public Connection, public std::enable_shared_from_this<ServedConnection<Stream>> {
 public:
  ServedConnection(Stream stream, std::shared_ptr<TlsContext> tls, std::shared_ptr<Shared> shared,
                   std::shared_ptr<boost::asio::io_context> io)
      : io_(std::move(io)),
        tls_(std::move(tls)),
        shared_(std::move(shared)),
        stream_(std::move(stream)),
        timer_(stream_.get_executor()) {}

  void close_if_idle() override {
    if (idle_) cut();
  }
  void cut() override {
    error_code ignored;
    timer_.cancel();
    socket().close(ignored);
  }
  asio::any_io_executor executor() override { return stream_.get_executor(); }

  /// Serves requests until the client disconnects or a limit is exceeded.
  asio::awaitable<void> run() {
    const auto self = this->shared_from_this();
    address_ = peer_address(socket().native_handle());
    if (co_await shake_hands()) {
      while (co_await serve_one()) {
      }
      co_await say_goodbye();
    }
    cut();
  }

 private:
  /// A request and the state of its response.
  struct Turn {
    http::Request request;
    Clock::time_point begin;
    std::size_t received = 0, sent = 0;
    int status = 0;
    std::string log;
    bool head_only = false, keep_alive = false, http_1_0 = false;
  };

  Plain& socket() {
    if constexpr (std::is_same_v<Stream, Secure>) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }

  /// Cancels reads and writes after this time. The connection stays open, so that an error response can be sent.
  void expires_after(std::chrono::milliseconds time) {
    timed_out_ = false;
    timer_.expires_after(time);
    timer_.async_wait([self = this->shared_from_this()](const error_code& error) {
      if (error) return;
      self->timed_out_ = true;
      error_code ignored;
      self->socket().cancel(ignored);
    });
  }

  asio::awaitable<bool> shake_hands() {
    if constexpr (std::is_same_v<Stream, Secure>) {
      error_code error;
      expires_after(shared_->limits.header_time);
      co_await stream_.async_handshake(asio::ssl::stream_base::server, into(error));
      co_return !error;
    }
    co_return true;
  }

  /// Shuts the connection down so that the client receives all written data, even if it is still sending.
  asio::awaitable<void> say_goodbye() {
    error_code error;
    expires_after(std::chrono::seconds(2));
    if constexpr (std::is_same_v<Stream, Secure>) co_await stream_.async_shutdown(into(error));
    socket().shutdown(asio::socket_base::shutdown_send, error);
    std::size_t left = std::size_t{1} << 20;
    while (!error && left > 0) {
      const std::size_t read = co_await socket().async_read_some(buffer_.prepare(kReadAtOnce), into(error));
      left -= std::min(left, read);
    }
  }

  /// Reads one request and sends its response. Returns whether another request may follow.
  asio::awaitable<bool> serve_one() {
    if (!co_await wait_for_request()) co_return false;
    Turn turn;
    turn.begin = Clock::now();
    turn.request.address = address_;
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(shared_->limits.header_bytes));
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // read_body() enforces the limit of the route
    if (const int refused = co_await read_header(parser)) co_return co_await refuse(turn, refused, reason_of(refused));
    read_head(parser, turn);
    std::variant<http::BodyLimit, http::Response> admitted = shared_->handler.admit(turn.request);
    if (auto* response = std::get_if<http::Response>(&admitted)) {
      turn.keep_alive = turn.keep_alive && parser.is_done();
      co_return co_await answer(turn, std::move(*response));
    }
    const Pending pending(*shared_);
    Reserved reserved(*shared_);
    const std::size_t limit = std::get<http::BodyLimit>(admitted).bytes;
    if (const int refused = co_await read_body(parser, limit, reserved)) {
      turn.received = parser.get().body().size();
      co_return co_await refuse(turn, refused, reason_of(refused));
    }
    turn.request.body = std::move(parser.get().body());
    turn.received = turn.request.body.size();
    co_return co_await handle(turn);
  }

  asio::awaitable<bool> wait_for_request() {
    if (shared_->draining) co_return false;
    if (buffer_.size() > 0) co_return true;
    error_code error;
    idle_ = true;
    expires_after(shared_->limits.idle_time);
    const std::size_t read = co_await stream_.async_read_some(buffer_.prepare(kReadAtOnce), into(error));
    idle_ = false;
    buffer_.commit(read);
    co_return !error;
  }

  static std::string reason_of(int status) {
    switch (status) {
      case 408: return "the request took too long to arrive";
      case 413: return "the body of the request is too large";
      case 431: return "the header of the request is too large";
      case 503: return "the bodies of other requests take all memory that there is for them";
      default: return "the request is not valid HTTP/1.1";
    }
  }

  /// Returns 0, the status of an error response, or -1 if the client has disconnected.
  asio::awaitable<int> read_header(Parser& parser) {
    error_code error;
    expires_after(shared_->limits.header_time);
    co_await beast::http::async_read_header(stream_, buffer_, parser, into(error));
    co_return status_of(error);
  }

  int status_of(const error_code& error) const {
    if (!error) return 0;
    if (timed_out_) return 408;
    if (error == beast::http::error::header_limit || error == beast::http::error::buffer_overflow) return 431;
    if (error == beast::http::error::end_of_stream || error == beast::http::error::partial_message) return -1;
    if (error.category() == beast::http::make_error_code(beast::http::error::bad_method).category()) return 400;
    return -1;
  }

  void read_head(Parser& parser, Turn& turn) {
    const auto& message = parser.get();
    http::Request& request = turn.request;
    request.method = text_of(message.method_string());
    const std::string target = text_of(message.target());
    const std::size_t question = target.find('?');
    request.path = http::percent_decoded(target.substr(0, question));
    if (question != std::string::npos) request.query = target.substr(question + 1);
    for (const auto& field : message) request.fields.add(text_of(field.name_string()), text_of(field.value()));
    const std::string_view id = request.fields.find("x-request-id");
    request.id = is_plain_word(id) ? std::string(id) : random_id();
    turn.keep_alive = message.keep_alive();
    turn.http_1_0 = message.version() < 11;
    turn.head_only = request.method == "HEAD";
  }

  asio::awaitable<int> read_body(Parser& parser, std::size_t limit, Reserved& reserved) {
    if (parser.is_done()) co_return 0;
    const auto length = parser.content_length();
    if (length && *length > limit) co_return 413;
    if (length && !reserved.grow(static_cast<std::size_t>(*length))) co_return 503;
    error_code error;
    expires_after(shared_->limits.body_time);
    if (beast::iequals(parser.get()[beast::http::field::expect], "100-continue")) {
      const beast::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(stream_, asio::buffer(line.data(), line.size()), into(error));
    }
    while (!error && !parser.is_done()) {
      co_await beast::http::async_read_some(stream_, buffer_, parser, into(error));
      const std::size_t size = parser.get().body().size();
      if (size > limit) co_return 413;
      if (!reserved.grow(size)) co_return 503;
    }
    co_return status_of(error);
  }

  /// Passes the request to the handler and sends the response.
  asio::awaitable<bool> handle(Turn& turn) {
    const auto exchange = std::make_shared<Exchange>(stream_.get_executor(), io_);
    std::stop_source gone;
    turn.request.gone = gone.get_token();
    http::Request kept = turn.request;
    kept.body.clear();
    std::swap(kept, turn.request);  // the log needs the request without its body
    shared_->handler.handle(std::move(kept), make_responder(exchange));
    bool fine = true;
    Exchange::Next next;
    while (fine && next.empty()) {
      next = exchange->take();
      if (!next.empty()) break;
      error_code ignored;
      exchange->changed().expires_after(kLook);
      co_await exchange->changed().async_wait(into(ignored));
      fine = client_waits();
    }
    if (fine && !next.head) next.head = shared_->handler.refuse(turn.request, 500, "the request was not answered");
    if (fine && next.streams) {
      fine = co_await answer_in_pieces(turn, *exchange, std::move(next));
    } else if (fine) {
      fine = co_await answer(turn, std::move(*next.head));
      exchange->close();
      co_return fine;
    }
    if (!fine) gone.request_stop();
    exchange->close();
    if (turn.status == 0) turn.status = 499;
    complete(turn);
    co_return fine;
  }

  /// Returns whether the client is still connected.
  bool client_waits() {
    if (!socket().is_open()) return false;
    pollfd state{socket().native_handle(), POLLRDHUP, 0};
    return ::poll(&state, 1, 0) <= 0 || (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
  }

  template <class Message>
  void fill_head(Message& message, Turn& turn, const http::Response& response) {
    message.version(turn.http_1_0 ? 10 : 11);
    message.result(static_cast<unsigned>(response.status));
    if (!response.type.empty()) message.set(beast::http::field::content_type, response.type);
    if (!turn.request.id.empty()) message.set("x-request-id", turn.request.id);
    for (const auto& [name, value] : response.fields) message.insert(name, value);
    message.keep_alive(turn.keep_alive);
    turn.log = response.log;
  }

  asio::awaitable<bool> answer(Turn& turn, http::Response response) {
    turn.keep_alive = turn.keep_alive && !shared_->draining;
    beast::http::response<beast::http::string_body> message;
    fill_head(message, turn, response);
    message.body() = std::move(response.body);
    turn.sent = turn.head_only ? 0 : message.body().size();
    message.prepare_payload();
    error_code error;
    expires_after(shared_->limits.write_time);
    if (turn.head_only) {
      beast::http::response_serializer<beast::http::string_body> serializer(message);
      co_await beast::http::async_write_header(stream_, serializer, into(error));
    } else {
      co_await beast::http::async_write(stream_, message, into(error));
    }
    turn.status = error ? 499 : response.status;
    complete(turn);
    co_return !error && turn.keep_alive;
  }

  asio::awaitable<bool> refuse(Turn& turn, int status, std::string_view reason) {
    if (status < 0) co_return false;
    turn.keep_alive = false;
    if (turn.request.id.empty()) turn.request.id = random_id();
    co_return co_await answer(turn, shared_->handler.refuse(turn.request, status, reason));
  }

  asio::awaitable<bool> answer_in_pieces(Turn& turn, Exchange& exchange, Exchange::Next next) {
    beast::http::response<beast::http::empty_body> message;
    turn.keep_alive = turn.keep_alive && !turn.http_1_0 && !shared_->draining;
    fill_head(message, turn, *next.head);
    turn.status = next.head->status;
    if (!turn.http_1_0) message.chunked(true);
    error_code error;
    expires_after(shared_->limits.write_time);
    beast::http::response_serializer<beast::http::empty_body> serializer(message);
    co_await beast::http::async_write_header(stream_, serializer, into(error));
    while (!error) {
      if (next.log) turn.log = std::move(*next.log);
      if (!next.piece.empty()) co_await write_piece(turn, next.piece, error);
      if (error || next.broken || next.ended) break;
      next = exchange.take();
      if (!next.empty()) continue;
      error_code ignored;
      exchange.changed().expires_after(kLook);
      co_await exchange.changed().async_wait(into(ignored));
      if (!client_waits()) co_return false;
    }
    if (error || next.broken) co_return false;
    if (!turn.http_1_0) co_await asio::async_write(stream_, beast::http::make_chunk_last(), into(error));
    co_return !error && turn.keep_alive;
  }

  asio::awaitable<void> write_piece(Turn& turn, const std::string& piece, error_code& error) {
    if (turn.head_only) co_return;
    turn.sent += piece.size();
    expires_after(shared_->limits.write_time);
    if (turn.http_1_0) {
      co_await asio::async_write(stream_, asio::buffer(piece), into(error));
    } else {
      co_await asio::async_write(stream_, beast::http::make_chunk(asio::buffer(piece)), into(error));
    }
  }

  void complete(const Turn& turn) {
    const double seconds = std::chrono::duration<double>(Clock::now() - turn.begin).count();
    shared_->handler.completed({turn.request, turn.status, turn.received, turn.sent, turn.log, seconds});
  }

  std::shared_ptr<asio::io_context> io_;  // before the members that use it
  std::shared_ptr<TlsContext> tls_;
  std::shared_ptr<Shared> shared_;
  Stream stream_;
  asio::steady_timer timer_;
  beast::flat_buffer buffer_;
  std::string address_;
  bool idle_ = false, timed_out_ = false;
};

template <class Stream>
std::shared_ptr<Connection> start(Stream stream, std::shared_ptr<TlsContext> tls, std::shared_ptr<Shared> shared,
                                  std::shared_ptr<boost::asio::io_context> io, std::function<void()> ended) {
  const auto connection =
      std::make_shared<ServedConnection<Stream>>(std::move(stream), std::move(tls), std::move(shared), std::move(io));
  asio::co_spawn(
      connection->executor(), [connection] { return connection->run(); },
      [connection, ended = std::move(ended)](const std::exception_ptr&) {
        connection->cut();
        ended();
      });
  return connection;
}

}  // namespace

std::shared_ptr<Connection> serve(int socket, const asio::any_io_executor& strand, std::shared_ptr<TlsContext> tls,
                                  std::shared_ptr<Shared> shared, std::shared_ptr<boost::asio::io_context> io,
                                  std::function<void()> ended) {
  Plain plain(strand);
  plain.assign(asio::generic::stream_protocol(AF_INET, IPPROTO_TCP), socket);
  if (!tls) return start(std::move(plain), nullptr, std::move(shared), std::move(io), std::move(ended));
  TlsContext& context = *tls;
  return start(Secure(std::move(plain), context), std::move(tls), std::move(shared), std::move(io), std::move(ended));
}

}  // namespace e5v::net
