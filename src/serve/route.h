#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "http/message.h"
#include "serve/embedding_call.h"
#include "serve/images.h"
#include "serve/model_set.h"
#include "serve/refusal.h"

namespace e5v::serve {

struct Route;
class ServedLibrary;

/// The common data of a service's routes.
struct Context {
  const ModelSet& models;
  const ImagePolicy& images;
  const std::vector<Route>& routes;
  std::size_t max_items = 2048;                      ///< maximum number of items of a request
  int max_connections = 0;                           ///< maximum number of open connections
  std::function<std::string()> metrics = nullptr;    ///< returns the text of /metrics
  std::shared_ptr<ServedLibrary> library = nullptr;  ///< the photos that the server shows; null: none
};

/// A request and its responder.
struct Exchange {
  const Context& context;
  const Route& route;
  http::Request request;
  std::shared_ptr<http::Responder> responder;
  /// "key:" and the name of the request's key, or the network of its address if it has no key.
  std::string client;
};

/// The conditions for calling a route.
enum class Access {
  open,   ///< none
  ready,  ///< the server is ready
  key,    ///< the server is ready, and the request has a key if there are keys
};

/// A path of the server and the function that answers it. A part {id} of the path stands for any text without a slash.
struct Route {
  std::string_view method, path;
  /// Sends the response, possibly after it has returned. If it throws, `error` makes the response.
  void (*answer)(Exchange exchange);
  /// Returns an error response in the format of the dialect. Callers use error_response().
  http::Response (*error)(const Fault& fault);
  Access access = Access::key;
  bool takes_forms = false;  ///< whether it accepts multipart/form-data in addition to JSON
  /// Whether it shows what a person keeps on this machine. Then a request without a key must name the server by its
  /// address or as localhost, so that a page of another site cannot read the answer by giving its own name this address
  /// (DNS rebinding).
  bool personal = false;
  /// The description in /openapi.json.
  std::string_view summary = "", request_schema = "", response_schema = "", response_type = "application/json";
  std::string_view other_response_type = "";  ///< that a request may ask for
  std::string_view parameters = "";           ///< the names of its parameters in parameters.json, separated by blanks
};

/// Returns whether a path is that of a route.
bool is_path_of(std::string_view path, const Route& route);
/// Returns the text that stands for {id} in the path of a request.
std::string_view path_part(const Exchange& exchange);

/// Returns an error response in the format of a dialect (Route::error), which tells when to come back.
http::Response error_response(const Fault& fault, http::Response (*format)(const Fault& fault));

/// Returns a response with a JSON document.
http::Response json_response(const Json& document, int status = 200);

/// Returns the JSON object in the body of a request. Throws a Refusal.
Json body_of(const Exchange& exchange);

/// Embeds the items and sends the response that `respond` makes of the vectors. `respond` runs on a thread of the
/// server, so that the compute thread can continue.
void embed_and_answer(Exchange exchange, EmbeddingCall call,
                      std::function<http::Response(const EmbeddingCall& call, const EmbeddedCall& vectors)> respond);

/// Returns a call without items for the client of an exchange. `model` is the model name in the request.
EmbeddingCall call_of(const Exchange& exchange, std::string_view model);

/// Returns the members of a response's line in the access log (http::Response::log).
std::string log_of(std::string_view model, std::size_t items, std::int64_t tokens);

/// Returns a new identifier of a response, for example "embd-0f3c…".
std::string new_id(std::string_view prefix);
/// Returns the time in seconds since 1970.
std::int64_t now_in_seconds();

}  // namespace e5v::serve
