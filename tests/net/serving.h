#pragma once
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "http/message.h"
#include "net/client.h"
#include "net/server.h"

namespace e5v::net {

/// A handler that answers what it got. Paths: /no is refused, /hold waits until release(), /pieces comes in three,
/// /drop gets no answer.
class Echo : public http::Handler {
 public:
  std::variant<http::BodyLimit, http::Response> admit(const http::Request& head) override {
    if (head.path == "/no") return http::Response{401, "text/plain", "no key"};
    return http::BodyLimit{1000};
  }
  void handle(http::Request request, std::shared_ptr<http::Responder> responder) override {
    if (request.path == "/drop") return;
    if (request.path == "/pieces") {
      const auto stream = responder->begin({200, "text/plain", "", R"("pieces":0)"});
      for (const char* piece : {"one ", "two ", "three"}) stream->write(piece);
      stream->set_log(R"("pieces":3)");
      if (request.query != "broken") stream->end();
      return;
    }
    if (request.path == "/hold") {
      const std::lock_guard lock(mutex_);
      held_.push_back({responder, request.gone});
      changed_.notify_all();
      return;
    }
    responder->send(
        {200, "text/plain", request.method + " " + request.path + " " + request.query + " [" + request.body + "]"});
  }
  http::Response refuse(const http::Request&, int status, std::string_view reason) override {
    return {status, "text/plain", std::string(reason)};
  }
  void completed(const http::Completed& exchange) override {
    const std::lock_guard lock(mutex_);
    statuses_.push_back(exchange.status);
    logs_.emplace_back(exchange.log);
    changed_.notify_all();
  }

  /// Waits until this number of requests is held.
  bool wait_for_held(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(5), [&] { return held_.size() >= count; });
  }
  bool wait_for_status(int status) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(5),
                             [&] { return std::ranges::find(statuses_, status) != statuses_.end(); });
  }
  bool wait_for_log(std::string_view log) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(5),
                             [&] { return std::ranges::find(logs_, log) != logs_.end(); });
  }
  std::stop_token gone() {
    const std::lock_guard lock(mutex_);
    return held_.front().gone;
  }
  void release() {
    std::vector<Held> held;
    {
      const std::lock_guard lock(mutex_);
      held.swap(held_);
    }
    for (const Held& one : held) one.responder->send({200, "text/plain", "released"});
  }

 private:
  struct Held {
    std::shared_ptr<http::Responder> responder;
    std::stop_token gone;
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Held> held_;
  std::vector<int> statuses_;
  std::vector<std::string> logs_;
};

/// A server with it.
class Serving : public testing::Test {
 protected:
  void start(Limits limits = {}) {
    server_.emplace(ServerOptions{.listen = {"127.0.0.1:0"}, .limits = limits}, echo_);
    server_->start();
  }
  std::string address() const { return server_->addresses().front(); }
  /// What one request gets, on a connection of its own.
  std::string ask(std::string_view request, std::string_view end = "<end>") {
    Client client(address());
    client.send(request);
    return client.read(end);
  }

  Echo echo_;
  std::optional<Server> server_;
};

}  // namespace e5v::net
