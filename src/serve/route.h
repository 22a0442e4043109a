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

/// What all routes of a service use.
struct Context {
  const ModelSet& models;
  const ImagePolicy& images;
  const std::vector<Route>& routes;
  std::size_t max_items = 2048;                    ///< of a request
  std::function<std::string()> metrics = nullptr;  ///< the text of /metrics
};

/// A request, and what answers it.
struct Exchange {
  const Context& context;
  const Route& route;
  http::Request request;
  std::shared_ptr<http::Responder> responder;
  std::string client;  ///< whose request it is: the name of its key, else its address
};

/// Who may call a route.
enum class Access {
  open,   ///< everybody, at any time
  ready,  ///< everybody, while the server is ready
  key,    ///< who has a key, if there are any, while the server is ready
};

/// A path of the server and the function that answers it.
struct Route {
  std::string_view method, path;
  /// Answers the exchange, now or later. What it throws is answered with `error`.
  void (*answer)(Exchange exchange);
  /// An error in the dialect's own shape.
  http::Response (*error)(const Fault& fault);
  Access access = Access::key;
  bool takes_forms = false;  ///< multipart/form-data beside JSON
  /// What /openapi.json says of it.
  std::string_view summary = "", request_schema = "", response_schema = "", response_type = "application/json";
  std::string_view other_response_type = "";  ///< that a request may ask for
};

/// A JSON document as a response.
http::Response json_response(const Json& document, int status = 200);

/// The JSON object of a request's body. Throws a Refusal.
Json body_of(const Exchange& exchange);

/// Embeds, and answers with what `respond` makes of the vectors: on a thread of the server, so that the model goes on.
void embed_and_answer(Exchange exchange, EmbeddingCall call,
                      std::function<http::Response(const EmbeddingCall& call, const EmbeddedCall& vectors)> respond);

/// A call of an exchange's client, without items. `model` is the name that the request has for it.
EmbeddingCall call_of(const Exchange& exchange, std::string_view model);

/// Identifiers of answers: "embd-0f3c…".
std::string new_id(std::string_view prefix);
/// Seconds since 1970.
std::int64_t now_in_seconds();

}  // namespace e5v::serve
