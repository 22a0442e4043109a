// Any text is a URL that images may be fetched from, or none; the same for a Location, an entry of a list of hosts, and
// a network. What was accepted is read again as the same.
#include <curl/curl.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/address_policy.h"
#include "net/host_list.h"
#include "net/url.h"
#include "scratch.h"

namespace {

using e5v::net::HostList;
using e5v::net::Network;
using e5v::net::Url;

constexpr std::size_t kLongest = 2000;  // a URL that is written again may be three times as long

void require_that(bool condition) {
  if (!condition) std::abort();
}

std::string written(const Url& url) {
  char* text = nullptr;
  require_that(curl_url_get(url.handle(), CURLUPART_URL, &text, 0) == CURLUE_OK);
  std::string result = text;
  curl_free(text);
  return result;
}

/// Whether a host list can hold the host: names without empty labels, and addresses of IPv4.
bool is_name(const std::string& host) {
  constexpr std::size_t kLongestName = 253;
  return host.size() <= kLongestName && ("." + host + ".").find("..") == std::string::npos &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos;
}

void check_url(const std::optional<Url>& url) {
  if (!url) return;
  require_that(!url->host().empty() &&
               url->host().find_first_of("@/?#\\ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos);
  require_that(url->port() >= 0 && url->port() <= 65535);
  const std::optional<Url> again = Url::parse(written(*url));
  require_that(again && again->host() == url->host() && again->port() == url->port() &&
               again->has_default_port() == url->has_default_port());
  require_that(!HostList({"only.this.example:1"}).allows(*url) || url->host() == "only.this.example");
  const std::string entry = url->host() + (url->has_default_port() ? "" : ":" + std::to_string(url->port()));
  try {
    require_that(HostList({entry}).allows(*url));
  } catch (const e5v::InvalidInput&) {
    require_that(!is_name(url->host()) || url->port() == 0);
  }
}

template <class Read>
void check_option(const std::string& text) {
  try {
    const Read read(text);
  } catch (const e5v::InvalidInput&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kLongest) return 0;
  const auto [first, second] = e5v::fuzz::halves({reinterpret_cast<const char*>(data), size});
  const std::string text(first), location(second);
  const std::optional<Url> url = Url::parse(text);
  check_url(url);
  if (url) check_url(url->redirected(location));
  try {
    const HostList list({text});
    require_that(!list.empty());
  } catch (const e5v::InvalidInput&) {
  }
  check_option<Network>(text);
  return 0;
}
