#pragma once
#include <curl/curl.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/fetcher.h"
#include "net/curl_fetcher.h"
#include "net/url.h"

namespace e5v::net {

/// The memory of bodies, which all fetches share.
struct HeldBytes {
  const std::size_t limit;
  std::atomic<std::size_t> bytes = 0;
};

/// One fetch: a request of libcurl for each URL on its way.
class Transfer {
 public:
  /// `woken` is called, on any thread, when the fetch is cancelled.
  Transfer(const FetchOptions& options, std::shared_ptr<HeldBytes> held, http::FetchRequest request,
           http::Fetcher::Done done, std::function<void()> woken);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  const std::string& client() const { return request_.client; }
  bool is_cancelled() const { return request_.cancel.stop_requested(); }
  bool is_late() const { return std::chrono::steady_clock::now() >= end_; }
  double seconds() const;

  /// Makes the request of the first URL; a problem when that is not allowed.
  http::FetchProblem begin();
  /// What to give to curl_multi; its CURLINFO_PRIVATE is the transfer.
  CURL* handle() const { return easy_.get(); }
  /// What has come of the request, or nothing when another one follows: then handle() is new.
  std::optional<http::Fetched> next(CURLcode code);
  /// Tells who waits.
  void finish(http::Fetched fetched) { done_(std::move(fetched)); }

 private:
  struct Body {
    explicit Body(std::shared_ptr<HeldBytes> shared) : held(std::move(shared)) {}
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;
    ~Body() { held->bytes -= bytes.size(); }
    std::shared_ptr<HeldBytes> held;
    std::string bytes;
  };

  static std::size_t receive(char* bytes, std::size_t one, std::size_t count, void* self);
  static std::size_t receive_header(char* bytes, std::size_t one, std::size_t count, void* self);
  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
  http::FetchProblem request();
  void make_request();
  void set_method();
  std::size_t append(const char* bytes, std::size_t size);
  bool keep(const char* bytes, std::size_t size);
  long status() const;
  http::FetchProblem problem_of(CURLcode code) const;
  http::FetchProblem follow();

  const FetchOptions& options_;
  http::FetchRequest request_;
  http::Fetcher::Done done_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now(), end_;
  std::optional<Url> url_;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_{nullptr, curl_easy_cleanup};
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> fields_{nullptr, curl_slist_free_all};
  std::shared_ptr<Body> body_;
  std::size_t header_bytes_ = 0, ignored_bytes_ = 0;
  int redirects_ = 0;
  bool refused_address_ = false, too_large_ = false, no_memory_ = false;
  std::stop_callback<std::function<void()>> on_cancel_;  // last: it may be called at once
};

}  // namespace e5v::net
