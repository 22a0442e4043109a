#include "serve/dialects/openai.h"

#include <limits>

#include "serve/dialects/openai_encoding.h"
#include "serve/inputs.h"
#include "serve/object_reader.h"
#include "serve/request_options.h"

namespace e5v::serve {
namespace {

/// Refuses fields that vLLM supports and this server does not. Other unknown fields are ignored, as in vLLM.
void refuse_unsupported(const ObjectReader& body, const ServedModel& model) {
  for (const char* key : {"chat_template", "chat_template_kwargs", "mm_processor_kwargs"}) {
    const Json* value = body.find(key);
    if (value != nullptr && !value->empty())
      refuse_field(body.name_of(key), "this server has prompts of its own; name one under prompt");
  }
  if (const auto tokens = body.whole("truncate_prompt_tokens", -1, std::numeric_limits<std::int32_t>::max());
      tokens && *tokens != -1 && *tokens < model.context)
    refuse_field("truncate_prompt_tokens", "expected -1 or at least the context of {} tokens, found {}", model.context,
                 *tokens);
  if (body.choice("truncation_side", {"left", "right"}).value_or("right") == "left")
    refuse_field("truncation_side", "this server truncates at the right");
}

RequestOptions openai_options(const ObjectReader& body, const ServedModel& model) {
  refuse_unsupported(body, model);
  RequestOptions options = options_of(body, model);
  if (const auto activation = body.flag("use_activation")) options.run.normalize = *activation;
  if (body.has("truncate_prompt_tokens")) options.prepare.truncate = true;
  return options;
}

std::vector<NamedInput> read_inputs(const ObjectReader& body, const InputReading& reading) {
  const Json *input = body.find("input"), *messages = body.find("messages");
  if (input != nullptr && messages != nullptr) refuse_field("input", "expected input or messages, found both");
  if (input != nullptr) return inputs_of(*input, "input", reading);
  if (messages != nullptr) return chats_of(*messages, "messages", reading);
  refuse_field("input", "expected a string, a list or messages, found nothing");
}

std::string openai_usage(std::int64_t tokens) {
  return fmt::format(R"("usage":{{"prompt_tokens":{0},"total_tokens":{0}}})", tokens);
}

/// Returns the response as JSON. It is written without a JSON document, because a vector has thousands of numbers.
http::Response json_answer(const EmbeddingCall& call, const EmbeddedCall& embedded, const Encoding& encoding) {
  std::string body = fmt::format(R"({{"id":"{}","object":"list","created":{},"model":{},"data":[)", new_id("embd-"),
                                 now_in_seconds(), Json(call.model->name).dump());
  for (std::size_t i = 0; i < embedded.vectors.size(); ++i) {
    body += fmt::format(R"({}{{"object":"embedding","index":{},"embedding":)", i > 0 ? "," : "", i);
    append_value(body, embedded.vectors[i].vector, encoding);
    body += '}';
  }
  body += "]," + openai_usage(embedded.tokens) + "}";
  return {.body = std::move(body)};
}

void answer_embeddings(Exchange exchange) {
  const Json json = body_of(exchange);
  const Encoding encoding = encoding_of(ObjectReader(json));
  EmbeddingCall call = openai_call(exchange, json);
  check_inputs(encoding, call.items.size());
  embed_and_answer(std::move(exchange), std::move(call),
                   [encoding](const EmbeddingCall& done, const EmbeddedCall& embedded) {
                     return encoding.is_bytes() ? bytes_answer(done, embedded, encoding, "embd-")
                                                : json_answer(done, embedded, encoding);
                   });
}

void answer_models(Exchange exchange) {
  Json data = Json::array();
  for (const std::shared_ptr<ServedModel>& model : exchange.context.models.all()) {
    data.push_back({{"id", model->name},
                    {"object", "model"},
                    {"created", model->created},
                    {"owned_by", "e5v"},
                    {"root", model->name},
                    {"max_model_len", model->context},
                    {"dimensions", model->embedder.width()},
                    {"compute", model->dtype}});
  }
  exchange.responder->send(json_response({{"object", "list"}, {"data", std::move(data)}}));
}

std::string_view openai_type(int status) {
  switch (status) {
    case 401: return "AuthenticationError";
    case 404: return "NotFoundError";
    case 429: return "RateLimitError";
    case 501: return "NotImplementedError";
    case 503: return "ServiceUnavailableError";
    default: return status < 500 ? "BadRequestError" : "InternalServerError";
  }
}

}  // namespace

http::Response openai_error(const Fault& fault) {
  const Json param = fault.field.empty() ? Json() : Json(fault.field);
  return json_response(
      {{"error",
        {{"message", fault.message}, {"type", openai_type(fault.status)}, {"param", param}, {"code", fault.status}}}},
      fault.status);
}

EmbeddingCall openai_call(const Exchange& exchange, const Json& json) {
  const ObjectReader body(json);
  EmbeddingCall call = call_of(exchange, body.text("model").value_or(""));
  const std::string modality = body.choice("modality", {"text", "image"}).value_or("text");
  const RequestOptions options = openai_options(body, *call.model);
  call.priority =
      static_cast<int>(-body.whole("priority", -1000, 1000).value_or(0));  // in vLLM's API, lower numbers come first
  std::vector<NamedInput> inputs =
      read_inputs(body, {*call.model, exchange.context.images, exchange.context.max_items, modality == "image"});
  if (inputs.size() == 1) inputs[0].field.clear();
  add_items(call, std::move(inputs), options);
  return call;
}

std::vector<Route> openai_routes() {
  return {
      {.method = "POST",
       .path = "/v1/embeddings",
       .answer = answer_embeddings,
       .error = openai_error,
       .summary =
           "Embeds texts, images, or both: the OpenAI dialect with the fields of vLLM, Jina, SGLang and infinity",
       .request_schema = "OpenAiRequest",
       .response_schema = "OpenAiResponse",
       .other_response_type = "application/octet-stream"},
      {.method = "GET",
       .path = "/v1/models",
       .answer = answer_models,
       .error = openai_error,
       .summary = "Lists the models that are served",
       .response_schema = "Models"},
  };
}

}  // namespace e5v::serve
