#pragma once
#include <functional>
#include <mutex>
#include <utility>
#include <variant>

#include "base/json.h"
#include "net/server.h"

namespace e5v::test {

/// A server whose answers a function makes, of requests with JSON.
class JsonServer : public http::Handler {
 public:
  using Answer = std::function<std::pair<int, Json>(const http::Request&, const Json& content)>;

  explicit JsonServer(Answer answer) : answer_(std::move(answer)), server_({.listen = {"127.0.0.1:0"}}, *this) {
    server_.start();
  }
  JsonServer(const JsonServer&) = delete;
  JsonServer& operator=(const JsonServer&) = delete;
  ~JsonServer() override { server_.stop(); }

  /// "127.0.0.1:PORT".
  std::string place() const { return server_.addresses().front().substr(server_.addresses().front().find("//") + 2); }

  std::variant<http::BodyLimit, http::Response> admit(const http::Request&) override {
    return http::BodyLimit{std::size_t{64} << 20};
  }
  void handle(http::Request request, std::shared_ptr<http::Responder> responder) override {
    const std::lock_guard lock(mutex_);
    const Json content = request.body.empty() ? Json() : Json::parse(request.body);
    const auto [status, answer] = answer_(request, content);
    responder->send({.status = status, .body = answer.is_string() ? answer.get<std::string>() : answer.dump()});
  }
  http::Response refuse(const http::Request&, int status, std::string_view) override { return {status}; }
  void completed(const http::Completed&) override {}

 private:
  std::mutex mutex_;
  Answer answer_;
  net::Server server_;
};

}  // namespace e5v::test
