#include "serve/service.h"

#include <fmt/chrono.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "base/ascii.h"
#include "http/client_network.h"
#include "serve/dialects/openai.h"
#include "serve/routes.h"

namespace e5v::serve {
namespace {

/// Returns the secret of a request: "Authorization: Bearer SECRET", "x-api-key: SECRET" or "api-key: SECRET".
std::string_view secret_of(const http::Request& head) {
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view authorization = head.fields.find("authorization");
  if (starts_with_ignoring_case(authorization, kBearer)) return authorization.substr(kBearer.size());
  const std::string_view key = head.fields.find("x-api-key");
  return key.empty() ? head.fields.find("api-key") : key;
}

/// Whether a Host field is an address or localhost, which no site of the internet can have as its name.
bool names_this_machine(std::string_view host) {
  if (host.empty()) return true;  // browsers send it
  if (host.starts_with('[')) return true;
  host = host.substr(0, host.find(':'));
  const bool is_address = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return is_address || equals_ignoring_case(host, "localhost") || ascii_lower(host).ends_with(".localhost");
}

bool takes_type(const Route& route, std::string_view content_type) {
  const std::string type = http::media_type(content_type);
  return type == "application/json" || type.ends_with("+json") || (route.takes_forms && type == "multipart/form-data");
}

/// Modifies each response before it is sent (to add the header fields for browsers).
class DecoratedResponder : public http::Responder {
 public:
  using Decorate = std::function<void(http::Response&)>;
  DecoratedResponder(std::shared_ptr<http::Responder> inner, Decorate decorate)
      : inner_(std::move(inner)), decorate_(std::move(decorate)) {}
  void send(http::Response response) override {
    decorate_(response);
    inner_->send(std::move(response));
  }
  std::shared_ptr<http::BodyStream> begin(http::Response head) override {
    decorate_(head);
    return inner_->begin(std::move(head));
  }
  void defer(std::function<void()> work) override { inner_->defer(std::move(work)); }

