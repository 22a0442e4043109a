#include "net/curl_fetcher.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <future>

#include "base/error.h"
#include "origin.h"
#include "temporary_folder.h"

namespace e5v::net {
namespace {

using http::Fetched;
using http::FetchProblem;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// An origin on loopback, and a fetcher that may connect to 127.0.0.1 alone.
class Fetching : public testing::Test {
 protected:
  Fetching() {
    options_.hosts = HostList({origin_.place(), origin_.place("localhost"), origin_.place("127.0.0.2")});
    options_.may_connect = [](const IpAddress& address) { return address.to_string() == "127.0.0.1"; };
    options_.time = seconds(5);
  }
  CurlFetcher& fetcher() {
    if (!fetcher_) fetcher_.emplace(options_);
    return *fetcher_;
  }
  std::future<Fetched> begin(http::FetchRequest request) {
    if (request.max_bytes == 0) request.max_bytes = 1 << 20;
    auto promise = std::make_shared<std::promise<Fetched>>();
    fetcher().fetch(std::move(request), [promise](Fetched fetched) { promise->set_value(std::move(fetched)); });
    return promise->get_future();
  }
  Fetched fetch(const std::string& url) { return begin({.url = url}).get(); }
  FetchProblem problem(const std::string& path) { return fetch(origin_.url(path)).problem; }

  Origin origin_{"the image"};
  FetchOptions options_;
  std::optional<CurlFetcher> fetcher_;
};

TEST_F(Fetching, BodiesComeFromHostsThatAreAllowed) {
  EXPECT_EQ(*fetch(origin_.url("/image")).body, "the image");
  EXPECT_EQ(*fetch(origin_.url("/redirect?" + origin_.url("/image", "localhost"))).body, "the image");
  const http::FetchCounters counters = fetcher().counters();
  EXPECT_EQ(counters.ended[0], 2);
  EXPECT_EQ(counters.bytes, 18);
  EXPECT_GT(counters.seconds, 0);
}

TEST_F(Fetching, WhatIsWrongHasItsProblem) {
  EXPECT_EQ(fetcher().check("http://user@127.0.0.1/"), FetchProblem::url);
  EXPECT_EQ(fetcher().check("http://other.example/"), FetchProblem::host);
  EXPECT_EQ(fetch("http://other.example/").problem, FetchProblem::host);
  EXPECT_EQ(problem("/redirect?http://other.example/"), FetchProblem::redirect);
  EXPECT_EQ(problem("/redirect?file:///a"), FetchProblem::redirect);
  EXPECT_EQ(problem("/loop"), FetchProblem::redirect);
  EXPECT_EQ(problem("/cut"), FetchProblem::broken);
  const Fetched missing = fetch(origin_.url("/missing"));
  EXPECT_EQ(missing.problem, FetchProblem::status);
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(begin({.url = origin_.url("/endless"), .max_bytes = 1000}).get().problem, FetchProblem::size);
  EXPECT_EQ(fetcher().counters().ended[static_cast<std::size_t>(FetchProblem::redirect)], 3);
}

TEST_F(Fetching, EachAddressIsCheckedAfterRedirectsToo) {
  Origin inner("secret", {.listen = {"127.0.0.2:0"}});
  options_.hosts.add(inner.place("127.0.0.2"));
  EXPECT_EQ(fetch(inner.url("/image", "127.0.0.2")).problem, FetchProblem::address);
  EXPECT_EQ(problem("/redirect?" + inner.url("/image", "127.0.0.2")), FetchProblem::address);
  EXPECT_EQ(inner.requests(), 0);
}

TEST_F(Fetching, ANameOfAPrivateAddressIsRefused) {
  options_.may_connect = is_public;
  EXPECT_EQ(fetch(origin_.url("/image", "localhost")).problem, FetchProblem::address);
  EXPECT_EQ(origin_.requests(), 0);
}

TEST_F(Fetching, TimeIsLimited) {
  options_.time = seconds(1);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(problem("/slow"), FetchProblem::time);
  EXPECT_EQ(problem("/hold"), FetchProblem::time);
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(10));
  fetcher_.reset();
  options_.time = seconds(60);
  EXPECT_EQ(
      begin({.url = origin_.url("/hold"), .deadline = std::chrono::steady_clock::now() + seconds(1)}).get().problem,
      FetchProblem::time);
}

TEST_F(Fetching, WhatIsNotWaitedForEnds) {
  options_.time = seconds(60);
  std::stop_source cancel;
  std::future<Fetched> fetched = begin({.url = origin_.url("/hold"), .cancel = cancel.get_token()});
  ASSERT_TRUE(origin_.wait_for_held(1));
  cancel.request_stop();
  EXPECT_EQ(fetched.get().problem, FetchProblem::cancelled);
  EXPECT_TRUE(origin_.wait_for_gone());
  fetched = begin({.url = origin_.url("/hold")});
  ASSERT_TRUE(origin_.wait_for_held(2));
  fetcher_.reset();
  EXPECT_EQ(fetched.get().problem, FetchProblem::cancelled);
}

TEST_F(Fetching, AClientLeavesConnectionsToOthers) {
  options_.at_a_time = 3;
  options_.client_at_a_time = 2;
  std::vector<std::future<Fetched>> all;
  for (int i = 0; i < 4; ++i) all.push_back(begin({.url = origin_.url("/hold"), .client = "a"}));
  ASSERT_TRUE(origin_.wait_for_held(2));
  EXPECT_EQ(begin({.url = origin_.url("/image"), .client = "b"}).get().problem, FetchProblem::none);
  EXPECT_FALSE(origin_.wait_for_held(3, milliseconds(300)));
  EXPECT_EQ(fetcher().counters().active, 2);
  EXPECT_EQ(fetcher().counters().waiting, 2);
  origin_.release();
  ASSERT_TRUE(origin_.wait_for_held(2));
  origin_.release();
  for (std::future<Fetched>& one : all) EXPECT_EQ(one.get().problem, FetchProblem::none);
}

TEST_F(Fetching, TooManyAreRefused) {
  options_.at_a_time = 1;
  options_.waiting = 1;
  std::future<Fetched> first = begin({.url = origin_.url("/hold")});
  ASSERT_TRUE(origin_.wait_for_held(1));
  std::future<Fetched> second = begin({.url = origin_.url("/image")});
  EXPECT_EQ(fetch(origin_.url("/image")).problem, FetchProblem::busy);
  origin_.release();
  EXPECT_EQ(first.get().problem, FetchProblem::none);
  EXPECT_EQ(second.get().problem, FetchProblem::none);
}

TEST_F(Fetching, HttpsNeedsAValidCertificate) {
  const test::TemporaryFolder folder;
  const std::string command = fmt::format(
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 "
      "-addext subjectAltName=IP:127.0.0.1 -keyout {0}/key.pem -out {0}/cert.pem 2>/dev/null",
      folder.path().string());
  ASSERT_EQ(std::system(command.c_str()), 0);
  const Origin secure(
      "the image",
      {.listen = {"127.0.0.1:0"}, .certificate = folder.path() / "cert.pem", .key = folder.path() / "key.pem"});
  options_.hosts.add(secure.place());
  EXPECT_EQ(fetch(secure.url("/image")).problem, FetchProblem::tls);
  fetcher_.reset();
  options_.certificates = folder.path() / "cert.pem";
  EXPECT_EQ(*fetch(secure.url("/image")).body, "the image");
}

}  // namespace
}  // namespace e5v::net
