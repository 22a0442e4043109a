#include "serve/route.h"

#include <chrono>
#include <utility>

#include "base/random_id.h"

namespace e5v::serve {

namespace {

/// What precedes and what follows {id} in the path of a route.
std::pair<std::string_view, std::string_view> around_id(std::string_view path) {
  constexpr std::string_view kId = "{id}";
  const std::size_t at = path.find(kId);
  return {path.substr(0, at), path.substr(at + kId.size())};
}

}  // namespace

bool is_path_of(std::string_view path, const Route& route) {
  if (route.path.find('{') == std::string_view::npos) {
    if (path.ends_with('/') && route.path.size() > 1) path.remove_suffix(1);
    return path == route.path;
  }
  const auto [before, after] = around_id(route.path);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after)) return false;
  path.remove_prefix(before.size());
  path.remove_suffix(after.size());
  return path.find('/') == std::string_view::npos;
}

std::string_view path_part(const Exchange& exchange) {
  const auto [before, after] = around_id(exchange.route.path);
  std::string_view path = exchange.request.path;
  path.remove_prefix(before.size());
  path.remove_suffix(after.size());
  return path;
}

http::Response error_response(const Fault& fault, http::Response (*format)(const Fault& fault)) {
  http::Response response = format(fault);
  if (fault.retry_after) response.fields.add("Retry-After", std::to_string(*fault.retry_after));
  return response;
}

http::Response json_response(const Json& document, int status) {
  return {.status = status, .body = document.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

Json body_of(const Exchange& exchange) try {
  Json body = parse_json(exchange.request.body, "body");
  if (!body.is_object()) throw Refusal(400, fmt::format("[body] expected a JSON object, found {}", body.type_name()));
  return body;
} catch (const InvalidInput& error) {
  throw Refusal(400, error.what());
}

EmbeddingCall call_of(const Exchange& exchange, std::string_view model) {
  return {.model = exchange.context.models.find(model),
          .items = {},
          .gone = exchange.request.gone,
          .client = exchange.client,
          .images = exchange.context.images};
}

void embed_and_answer(Exchange exchange, EmbeddingCall call,
                      std::function<http::Response(const EmbeddingCall&, const EmbeddedCall&)> respond) {
  struct Waiting {
    Exchange exchange;
    EmbeddingCall call;
    std::function<http::Response(const EmbeddingCall&, const EmbeddedCall&)> respond;
  };
  std::vector<Item> items = std::exchange(call.items, {});
  const auto waiting = std::make_shared<Waiting>(Waiting{std::move(exchange), call, std::move(respond)});
  std::string().swap(waiting->exchange.request.body);  // frees its memory
  const std::size_t count = items.size();              // before the call takes them
  call.items = std::move(items);
  embed(std::move(call), [waiting, count](EmbeddedCall vectors, const std::exception_ptr& error) {
    const auto answer = [waiting, count, shared = std::make_shared<EmbeddedCall>(std::move(vectors)), error] {
      http::Response response;
      try {
        if (error) std::rethrow_exception(error);
        response = waiting->respond(waiting->call, *shared);
      } catch (...) {
        response = error_response(fault_of(std::current_exception()), waiting->exchange.route.error);
      }
      response.log = log_of(waiting->call.model->name, count, shared->tokens);
      waiting->exchange.responder->send(std::move(response));
    };
    waiting->exchange.responder->defer(answer);
  });
}

std::string log_of(std::string_view model, std::size_t items, std::int64_t tokens) {
  return fmt::format(R"("model":{},"items":{},"tokens":{})", Json(model).dump(), items, tokens);
}

std::string new_id(std::string_view prefix) { return fmt::format("{}{}{}", prefix, random_id(), random_id()); }

std::int64_t now_in_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace e5v::serve
