#pragma once
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "http/fetcher.h"
#include "net/address_policy.h"
#include "net/host_list.h"

namespace e5v::net {

/// What may be fetched, and what that may cost.
struct FetchOptions {
  HostList hosts = {};
  AddressPolicy may_connect = is_public;          ///< asked about each address before it is connected to
  std::filesystem::path certificates = {};        ///< PEM of the authorities that are trusted; empty: the system's
  std::chrono::milliseconds connect_time{5'000};  ///< for one connection, its host's name included
  std::chrono::milliseconds time{20'000};         ///< for a fetch, from fetch() to its end
  std::size_t held_bytes = std::size_t{1} << 30;  ///< of all bodies that are fetched or still used
  int redirects = 3;
  int at_a_time = 64;         ///< fetches that have connections
  int client_at_a_time = 16;  ///< of these, for one client
  int waiting = 4096;         ///< further fetches; more are refused as busy
};

/// Fetches over libcurl, all on one thread. Redirects are followed by hand, because each of them is checked like the
/// first URL. No proxy, cookie or password of the environment is used, and no compressed body is asked for.
class CurlFetcher : public http::Fetcher {
 public:
  explicit CurlFetcher(FetchOptions options);
  CurlFetcher(const CurlFetcher&) = delete;
  CurlFetcher& operator=(const CurlFetcher&) = delete;
  /// Cancels what is under way.
  ~CurlFetcher() override;

  http::FetchProblem check(const std::string& url) const override;
  void fetch(http::FetchRequest request, Done done) override;
  http::FetchCounters counters() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace e5v::net
