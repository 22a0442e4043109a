#include "net/transfer.h"

#include <gmock/gmock.h>

#include "origin.h"

namespace e5v::net {
namespace {

using http::Fetched;
using http::FetchProblem;

/// Fetches without a thread, so that each step can be seen.
class Transfers : public testing::Test {
 protected:
  Transfers() {
    options_.hosts = HostList({origin_.place()});
    options_.may_connect = [](const IpAddress& address) { return address.is_loopback(); };
  }
  std::unique_ptr<Transfer> transfer(const std::string& path, std::size_t max_bytes = 1 << 20) {
    return std::make_unique<Transfer>(
        options_, held_, http::FetchRequest{.url = origin_.url(path), .max_bytes = max_bytes}, nullptr, [] {});
  }
  /// The outcome of a URL, and how many requests it took.
  std::pair<Fetched, int> outcome(const std::string& path, std::size_t max_bytes = 1 << 20) {
    const auto one = transfer(path, max_bytes);
    EXPECT_EQ(one->begin(), FetchProblem::none);
    for (int requests = 1;; ++requests) {
      if (auto fetched = one->next(curl_easy_perform(one->handle()))) return {std::move(*fetched), requests};
    }
  }

  Origin origin_{"the image"};
  FetchOptions options_;
  std::shared_ptr<HeldBytes> held_ = std::make_shared<HeldBytes>(1000);
};

TEST_F(Transfers, TakeARequestForEachRedirect) {
  auto [fetched, requests] = outcome("/redirect?/redirect?/image");
  EXPECT_EQ(*fetched.body, "the image");
  EXPECT_EQ(fetched.status, 200);
  EXPECT_EQ(requests, 3);
  std::tie(fetched, requests) = outcome("/loop");
  EXPECT_EQ(fetched.problem, FetchProblem::redirect);
  EXPECT_EQ(requests, 1 + options_.redirects);
}

TEST_F(Transfers, HoldTheMemoryOfABodyAsLongAsItIsUsed) {
  Fetched first = outcome("/large?bytes=600").first;
  EXPECT_EQ(held_->bytes, 600u);
  EXPECT_EQ(outcome("/large?bytes=600").first.problem, FetchProblem::busy);
  EXPECT_EQ(held_->bytes, 600u);
  first = {};
  EXPECT_EQ(held_->bytes, 0u);
  EXPECT_EQ(outcome("/large?bytes=600").first.problem, FetchProblem::none);
}

TEST_F(Transfers, EndWhenABodyIsTooLarge) {
  EXPECT_EQ(outcome("/large?bytes=100", 100).first.problem, FetchProblem::none);
  EXPECT_EQ(outcome("/large?bytes=101", 100).first.problem, FetchProblem::size);
  EXPECT_EQ(outcome("/endless", 200'000).first.problem, FetchProblem::busy);  // before its own limit
  EXPECT_EQ(held_->bytes, 0u);
}

TEST_F(Transfers, ConnectNowhereElse) {
  options_.may_connect = [](const IpAddress&) { return false; };
  EXPECT_EQ(outcome("/image").first.problem, FetchProblem::address);
  EXPECT_EQ(origin_.requests(), 0);
  options_.hosts = HostList({"a.example"});
  EXPECT_EQ(transfer("/image")->begin(), FetchProblem::host);
}

TEST_F(Transfers, RememberARefusedAddressForOneRequest) {
  options_.may_connect = [](const IpAddress& address) { return address.to_string() == "127.0.0.1"; };
  options_.hosts.add(origin_.place("two.example"));
  options_.hosts.add("127.0.0.1:1");
  Transfer one(options_, held_,
               {.url = origin_.url("/redirect?http://127.0.0.1:1/", "two.example"), .max_bytes = 1 << 20}, nullptr,
               [] {});
  ASSERT_EQ(one.begin(), FetchProblem::none);
  const std::string addresses = origin_.place("two.example") + ":127.0.0.2,127.0.0.1";
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> resolved(
      curl_slist_append(nullptr, addresses.c_str()), curl_slist_free_all);
  curl_easy_setopt(one.handle(), CURLOPT_RESOLVE, resolved.get());
  ASSERT_FALSE(one.next(curl_easy_perform(one.handle())));
  EXPECT_EQ(one.next(curl_easy_perform(one.handle()))->problem, FetchProblem::unreachable);
}

TEST_F(Transfers, WithAMethodHaveBodiesOfAllStatusesAndFollowNothing) {
  const auto send = [&](const std::string& path) {
    http::FetchRequest request{.url = origin_.url(path), .max_bytes = 1 << 20};
    request.method = "DELETE";
    request.fields = {"X-Key: 1"};
    Transfer one(options_, held_, request, nullptr, [] {});
    EXPECT_EQ(one.begin(), FetchProblem::none);
    return one.next(curl_easy_perform(one.handle()));
  };
  const auto missing = send("/nothing");
  ASSERT_TRUE(missing.has_value());
  EXPECT_EQ(missing->problem, FetchProblem::none);
  EXPECT_EQ(missing->status, 404);
  EXPECT_NE(missing->body, nullptr);
  EXPECT_THAT(origin_.last_fields(), testing::HasSubstr("X-Key: 1"));
  EXPECT_EQ(send("/redirect?/image")->status / 100, 3);
}

TEST_F(Transfers, SayWhoTheyAreAndNothingMore) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  outcome("/image");
  ::unsetenv("http_proxy");
  EXPECT_THAT(origin_.last_fields(), testing::HasSubstr("User-Agent: e5v/"));
  EXPECT_THAT(origin_.last_fields(), testing::Not(testing::ContainsRegex("Authorization|Cookie|Accept-Encoding")));
}

}  // namespace
}  // namespace e5v::net
