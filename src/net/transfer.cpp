#include "net/transfer.h"

#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "e5v/version.h"

namespace e5v::net {
namespace {

using Clock = std::chrono::steady_clock;
using http::FetchProblem;

constexpr std::size_t kLongestHeader = std::size_t{64} << 10;
/// Of an answer that is no image: so much is read, so that the connection can be used again.
constexpr std::size_t kMostIgnored = std::size_t{64} << 10;
constexpr const char* kSchemes = "http,https";

bool is_redirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// Milliseconds for an option of libcurl, of which 0 would be no limit.
long milliseconds(Clock::duration time) {
  return std::max(1L, static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()));
}

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  require<DeviceError>(code == CURLE_OK, "[libcurl] option {}: {}", static_cast<int>(option), curl_easy_strerror(code));
}

}  // namespace

Transfer::Transfer(const FetchOptions& options, std::shared_ptr<HeldBytes> held, http::FetchRequest request,
                   http::Fetcher::Done done, std::function<void()> woken)
    : options_(options),
      request_(std::move(request)),
      done_(std::move(done)),
      end_(std::min(begin_ + options.time, request_.deadline.value_or(Clock::time_point::max()))),
      body_(std::make_shared<Body>(std::move(held))),
      on_cancel_(request_.cancel, std::move(woken)) {}

double Transfer::seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

FetchProblem Transfer::begin() {
  url_ = Url::parse(request_.url);
  if (!url_) return FetchProblem::url;
  if (!options_.hosts.allows(*url_)) return FetchProblem::host;
  return request();
}

/// Makes the request of url_. An exception must not reach the thread of all fetches.
FetchProblem Transfer::request() try {
  make_request();
  return FetchProblem::none;
} catch (const std::exception& error) {
  log_warning("{}", error.what());
  return FetchProblem::busy;
}

/// The request of url_. Everything that an environment or an answer could change is set.
void Transfer::make_request() {
  easy_.reset(curl_easy_init());
  CURL* const easy = easy_.get();
  require<DeviceError>(easy != nullptr, "[libcurl] cannot make a request");
  header_bytes_ = ignored_bytes_ = 0;
  refused_address_ = false;
  set(easy, CURLOPT_CURLU, url_->handle());
  set(easy, CURLOPT_PRIVATE, this);
  set(easy, CURLOPT_PROTOCOLS_STR, kSchemes);
  set(easy, CURLOPT_REDIR_PROTOCOLS_STR, kSchemes);
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_PROXY, "");
  set(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(easy, CURLOPT_USERAGENT, "e5v/" E5V_VERSION);
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_QUICK_EXIT, 1L);  // a name that is still looked up must not hold up the others
  set(easy, CURLOPT_OPENSOCKETFUNCTION, &Transfer::open_socket);
  set(easy, CURLOPT_OPENSOCKETDATA, this);
  set(easy, CURLOPT_WRITEFUNCTION, &Transfer::receive);
  set(easy, CURLOPT_WRITEDATA, this);
  set(easy, CURLOPT_HEADERFUNCTION, &Transfer::receive_header);
  set(easy, CURLOPT_HEADERDATA, this);
  set(easy, CURLOPT_TIMEOUT_MS, milliseconds(end_ - Clock::now()));
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(options_.connect_time));
  set_method();
  if (!options_.certificates.empty()) set(easy, CURLOPT_CAINFO, options_.certificates.c_str());
}

/// The method of the request, with its fields and content.
void Transfer::set_method() {
  if (request_.method.empty()) return;
  CURL* const easy = easy_.get();
  set(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  if (!request_.content.empty()) {
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.content.size()));
    set(easy, CURLOPT_POSTFIELDS, request_.content.c_str());
  }
  // Without this one, libcurl waits a second before it sends large contents.
  fields_.reset(curl_slist_append(nullptr, "Expect:"));
  for (const std::string& field : request_.fields) curl_slist_append(fields_.get(), field.c_str());
  set(easy, CURLOPT_HTTPHEADER, fields_.get());
}

