#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct Curl_URL;

namespace e5v::net {

/// An http or https URL, read by the parser of the library that connects, so that what is checked is what is fetched.
class Url {
 public:
  /// Nothing when the text is no absolute http or https URL, has a user name or a password, or is too long.
  static std::optional<Url> parse(const std::string& text);
  /// The URL of a Location field in an answer to this one; nothing as for parse().
  std::optional<Url> redirected(const std::string& location) const;

  const std::string& host() const { return host_; }  ///< in lower case, without a dot at its end
  int port() const { return port_; }
  bool has_default_port() const { return default_port_; }  ///< 80 for http, 443 for https
  /// For CURLOPT_CURLU.
  Curl_URL* handle() const { return handle_.get(); }

 private:
  struct Free {
    void operator()(Curl_URL* url) const;
  };
  explicit Url(Curl_URL* handle) : handle_(handle) {}
  static std::optional<Url> checked(Url url, const std::string& text);

  std::unique_ptr<Curl_URL, Free> handle_;
  std::string host_;
  int port_ = 0;
  bool default_port_ = false;
};

}  // namespace e5v::net
