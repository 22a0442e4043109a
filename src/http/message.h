#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// HTTP messages and the interface of a handler, independent of the library that reads and writes messages.
namespace e5v::http {

/// Header fields in the order of the message. Names are compared case-insensitively.
class Fields {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  /// Returns the value of the first field with this name, or an empty text.
  std::string_view find(std::string_view name) const;
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// A request.
struct Request {
  std::string method = {};  ///< "POST"
  std::string path = {};    ///< without the query, percent-decoded: "/v1/embeddings"
  std::string query = {};   ///< after the "?", as it was sent
  Fields fields = {};
  std::string body = {};      ///< empty in Handler::admit()
  std::string address = {};   ///< the client's address: "127.0.0.1", "::1", or "unix" for a Unix socket
  std::string id = {};        ///< its x-request-id if that is a word of at most 128 characters, otherwise a random one
  std::stop_token gone = {};  ///< stop is requested if the client disconnects
};

/// A response.
struct Response {
  int status = 200;
  std::string type = "application/json";  ///< the media type of the body
  std::string body = {};
  std::string log = {};  ///< not sent: additional members for the line in the access log, as JSON: "\"items\":3"
  /// Header fields in addition to Content-Type, Content-Length, Connection and x-request-id, which the server sets.
  Fields fields = {};
};

/// The body of a response that is sent in pieces. Thread-safe.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  /// Queues bytes for sending and returns at once. If the client has disconnected, they are dropped.
  virtual void write(std::string bytes) = 0;
  /// Replaces Response::log of the head, for members that are known at the end only.
  virtual void set_log(std::string log) = 0;
  /// Ends the body. If the object is destroyed without this call, the connection is closed, so that the client can
  /// detect the incomplete body.
  virtual void end() = 0;
};

/// Sends the response to one request. Thread-safe. If the object is destroyed before a response was sent, the client
/// gets status 500.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void send(Response response) = 0;
  /// Begins a response whose body is sent in pieces. The body of `head` must be empty.
  virtual std::shared_ptr<BodyStream> begin(Response head) = 0;
  /// Executes `work` on a thread of the server. The compute thread calls this function, so that it need not write
  /// responses.
  virtual void defer(std::function<void()> work) = 0;
};

/// A request and its response, for logs and counters.
struct Completed {
  const Request& request;
  int status = 0;                      ///< the status of the response; 499 if the client disconnected before it
  std::size_t received = 0, sent = 0;  ///< size of the bodies in bytes
  std::string_view log = {};           ///< Response::log
  double seconds = 0;                  ///< from the first byte of the request to the last byte of the response
};

/// The maximum size of a request's body in bytes.
struct BodyLimit {
  std::size_t bytes = 0;
};

/// Handles requests. The functions are called from several threads at once and must not throw.
class Handler {
 public:
  virtual ~Handler() = default;
  /// Checks a request before its body is read. Returns the maximum size of the body, or the response if the request is
  /// refused.
  virtual std::variant<BodyLimit, Response> admit(const Request& head) = 0;
  virtual void handle(Request request, std::shared_ptr<Responder> responder) = 0;
  /// Returns the response to a request that the HTTP layer refuses. `head` may be incomplete.
  virtual Response refuse(const Request& head, int status, std::string_view reason) = 0;
  virtual void completed(const Completed& exchange) = 0;
};

/// Returns the media type of a Content-Type, which has any case, in lower case and without its parameters.
std::string media_type(std::string_view content_type);
/// Returns the percent-decoded value of the first key with this name in a query string. A key without "=" has an empty
/// value.
std::optional<std::string> query_value(std::string_view query, std::string_view key);
/// Decodes "%41+" to "A+". A "%" without two hexadecimal digits after it is not changed.
std::string percent_decoded(std::string_view text);

}  // namespace e5v::http