/// Called before each connection, with the address that will be connected to.
curl_socket_t Transfer::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  Transfer& transfer = *static_cast<Transfer*>(self);
  const std::optional<IpAddress> ip = ip_address_of(address->addr);
  if (!ip || !transfer.options_.may_connect(*ip)) {
    log_info("[{}] {} is neither public nor in a network that is allowed", transfer.url_->host(),
             ip ? ip->to_string() : "its address");
    transfer.refused_address_ = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t Transfer::receive_header(char*, std::size_t one, std::size_t count, void* self) {
  Transfer& transfer = *static_cast<Transfer*>(self);
  transfer.header_bytes_ += one * count;
  return transfer.header_bytes_ > kLongestHeader ? 0 : one * count;
}

std::size_t Transfer::receive(char* bytes, std::size_t one, std::size_t count, void* self) {
  return static_cast<Transfer*>(self)->append(bytes, one * count);
}

/// How much of the size was taken; less ends the request.
std::size_t Transfer::append(const char* bytes, std::size_t size) {
  if (status() != 200 && request_.method.empty()) {
    ignored_bytes_ += size;
    return ignored_bytes_ > kMostIgnored ? 0 : size;
  }
  curl_off_t announced = -1;
  curl_easy_getinfo(handle(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
  const bool announces_more = announced > 0 && std::cmp_greater(announced, request_.max_bytes);
  too_large_ = announces_more || size > request_.max_bytes - body_->bytes.size();
  if (too_large_) return 0;
  no_memory_ = !keep(bytes, size);
  return no_memory_ ? 0 : size;
}

/// Adds to the body; false when there is no memory for more. No exception may pass through libcurl.
bool Transfer::keep(const char* bytes, std::size_t size) {
  HeldBytes& held = *body_->held;
  if (held.bytes.fetch_add(size) + size <= held.limit) {
    try {
      body_->bytes.append(bytes, size);
      return true;
    } catch (const std::bad_alloc&) {  // it is as if others held too much
    }
  }
  held.bytes -= size;
  return false;
}

long Transfer::status() const {
  long status = 0;
  curl_easy_getinfo(handle(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

FetchProblem Transfer::problem_of(CURLcode code) const {
  curl_off_t connected = 0;
  switch (code) {
    case CURLE_OK: return FetchProblem::none;
    case CURLE_OPERATION_TIMEDOUT:
      curl_easy_getinfo(handle(), CURLINFO_CONNECT_TIME_T, &connected);
      return connected == 0 && !is_late() ? FetchProblem::unreachable : FetchProblem::time;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT: return refused_address_ ? FetchProblem::address : FetchProblem::unreachable;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR: return FetchProblem::tls;
    default: return FetchProblem::broken;
  }
}

std::optional<http::Fetched> Transfer::next(CURLcode code) {
  const int seen = static_cast<int>(status());
  if (too_large_) return http::Fetched{FetchProblem::size, seen};
  if (no_memory_) return http::Fetched{FetchProblem::busy, seen};
  const bool ignored = code == CURLE_WRITE_ERROR && ignored_bytes_ > kMostIgnored;
  if (code != CURLE_OK && !ignored) return http::Fetched{problem_of(code), seen};
  if (seen == 200 || !request_.method.empty()) return http::Fetched{FetchProblem::none, seen, {body_, &body_->bytes}};
  if (!is_redirect(seen)) return http::Fetched{FetchProblem::status, seen};
  const FetchProblem problem = follow();
  if (problem != FetchProblem::none) return http::Fetched{problem, seen};
  return std::nullopt;
}

/// Makes the request of the URL that the answer redirects to.
FetchProblem Transfer::follow() {
  curl_header* location = nullptr;
  if (curl_easy_header(handle(), "Location", 0, CURLH_HEADER, -1, &location) != CURLHE_OK) return FetchProblem::status;
  std::optional<Url> url = url_->redirected(location->value);
  if (++redirects_ > options_.redirects || !url || !options_.hosts.allows(*url)) return FetchProblem::redirect;
  if (is_late()) return FetchProblem::time;
  easy_.reset();  // before the URL that it was made of
  url_ = std::move(url);
  return request();
}

}  // namespace e5v::net
