#include "net/connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <exception>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/random_id.h"
#include "http/client_network.h"
#include "net/beast_message.h"
#include "net/listener.h"
#include "net/outbox.h"
#include "net/timed_stream.h"

namespace e5v::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Clock = std::chrono::steady_clock;
using boost::system::error_code;

using Parser = beast::http::request_parser<beast::http::string_body>;

/// The interval at which a connection checks whether its client has disconnected.
constexpr std::chrono::milliseconds kLook{100};

/// Counts a request in Shared::exchanges while the object exists.
class CountedExchange {
 public:
  explicit CountedExchange(Shared& shared) : shared_(shared) { ++shared_.exchanges; }
  CountedExchange(const CountedExchange&) = delete;
  CountedExchange& operator=(const CountedExchange&) = delete;
  ~CountedExchange() { --shared_.exchanges; }

 private:
  Shared& shared_;
};

/// A request and the state of its response. The destructor tells the handler that the request has ended.
struct Turn {
  Turn(http::Handler& its_handler, Clock::time_point its_begin) : handler(its_handler), begin(its_begin) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (status == 0) status = std::uncaught_exceptions() > 0 ? 500 : 499;
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    handler.completed({request, status, received, sent, log, seconds});
  }

  http::Handler& handler;
  const Clock::time_point begin;
  http::Request request = {};
  std::size_t received = 0, sent = 0;
  int status = 0;  ///< 0 as long as there is no response
  std::string log = {};
  bool head_only = false, keep_alive = false, http_1_0 = false;
};

template <class Stream>
class ServedConnection : public Connection, public std::enable_shared_from_this<ServedConnection<Stream>> {
 public:
  ServedConnection(Stream stream, std::shared_ptr<TlsContext> tls, std::shared_ptr<Shared> shared,
                   std::shared_ptr<boost::asio::io_context> io)
      : io_(std::move(io)),
        tls_(std::move(tls)),
        shared_(std::move(shared)),
        stream_(std::make_shared<TimedStream<Stream>>(std::move(stream))),
        buffer_(shared_->limits.header_bytes + 2 * kReadAtOnce) {}

  void close_if_idle() override {
    if (idle_) cut();
  }
  void cut() override { stream_->close(); }
  asio::any_io_executor executor() override { return stream_->get().get_executor(); }

  /// Serves requests until the client disconnects or a limit is exceeded.
  asio::awaitable<void> run() {
    const auto self = this->shared_from_this();
    address_ = peer_address(stream_->socket().native_handle());
    network_ = http::network_of(address_);
    if (co_await stream_->shake_hands(shared_->limits.header_time)) {
      while (co_await serve_one()) {
      }
      co_await stream_->shut_down(std::chrono::seconds(2), std::size_t{1} << 20);
    }
    cut();
  }

 private:
  static constexpr std::size_t kReadAtOnce = TimedStream<Stream>::kReadAtOnce;

