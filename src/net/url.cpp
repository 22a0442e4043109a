#include "net/url.h"

#include <curl/curl.h>

#include <utility>

#include "base/ascii.h"

namespace e5v::net {
namespace {

constexpr std::size_t kLongestUrl = 8192;

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return "";
  std::string result = text;
  curl_free(text);
  return result;
}

}  // namespace

void Url::Free::operator()(Curl_URL* url) const { curl_url_cleanup(url); }

/// The URL that a text sets on top of what the handle has.
std::optional<Url> Url::checked(Url url, const std::string& text) {
  CURLU* const handle = url.handle();
  if (handle == nullptr || text.size() > kLongestUrl || text.find('\0') != std::string::npos) return std::nullopt;
  if (curl_url_set(handle, CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER | CURLU_URLENCODE) != CURLUE_OK)
    return std::nullopt;
  const std::string scheme = part_of(handle, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return std::nullopt;
  for (const CURLUPart secret : {CURLUPART_USER, CURLUPART_PASSWORD}) {
    if (!part_of(handle, secret).empty()) return std::nullopt;
  }
  url.host_ = ascii_lower(part_of(handle, CURLUPART_HOST));
  if (url.host_.ends_with('.')) url.host_.pop_back();
  if (url.host_.empty()) return std::nullopt;
  url.port_ = std::stoi(part_of(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT));
  url.default_port_ = url.port_ == (scheme == "http" ? 80 : 443);
  return url;
}

std::optional<Url> Url::parse(const std::string& text) { return checked(Url(curl_url()), text); }

std::optional<Url> Url::redirected(const std::string& location) const {
  return checked(Url(curl_url_dup(handle_.get())), location);
}

}  // namespace e5v::net
