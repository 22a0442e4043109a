#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// HTTP as the server sees it: messages without the library that reads and writes them.
namespace e5v::http {

/// Header fields in their order. Names are compared without regard to case.
class Fields {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  /// The value of the first field of a name; empty when there is none.
  std::string_view find(std::string_view name) const;
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// What a client asks for.
struct Request {
  std::string method = {};  ///< "POST"
  std::string path = {};    ///< without the query, percent-decoded: "/v1/embeddings"
  std::string query = {};   ///< after the "?", as it was sent
  Fields fields = {};
  std::string body = {};     ///< empty while a request is admitted
  std::string address = {};  ///< of the client: "127.0.0.1", "::1"; "unix" for a Unix socket
  std::string id = {};       ///< its x-request-id when that is a plain word of at most 128 characters, else one of ours
  std::stop_token gone = {};  ///< stop is requested when the client has gone away
};

/// What it gets.
struct Response {
  int status = 200;
  std::string type = "application/json";  ///< of the body
  std::string body = {};
  std::string log = {};  ///< not sent: further members of the line in the access log, as JSON: "\"items\":3"
  Fields fields = {};  ///< beside Content-Type, Content-Length, Connection, Date and x-request-id, which are set anyway
};

/// The body of a response that is sent while it is made. May be used from any thread.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  /// Sends some bytes. Returns at once; what a client has gone away from is dropped.
  virtual void write(std::string bytes) = 0;
  /// Says that nothing follows. Without it, the connection is cut, so that a client sees an incomplete body.
  virtual void end() = 0;
};

/// Answers one request, once, from any thread. A responder that is destroyed without an answer answers 500.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void send(Response response) = 0;
  /// Begins a response whose body follows; that of `head` must be empty.
  virtual std::shared_ptr<BodyStream> begin(Response head) = 0;
  /// Has a thread of the server run some work, soon: for threads that have better to do than to make the answer.
  virtual void defer(std::function<void()> work) = 0;
};

/// One request and its answer, for logs and counters.
struct Completed {
  const Request& request;
  int status = 0;                      ///< 499 when the client went away before the answer
  std::size_t received = 0, sent = 0;  ///< bytes of the bodies
  std::string_view log = {};           ///< of the response
  double seconds = 0;                  ///< from the first byte of the request to the last of the answer
};

/// The most bytes that the body of a request may have.
struct BodyLimit {
  std::size_t bytes = 0;
};

/// What is done with requests. Called from several threads at once. None of it may throw.
class Handler {
 public:
  virtual ~Handler() = default;
  /// Looks at a request before its body is read: how long a body may be, or the answer, if it is to have none.
  virtual std::variant<BodyLimit, Response> admit(const Request& head) = 0;
  virtual void handle(Request request, std::shared_ptr<Responder> responder) = 0;
  /// The response to a request that HTTP itself refuses, which may be known in part.
  virtual Response refuse(const Request& head, int status, std::string_view reason) = 0;
  virtual void completed(const Completed& exchange) = 0;
};

/// The value of a key of a query string, percent-decoded; empty when it is not there.
std::string query_value(std::string_view query, std::string_view key);
/// "%41+" as "A+"; a "%" that no two hexadecimal digits follow stays.
std::string percent_decoded(std::string_view text);

}  // namespace e5v::http
