#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

/// What a server gets from other servers: an interface without the library that does it.
namespace e5v::http {

/// Why nothing was fetched.
enum class FetchProblem {
  none,
  url,          ///< it is no http or https URL, or it has a user name
  host,         ///< nothing may be fetched from its host
  redirect,     ///< it redirects to a URL that may not be fetched, or too often
  address,      ///< its host has an address that may not be connected to
  unreachable,  ///< its host has no address, or does not answer there
  tls,          ///< its host has no valid certificate
  status,       ///< the answer has another status than 200
  size,         ///< the answer is too large
  time,         ///< it took too long
  broken,       ///< the connection ended before the answer did
  busy,         ///< other fetches take all connections or all memory
  cancelled,
};
inline constexpr std::array<const char*, 13> kFetchProblemNames = {
    "none",   "url",  "host", "redirect", "address", "unreachable", "tls",
    "status", "size", "time", "broken",   "busy",    "cancelled"};

/// What a fetch has come to.
struct Fetched {
  FetchProblem problem = FetchProblem::none;
  int status = 0;                                     ///< of the answer; 0 when there is none
  std::shared_ptr<const std::string> body = nullptr;  ///< null when there is a problem. Its memory counts until it ends
};

/// A request. With a method, it is sent with its fields and content, redirects are not followed, and answers of all
/// statuses have a body; without one, it is a GET, and only an answer with the status 200 has a body.
struct FetchRequest {
  std::string url;
  std::size_t max_bytes = 0;  ///< of the body
  std::string client = {};    ///< on whose behalf: no client takes all connections
  std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;
  std::stop_token cancel = {};
  std::string method = {};
  std::vector<std::string> fields = {};  ///< "Name: value"
  std::string content = {};
};

/// What a fetcher has done.
struct FetchCounters {
  std::array<std::int64_t, kFetchProblemNames.size()> ended{};  ///< fetches by FetchProblem
  std::int64_t bytes = 0;                                       ///< of bodies
  double seconds = 0;                                           ///< that fetches took, summed
  std::int64_t waiting = 0, active = 0;                         ///< now
};

/// Fetches what URLs name. Safe to use from several threads.
class Fetcher {
 public:
  using Done = std::function<void(Fetched)>;
  virtual ~Fetcher() = default;
  /// Whether a URL may be fetched, as far as the URL itself says: none, url or host.
  virtual FetchProblem check(const std::string& url) const = 0;
  /// Returns at once. `done` is called once, later, on the fetcher's thread, which it must not hold up.
  virtual void fetch(FetchRequest request, Done done) = 0;
  virtual FetchCounters counters() const = 0;
};

}  // namespace e5v::http