  /// Reads one request and sends its response. Returns whether another request may follow.
  asio::awaitable<bool> serve_one() {
    if (!co_await wait_for_request()) co_return false;
    const Clock::time_point begin = Clock::now();
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(shared_->limits.header_bytes));
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // read_body() enforces the limit of the route
    const int unread = co_await read_header(parser);
    if (unread < 0) co_return false;
    Turn turn(shared_->handler, begin);
    turn.request.address = address_;
    if (unread > 0) co_return co_await refuse(turn, unread, reason_of(unread));
    read_head(parser, turn);
    std::variant<http::BodyLimit, http::Response> admitted = shared_->handler.admit(turn.request);
    if (auto* response = std::get_if<http::Response>(&admitted)) {
      turn.keep_alive = turn.keep_alive && parser.is_done();
      co_return co_await answer(turn, std::move(*response));
    }
    const CountedExchange counted(*shared_);
    Share share({shared_, &shared_->bodies}, network_);
    const std::size_t limit = std::get<http::BodyLimit>(admitted).bytes;
    const int refused = co_await read_body(parser, limit, share);
    turn.received = parser.get().body().size();
    if (refused < 0) co_return false;
    if (refused > 0) co_return co_await refuse(turn, refused, reason_of(refused));
    turn.request.body = std::move(parser.get().body());
    co_return co_await handle(turn);
  }

  asio::awaitable<bool> wait_for_request() {
    if (shared_->draining) co_return false;
    if (buffer_.size() > 0) co_return true;
    error_code error;
    idle_ = true;
    stream_->expires_after(shared_->limits.idle_time);
    const std::size_t read = co_await stream_->get().async_read_some(buffer_.prepare(kReadAtOnce), into(error));
    idle_ = false;
    buffer_.commit(read);
    co_return !error;
  }

  static std::string reason_of(int status) {
    switch (status) {
      case 408: return "the request took too long to arrive";
      case 413: return "the body of the request is too large";
      case 431: return "the header of the request or of a chunk is too large";
      case 503: return "the bodies of other requests take all memory that there is for them";
      default: return "the request is not valid HTTP/1.1";
    }
  }

  /// Returns 0, the status of an error response, or -1 if the client has disconnected.
  asio::awaitable<int> read_header(Parser& parser) {
    error_code error;
    stream_->expires_after(shared_->limits.header_time);
    co_await beast::http::async_read_header(stream_->get(), buffer_, parser, into(error));
    co_return status_of(error);
  }

  int status_of(const error_code& error) const {
    if (!error) return 0;
    if (stream_->timed_out()) return 408;
    if (error == beast::http::error::header_limit || error == beast::http::error::buffer_overflow) return 431;
    if (error == beast::http::error::end_of_stream || error == beast::http::error::partial_message) return -1;
    if (error.category() == beast::http::make_error_code(beast::http::error::bad_method).category()) return 400;
    return -1;
  }

  void read_head(const Parser& parser, Turn& turn) const {
    const auto& message = parser.get();
    turn.request = request_of(message);
    turn.request.address = address_;
    turn.keep_alive = message.keep_alive();
    turn.http_1_0 = message.version() < 11;
    turn.head_only = turn.request.method == "HEAD";
  }

  /// Returns the same as read_header().
  asio::awaitable<int> read_body(Parser& parser, std::size_t limit, Share& share) {
    if (parser.is_done()) co_return 0;
    const auto length = parser.content_length();
    if (length && *length > limit) co_return 413;
    error_code error;
    stream_->expires_after(shared_->limits.body_time);
    if (beast::iequals(parser.get()[beast::http::field::expect], "100-continue")) {
      const beast::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(stream_->get(), asio::buffer(line.data(), line.size()), into(error));
    }
    while (!error && !parser.is_done()) {
      co_await beast::http::async_read_some(stream_->get(), buffer_, parser, into(error));
      const std::size_t size = parser.get().body().size();
      if (size > limit) co_return 413;
      if (!share.resize(size)) co_return 503;  // only what has arrived counts: clients announce anything
    }
    co_return status_of(error);
  }

  /// Passes the request to the handler and sends the response.
  asio::awaitable<bool> handle(Turn& turn) {
    const auto outbox = std::make_shared<Outbox>(executor(), io_, Share({shared_, &shared_->answers}, network_));
    std::stop_source gone;
    turn.request.gone = gone.get_token();
    std::string body = std::exchange(turn.request.body, {});
    http::Request request = turn.request;  // a copy without the body: the log needs the rest
    request.body = std::move(body);
    shared_->handler.handle(std::move(request), make_responder(outbox));
    bool fine = true;
    Outbox::Next next;
    while (fine && next.empty()) {
      next = outbox->take();
      if (!next.empty()) break;
      fine = co_await wait_for_change(*outbox);
    }
    if (fine && next.streams) {
      fine = co_await answer_in_pieces(turn, *outbox, std::move(next));
    } else if (fine) {
      fine = co_await answer(turn, whole_answer(turn, std::move(next)));
      outbox->close();
      co_return fine;
    }
    if (!fine) gone.request_stop();
    outbox->close();
    co_return fine;
  }

  /// Waits until data are added, or for a short time. Returns whether the client is still connected.
  asio::awaitable<bool> wait_for_change(Outbox& outbox) {
    error_code ignored;
    outbox.changed().expires_after(kLook);
    co_await outbox.changed().async_wait(into(ignored));
    co_return stream_->is_awaited();
  }

  http::Response whole_answer(const Turn& turn, Outbox::Next next) {
    if (next.head) return std::move(*next.head);
    if (!next.dropped) return shared_->handler.refuse(turn.request, 500, "the request was not answered");
    return shared_->handler.refuse(turn.request, 503,
                                   "the answers to other requests take all memory that there is for them");
  }

  template <class Message>
  void fill_head(Message& message, Turn& turn, const http::Response& response) const {
    message.version(turn.http_1_0 ? 10 : 11);
    fill(message, response, turn.request.id);
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
    beast::http::response_serializer<beast::http::string_body> serializer(message);
    error_code error;
    co_await stream_->write_message(serializer, turn.head_only, shared_->limits.write_time, error);
    turn.status = error ? 499 : response.status;
    co_return !error && turn.keep_alive;
  }

  asio::awaitable<bool> refuse(Turn& turn, int status, std::string_view reason) {
    turn.keep_alive = false;
    if (turn.request.id.empty()) turn.request.id = random_id();
    co_return co_await answer(turn, shared_->handler.refuse(turn.request, status, reason));
  }

  asio::awaitable<bool> answer_in_pieces(Turn& turn, Outbox& outbox, Outbox::Next next) {
    const std::chrono::milliseconds time = shared_->limits.write_time;
    beast::http::response<beast::http::empty_body> message;
    turn.keep_alive = turn.keep_alive && !turn.http_1_0 && !shared_->draining;
    fill_head(message, turn, *next.head);
    turn.status = next.head->status;
    const bool chunked = !turn.http_1_0;
    if (chunked) message.chunked(true);
    error_code error;
    beast::http::response_serializer<beast::http::empty_body> serializer(message);
    co_await stream_->write_message(serializer, true, time, error);
    while (!error) {
      if (next.log) turn.log = std::move(*next.log);
      if (!turn.head_only) {
        turn.sent += next.piece.size();
        co_await stream_->write_piece(next.piece, chunked, time, error);
      }
      if (error || next.broken || next.ended) break;
      next = outbox.take();
      if (next.empty() && !co_await wait_for_change(outbox)) co_return false;
    }
    if (error || next.broken) co_return false;
    if (chunked && !turn.head_only)
      co_await asio::async_write(stream_->get(), beast::http::make_chunk_last(), into(error));
    co_return !error && turn.keep_alive;
  }

  std::shared_ptr<asio::io_context> io_;  // before the members that use it
  std::shared_ptr<TlsContext> tls_;
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<TimedStream<Stream>> stream_;
  beast::flat_buffer buffer_;
  std::string address_, network_;
  bool idle_ = false;
};

