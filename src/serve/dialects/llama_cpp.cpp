#include "serve/dialects/llama_cpp.h"

#include "base/utf8.h"
#include "serve/inputs.h"
#include "serve/object_reader.h"
#include "serve/request_options.h"
#include "serve/vector_encoding.h"

namespace e5v::serve {
namespace {

/// The marker of an image in a text. llama.cpp chooses a random marker for each server; this server always has the
/// same.
constexpr std::string_view kMarker = "<__media__>";

/// Reads {"prompt_string", "multimodal_data": [base64]}.
RequestInput input_with_media(const Json& value, const std::string& field, const InputReading& reading) {
  const ObjectReader object(value, field);
  RequestInput input;
  input.text = object.text("prompt_string");
  if (input.text) input.text = replace_all(*input.text, kMarker, "");
  if (input.text && input.text->empty()) input.text.reset();
  if (const Json* media = object.find("multimodal_data")) {
    const std::string name = object.name_of("multimodal_data");
    if (!media->is_array()) refuse_field(name, "expected a list of images, found {}", found_text(*media));
    for (std::size_t i = 0; i < media->size(); ++i) {
      const std::string element = fmt::format("{}[{}]", name, i);
      add_image(input, text_of((*media)[i], element), element, reading.images);
    }
  }
  if (!input.text && input.images.empty()) refuse_field(field, "expected a text or an image, found neither");
  return input;
}

bool has_media(const Json& value) { return value.is_object() && value.contains("prompt_string"); }

std::vector<NamedInput> read_content(const Json& content, const std::string& field, const InputReading& reading) {
  if (has_media(content)) return {{input_with_media(content, field, reading), field}};
  if (!content.is_array()) return inputs_of(content, field, reading);
  std::vector<NamedInput> inputs;
  bool any_media = false;
  for (const Json& value : content) any_media = any_media || has_media(value);
  if (!any_media) return inputs_of(content, field, reading);
  check_count(content.size(), reading.max_items, field);
  for (std::size_t i = 0; i < content.size(); ++i) {
    const std::string name = fmt::format("{}[{}]", field, i);
    inputs.push_back({has_media(content[i]) ? input_with_media(content[i], name, reading)
                                            : RequestInput::from_text(text_of(content[i], name)),
                      name});
  }
  return inputs;
}

void answer_llama_cpp(Exchange exchange) {
  const Json json = body_of(exchange);
  const ObjectReader body(json);
  EmbeddingCall call = call_of(exchange, body.text("model").value_or(""));
  const std::string field = body.has("content") ? "content" : "input";
  const Json* content = body.find(field);
  if (content == nullptr) refuse_field("content", "expected a string, an object or a list, found nothing");
  RequestOptions options;
  const std::int64_t norm = body.whole("embd_normalize", -1, 2).value_or(2);
  if (norm != 2 && norm != -1) refuse_field("embd_normalize", "expected 2 (length 1) or -1 (as it is), found {}", norm);
  options.run.normalize = norm == 2;
  if (auto prompt = prompt_of(body, "prompt")) options.run.prompt = std::move(*prompt);
  add_items(call, read_content(*content, field, {*call.model, exchange.context.images, exchange.context.max_items}),
            options);
  embed_and_answer(std::move(exchange), std::move(call), [](const EmbeddingCall&, const EmbeddedCall& embedded) {
    http::Response response;
    response.body = "[";
    for (std::size_t i = 0; i < embedded.vectors.size(); ++i) {
      response.body += fmt::format(R"({}{{"index":{},"embedding":[)", i > 0 ? "," : "", i);
      append_json(response.body, embedded.vectors[i].vector);
      response.body += "]}";
    }
    response.body += "]";
    return response;
  });
}

std::string_view llama_cpp_type(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 404: return "not_found_error";
    case 501: return "not_supported_error";
    case 503: return "unavailable_error";
    default: return status < 500 ? "invalid_request_error" : "server_error";
  }
}

/// The error format of llama.cpp: {"error": {"code", "message", "type"}}.
http::Response llama_cpp_error(const Fault& fault) {
  return json_response(
      {{"error", {{"code", fault.status}, {"message", fault.message}, {"type", llama_cpp_type(fault.status)}}}},
      fault.status);
}

void answer_props(Exchange exchange) {
  const ServedModel& model = *exchange.context.models.find("");
  exchange.responder->send(json_response({{"default_generation_settings", {{"n_ctx", model.context}}},
                                          {"total_slots", 1},
                                          {"model_path", model.name},
                                          {"media_marker", kMarker},
                                          {"modalities", {{"vision", model.sees}, {"audio", false}}}}));
}

}  // namespace

std::vector<Route> llama_cpp_routes() {
  std::vector<Route> routes;
  for (const char* path : {"/embedding", "/embeddings"}) {
    routes.push_back({.method = "POST",
                      .path = path,
                      .answer = answer_llama_cpp,
                      .error = llama_cpp_error,
                      .summary = "Embeds texts, images, or both: the dialect of llama.cpp's server",
                      .request_schema = "LlamaCppRequest",
                      .response_schema = "LlamaCppResponse"});
  }
  routes.push_back({.method = "GET",
                    .path = "/props",
                    .answer = answer_props,
                    .error = llama_cpp_error,
                    .summary = "What is served, as llama.cpp's server has it",
                    .response_schema = "Status"});
  return routes;
}

}  // namespace e5v::serve
