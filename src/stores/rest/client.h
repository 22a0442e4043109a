#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "net/curl_fetcher.h"
#include "stores/store_url.h"

namespace e5v::stores::rest {

/// An answer of a server.
struct Answer {
  int status = 0;
  Json body;  ///< null if it is no JSON
};

/// Requests and answers in JSON, one after the other.
class Client {
 public:
  /// The server of an address: over https if the scheme ends with "+https", with `port` if the address has none.
  /// `fields` are those of all requests, for example a key.
  Client(StoreUrl url, int port, std::vector<std::string> fields);

  const StoreUrl& url() const { return url_; }

  /// Sends a request, without a content if it is null. Throws DeviceError if there is no answer.
  Answer send(const std::string& method, const std::string& path, const Json& content = nullptr);

 private:
  StoreUrl url_;
  std::string server_;
  std::vector<std::string> fields_;
  net::CurlFetcher fetcher_;
};

/// A member of an object in an answer. Throws DeviceError, which begins with `origin`, if there is none.
const Json& member_of(const Json& object, const char* key, const std::string& origin);

}  // namespace e5v::stores::rest