/// Logs the exception that has ended a connection, if any.
void log_problem(const std::exception_ptr& problem) {
  if (!problem) return;
  try {
    std::rethrow_exception(problem);
  } catch (const std::exception& error) {
    log_warning("[connection] a request was not answered: {}", error.what());
  }
}

template <class Stream>
std::shared_ptr<Connection> start(Stream stream, std::shared_ptr<TlsContext> tls, std::shared_ptr<Shared> shared,
                                  std::shared_ptr<boost::asio::io_context> io, std::function<void()> ended) {
  const auto connection =
      std::make_shared<ServedConnection<Stream>>(std::move(stream), std::move(tls), std::move(shared), std::move(io));
  asio::co_spawn(
      connection->executor(), [connection] { return connection->run(); },
      [connection, ended = std::move(ended)](const std::exception_ptr& problem) {
        connection->cut();
        log_problem(problem);
        ended();
      });
  return connection;
}

}  // namespace

std::shared_ptr<Connection> serve(int socket, const asio::any_io_executor& strand, std::shared_ptr<TlsContext> tls,
                                  std::shared_ptr<Shared> shared, std::shared_ptr<boost::asio::io_context> io,
                                  std::function<void()> ended) {
  PlainStream plain(strand);
  error_code error;
  plain.assign(asio::generic::stream_protocol(AF_INET, IPPROTO_TCP), socket, error);
  if (error) {
    ::close(socket);
    fail<DeviceError>("[socket {}] cannot be watched: {}", socket, error.message());
  }
  if (!tls) return start(std::move(plain), nullptr, std::move(shared), std::move(io), std::move(ended));
  TlsContext& context = *tls;
  return start(TlsStream(std::move(plain), context), std::move(tls), std::move(shared), std::move(io),
               std::move(ended));
}

}  // namespace e5v::net