 private:
  std::shared_ptr<http::Responder> inner_;
  Decorate decorate_;
};

std::string log_line(const http::Completed& done, const std::string& client) {
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto milliseconds = now.time_since_epoch().count() % 1000;
  const auto string = [](std::string_view text) {
    return Json(text).dump(-1, ' ', true, Json::error_handler_t::replace);
  };
  return fmt::format(
      R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z","id":{},"client":{},"method":{},"path":{},"status":{},"received":{},"sent":{},"seconds":{:.6f}{}{}}})",
      fmt::gmtime(std::chrono::system_clock::to_time_t(now)), milliseconds, string(done.request.id), string(client),
      string(done.request.method), string(done.request.path), done.status, done.received, done.sent, done.seconds,
      done.log.empty() ? "" : ",", done.log);
}

}  // namespace

Service::Service(const ServiceOptions& options, std::function<void(const std::string&)> log)
    : options_(options),
      log_(std::move(log)),
      keys_(options.key_file, options.keys),
      rate_limit_(options.requests_per_second),
      routes_(all_routes(options.library != nullptr)),
      context_{models_, options_.images, routes_} {
  context_.max_connections = options.max_connections;
  context_.library = options.library;
  context_.metrics = [this] {
    std::string text = metrics_.text(models_, connections_ ? connections_() : Metrics::Connections());
    if (const http::Fetcher* fetcher = options_.images.fetcher) text += fetch_metrics(fetcher->counters());
    return text;
  };
}

/// Returns the route of a path, if possible with the method of the request; null if there is none.
const Route* Service::find(const http::Request& head) const {
  const Route* found = nullptr;
  const bool head_only = head.method == "HEAD";
  for (const Route& route : routes_) {
    if (!is_path_of(head.path, route)) continue;
    found = &route;
    if (route.method == head.method || (head_only && route.method == "GET")) break;
  }
  return found;
}

http::Response Service::fail(const http::Request& head, const Fault& fault) const {
  const Route* route = find(head);
  http::Response response = error_response(fault, route == nullptr ? openai_error : route->error);
  add_origin(head, response);
  return response;
}

Fault Service::unavailable() const {
  if (state_ == State::loading) return {503, "the server is loading its models", "", 5};
  return {503, "the server is shutting down", "", 5};
}

/// Returns "key:" and the name of the key of a request, or nothing if it has none.
std::optional<std::string> Service::key_of(const http::Request& head) const {
  const std::optional<std::string> name = keys_.find(secret_of(head));
  return name ? std::optional("key:" + *name) : std::nullopt;
}

/// Returns the reason to refuse a request before its body is read, or nothing.
std::optional<Fault> Service::check(const http::Request& head, const Route& route) {
  if (route.access == Access::open) return std::nullopt;
  const std::optional<std::string> key = route.access == Access::key ? key_of(head) : std::nullopt;
  if (route.access == Access::key && !key && !keys_.empty())
    return Fault{401, "expected a key that is known, as \"Authorization: Bearer KEY\"", "", std::nullopt};
  if (route.personal && !key && !options_.any_host && !names_this_machine(head.fields.find("host")))
    return Fault{403,
                 fmt::format("expected a request to the address of this server or to localhost, found one to {}; with "
                             "a key, any name will do",
                             in_quotes(head.fields.find("host"), 100)),
                 "", std::nullopt};
  if (state_ != State::ready) return unavailable();
  if (route.access != Access::key) return std::nullopt;
  const double wait = rate_limit_.take(key.value_or(http::network_of(head.address)));
  if (wait > 0)
    return Fault{429, fmt::format("expected at most {} requests a second", options_.requests_per_second), "",
                 static_cast<int>(std::ceil(wait))};
  if (route.method == "POST" && !takes_type(route, head.fields.find("content-type")))
    return Fault{415,
                 fmt::format("expected Content-Type: application/json{}, found {}",
                             route.takes_forms ? " or multipart/form-data" : "",
                             in_quotes(head.fields.find("content-type"), 60)),
                 "", std::nullopt};
  return std::nullopt;
}

std::variant<http::BodyLimit, http::Response> Service::admit(const http::Request& head) {
  if (head.method == "OPTIONS" && !options_.origins.empty()) return preflight(head);
  const Route* route = find(head);
  if (route == nullptr) return fail(head, {404, fmt::format("there is no {}", in_quotes(head.path, 100)), "", {}});
  const bool fits = route->method == head.method || (head.method == "HEAD" && route->method == "GET");
  if (!fits) {
    std::set<std::string> methods;
    for (const Route& other : routes_) {
      if (is_path_of(head.path, other)) methods.emplace(other.method);
    }
    const std::string allowed = fmt::format("{}", fmt::join(methods, ", "));
    http::Response response =
        fail(head, {405, fmt::format("expected {}, found {}", allowed, in_quotes(head.method, 20)), "", {}});
    response.fields.add("Allow", allowed);
    return response;
  }
  if (const std::optional<Fault> fault = check(head, *route)) {
    http::Response response = fail(head, *fault);
    if (fault->status == 401) response.fields.add("WWW-Authenticate", "Bearer");
    return response;
  }
  return http::BodyLimit{route->method == "POST" ? options_.body_bytes : 0};
}

void Service::handle(http::Request request, std::shared_ptr<http::Responder> responder) {
  const Route* route = find(request);
  const http::Request head{.method = request.method, .path = request.path, .fields = request.fields};
  if (!head.fields.find("origin").empty() && !options_.origins.empty())
    responder = std::make_shared<DecoratedResponder>(
        std::move(responder), [this, head](http::Response& response) { add_origin(head, response); });
  try {
    std::string client = key_of(request).value_or(http::network_of(request.address));
    route->answer({context_, *route, std::move(request), responder, std::move(client)});
  } catch (...) {
    const http::Request without_origin{.method = head.method,
                                       .path = head.path};  // the responder adds the header fields of the origin
    responder->send(fail(without_origin, fault_of(std::current_exception())));
  }
}

http::Response Service::refuse(const http::Request& head, int status, std::string_view reason) {
  return fail(head, {status, std::string(reason), "", status == 503 ? std::optional(1) : std::nullopt});
}

void Service::completed(const http::Completed& exchange) {
  const Route* route = find(exchange.request);
  metrics_.count(route == nullptr ? "unknown" : route->path, exchange.status, exchange.seconds);
  if (log_) log_(log_line(exchange, key_of(exchange.request).value_or(exchange.request.address)));
}

/// Adds the header fields that let pages of an allowed origin read the response.
void Service::add_origin(const http::Request& head, http::Response& response) const {
  const std::string_view origin = head.fields.find("origin");
  if (origin.empty()) return;
  const auto allows = [&](const std::string& allowed) { return allowed == "*" || allowed == origin; };
  if (!std::ranges::any_of(options_.origins, allows)) return;
  response.fields.add("Access-Control-Allow-Origin", std::string(origin));
  response.fields.add("Access-Control-Expose-Headers", "x-request-id, Retry-After");
  response.fields.add("Vary", "Origin");
}

http::Response Service::preflight(const http::Request& head) const {
  http::Response response{.status = 204, .type = ""};
  add_origin(head, response);
  response.fields.add("Access-Control-Allow-Methods", "GET, POST");
  response.fields.add("Access-Control-Allow-Headers", "Authorization, Content-Type, api-key, x-api-key, x-request-id");
  response.fields.add("Access-Control-Max-Age", "600");
  return response;
}

}  // namespace e5v::serve
