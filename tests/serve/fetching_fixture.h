#pragma once
#include "net/curl_fetcher.h"
#include "net/origin.h"
#include "serve/service_fixture.h"

namespace e5v::serve {

/// A fetcher that may fetch from some hosts, as far as these have the address 127.0.0.1.
class LoopbackFetcher : public http::Fetcher {
 public:
  LoopbackFetcher(const std::string& host, std::chrono::milliseconds time) {
    options_.time = time;
    options_.may_connect = [](const net::IpAddress& address) { return address.to_string() == "127.0.0.1"; };
    allow(host);
  }
  void allow(const std::string& host) {
    options_.hosts.add(host);
    fetcher_ = std::make_unique<net::CurlFetcher>(options_);
  }
  http::FetchProblem check(const std::string& url) const override { return fetcher_->check(url); }
  void fetch(http::FetchRequest request, Done done) override { fetcher_->fetch(std::move(request), std::move(done)); }
  http::FetchCounters counters() const override { return fetcher_->counters(); }

 private:
  net::FetchOptions options_;
  std::unique_ptr<net::CurlFetcher> fetcher_;
};

/// What a service needs before it begins: an origin with the golden image on loopback, and what fetches from it.
struct OriginAndFetcher {
  explicit OriginAndFetcher(std::chrono::milliseconds time) : fetcher(origin.place(), time) {}

  net::Origin origin{read_file(test::golden("images/img18_dark_90x60.png"))};
  LoopbackFetcher fetcher;
};

/// A service that may fetch images from the origin.
class FetchingServiceTest : public OriginAndFetcher, public ServiceTest {
 protected:
  explicit FetchingServiceTest(std::chrono::milliseconds time = std::chrono::seconds(10))
      : OriginAndFetcher(time), ServiceTest({.images = {.max_bytes = 100'000, .fetcher = &fetcher}}) {}

  /// To be called before the first request.
  void also_allow(const std::string& host) { fetcher.allow(host); }
  /// What the library gives for the golden image.
  static std::vector<float> image_vector() { return embedded({golden_image_input()}).front(); }
};

}  // namespace e5v::serve
