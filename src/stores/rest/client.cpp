#include "stores/rest/client.h"

#include <future>
#include <utility>

#include "base/error.h"

namespace e5v::stores::rest {
namespace {

constexpr std::size_t kMaxAnswer = std::size_t{1} << 30;

std::string place_of(const StoreUrl& url, int port) {
  const std::string& host = url.host_and_port();
  const bool has_port = host.find(':', host.rfind(']') == std::string::npos ? 0 : host.rfind(']')) != std::string::npos;
  return has_port ? host : fmt::format("{}:{}", host, port);
}

net::FetchOptions options_for(const std::string& place) {
  net::FetchOptions options;
  options.hosts = net::HostList({place});
  options.may_connect = [](const net::IpAddress&) { return true; };  // the user has named the server
  options.time = std::chrono::minutes(10);
  options.held_bytes = 2 * kMaxAnswer;
  return options;
}

std::string_view words_for(http::FetchProblem problem) {
  switch (problem) {
    case http::FetchProblem::url: return "its address is none of a server";
    case http::FetchProblem::unreachable: return "it cannot be reached";
    case http::FetchProblem::tls: return "it has no valid certificate";
    case http::FetchProblem::time: return "it did not answer in time";
    case http::FetchProblem::size: return "its answer is too large";
    default: return http::kFetchProblemNames.at(static_cast<std::size_t>(problem));
  }
}

}  // namespace

Client::Client(StoreUrl url, int port, std::vector<std::string> fields)
    : url_(std::move(url)),
      server_((url_.scheme().ends_with("+https") ? "https://" : "http://") + place_of(url_, port)),
      fields_(std::move(fields)),
      fetcher_(options_for(place_of(url_, port))) {
  fields_.emplace_back("Content-Type: application/json");
}

Answer Client::send(const std::string& method, const std::string& path, const Json& content) {
  http::FetchRequest request{.url = server_ + path, .max_bytes = kMaxAnswer};
  request.method = method;
  request.fields = fields_;
  if (!content.is_null()) request.content = content.dump();
  std::promise<http::Fetched> promise;
  fetcher_.fetch(std::move(request), [&](http::Fetched fetched) { promise.set_value(std::move(fetched)); });
  const http::Fetched fetched = promise.get_future().get();
  require<DeviceError>(fetched.problem == http::FetchProblem::none, "[{}] the server gives no answer: {}", url_.name(),
                       words_for(fetched.problem));
  Answer answer{fetched.status, Json::parse(*fetched.body, nullptr, /*allow_exceptions=*/false)};
  if (answer.body.is_discarded()) answer.body = nullptr;
  return answer;
}

const Json& member_of(const Json& object, const char* key, const std::string& origin) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  require<DeviceError>(found != object.end(), "[{}] the server's answer lacks {}", origin, key);
  return *found;
}

}  // namespace e5v::stores::rest
