#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net/server.h"

namespace e5v::net {

/// A server of images, and of what can be wrong with them: the other side of a fetcher.
///   /image         the image                       /large?bytes=N  a body of N bytes
///   /redirect?URL  a redirect to a URL             /loop           a redirect to itself
///   /endless       a body without an end           /slow           a body of a byte at a time
///   /cut           a body that ends too early      /hold           no answer until release()
///   /text          a body that is no image         anything else   status 404
class Origin : public http::Handler {
 public:
  explicit Origin(std::string image, ServerOptions options = {.listen = {"127.0.0.1:0"}})
      : image_(std::move(image)), server_(options, *this) {
    server_.start();
  }
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;
  ~Origin() override {
    release();
    server_.stop();
  }

  /// "http://127.0.0.1:PORT/image", or the same under another name of the host.
  std::string url(const std::string& path, const std::string& host = "127.0.0.1") const {
    return server_.addresses().front().substr(0, server_.addresses().front().find("//") + 2) + place(host) + path;
  }
  /// "127.0.0.1:PORT", as lists of hosts have it.
  std::string place(const std::string& host = "127.0.0.1") const {
    const std::string address = server_.addresses().front();
    return host + address.substr(address.rfind(':'));
  }
  int requests() const { return requests_; }
  std::string last_fields() {
    const std::lock_guard lock(mutex_);
    return fields_;
  }
  /// Waits until this number of requests is held. Returns false if that takes too long.
  bool wait_for_held(std::size_t count, std::chrono::milliseconds time = std::chrono::seconds(5)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [&] { return held_.size() >= count; });
  }
  /// Waits until the client of a request that is held has gone away.
  bool wait_for_gone() {
    for (int i = 0; i < 500; ++i) {
      {
        const std::lock_guard lock(mutex_);
        for (const auto& [responder, gone] : held_) {
          if (gone.stop_requested()) return true;
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    for (const auto& [responder, gone] : held_) responder->send({.type = "image/png", .body = image_});
    held_.clear();
  }

  std::variant<http::BodyLimit, http::Response> admit(const http::Request&) override { return http::BodyLimit{0}; }
  void handle(http::Request request, std::shared_ptr<http::Responder> responder) override {
    ++requests_;
    {
      const std::lock_guard lock(mutex_);
      fields_.clear();
      for (const auto& [name, value] : request.fields) fields_ += name + ": " + value + "\n";
    }
    if (request.path == "/image") return responder->send({.type = "image/png", .body = image_});
    if (request.path == "/text") return responder->send({.type = "image/png", .body = "no image"});
    if (request.path == "/large")
      return responder->send({.body = std::string(std::stoul(request.query.substr(6)), 'x')});
    if (request.path == "/redirect") return redirect(*responder, http::percent_decoded(request.query));
    if (request.path == "/loop") return redirect(*responder, "/loop");
    if (request.path == "/cut") return responder->begin({})->write("begun");
    if (request.path == "/endless") return write_on(request, *responder, std::string(1 << 16, 'x'), 0);
    if (request.path == "/slow") return write_on(request, *responder, "x", 20);
    if (request.path == "/hold") {
      const std::lock_guard lock(mutex_);
      held_.emplace_back(std::move(responder), request.gone);
      return changed_.notify_all();
    }
    responder->send({.status = 404, .type = "text/plain", .body = "nothing here"});
  }
  http::Response refuse(const http::Request&, int status, std::string_view) override { return {status}; }
  void completed(const http::Completed&) override {}

 private:
  static void redirect(http::Responder& responder, const std::string& url) {
    http::Response response{.status = 302, .type = "text/html", .body = "elsewhere"};
    response.fields.add("Location", url);
    responder.send(std::move(response));
  }
  void write_on(const http::Request& request, http::Responder& responder, std::string piece, int pause) {
    const std::lock_guard lock(mutex_);
    writers_.emplace_back([stream = responder.begin({}), gone = request.gone, piece = std::move(piece), pause] {
      for (int i = 0; i < 4000 && !gone.stop_requested(); ++i) {
        stream->write(piece);
        std::this_thread::sleep_for(std::chrono::milliseconds(pause + 1));
      }
    });
  }

  const std::string image_;
  std::atomic<int> requests_ = 0;
  std::mutex mutex_;  // of the members below
  std::condition_variable changed_;
  std::string fields_;
  std::vector<std::pair<std::shared_ptr<http::Responder>, std::stop_token>> held_;
  std::vector<std::jthread> writers_;
  Server server_;  // ends before what its requests use
};

}  // namespace e5v::net
