#include "serve/dialects/tei.h"

#include <algorithm>
#include <cmath>

#include "api/embedder_impl.h"
#include "e5v/version.h"
#include "serve/inputs.h"
#include "serve/object_reader.h"
#include "serve/request_options.h"
#include "serve/similarity.h"
#include "serve/vector_encoding.h"

namespace e5v::serve {
namespace {

constexpr std::size_t kMaxBatch = 2048;

RequestOptions tei_options(const ObjectReader& body, const ServedModel& model) {
  RequestOptions options;
  options.prepare.truncate = body.flag("truncate").value_or(true);
  if (body.choice("truncation_direction", {"right", "left", "Right", "Left"}).value_or("right").ends_with("eft"))
    refuse_field("truncation_direction", "this server truncates at the right");
  options.run.normalize = body.flag("normalize").value_or(true);
  if (auto prompt = prompt_of(body, "prompt_name")) options.run.prompt = std::move(*prompt);
  set_dimensions(options, body, "dimensions", model);
  return options;
}

/// Adds TEI's header fields with times in milliseconds.
void add_times(http::Response& response, const EmbeddingCall& call, const EmbeddedCall& embedded,
               std::size_t characters) {
  const auto milliseconds = [](double seconds) { return std::to_string(std::llround(seconds * 1000)); };
  const bool is_gpu = call.model->embedder.impl().engine->place() == tensor::Place::device;
  response.fields.add("x-compute-type", is_gpu ? "gpu" : "cpu");
  response.fields.add("x-compute-characters", std::to_string(characters));
  response.fields.add("x-compute-tokens", std::to_string(embedded.tokens));
  response.fields.add("x-total-time", milliseconds(embedded.seconds));
  response.fields.add("x-queue-time", milliseconds(embedded.queue_seconds));
  for (const char* name : {"x-compute-time", "x-inference-time"})
    response.fields.add(name, milliseconds(std::max(0.0, embedded.seconds - embedded.queue_seconds)));
}

/// Returns the number of code points of a text in UTF-8: TEI counts these as characters.
std::size_t code_points_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::size_t characters_of(const EmbeddingCall& call) {
  std::size_t characters = 0;
  for (const Item& item : call.items) characters += item.input.text ? code_points_of(*item.input.text) : 0;
  return characters;
}

void answer_tei(Exchange exchange) {
  const Json json = body_of(exchange);
  const ObjectReader body(json);
  EmbeddingCall call = call_of(exchange, body.text("model").value_or(""));
  const Json* inputs = body.find("inputs");
  if (inputs == nullptr) refuse_field("inputs", "expected a string or a list, found nothing");
  add_items(call, inputs_of(*inputs, "inputs", {*call.model, exchange.context.images, kMaxBatch}),
            tei_options(body, *call.model));
  const std::size_t characters = characters_of(call);
  embed_and_answer(std::move(exchange), std::move(call),
                   [characters](const EmbeddingCall& done, const EmbeddedCall& embedded) {
                     http::Response response;
                     response.body = "[";
                     for (std::size_t i = 0; i < embedded.vectors.size(); ++i) {
                       if (i > 0) response.body += ',';
                       append_json(response.body, embedded.vectors[i].vector);
                     }
                     response.body += "]";
                     add_times(response, done, embedded, characters);
                     return response;
                   });
}

void answer_similarity(Exchange exchange) {
  const Json json = body_of(exchange);
  const ObjectReader body(json);
  EmbeddingCall call = call_of(exchange, body.text("model").value_or(""));
  const Json* inputs = body.find("inputs");
  if (inputs == nullptr) refuse_field("inputs", "expected an object, found nothing");
  const ObjectReader both(*inputs, "inputs");
  const Json* source = both.find("source_sentence");
  const Json* sentences = both.find("sentences");
  if (source == nullptr) refuse_field("inputs.source_sentence", "expected a string, found nothing");
  if (sentences == nullptr || !sentences->is_array() || sentences->empty())
    refuse_field("inputs.sentences", "expected a list of strings, found {}",
                 sentences == nullptr ? "nothing" : found_text(*sentences));
  check_count(sentences->size(), kMaxBatch, "inputs.sentences");
  const InputReading reading{*call.model, exchange.context.images};
  const Json parameters = body.has("parameters") ? *body.find("parameters") : Json::object();
  const RequestOptions options = tei_options(ObjectReader(parameters, "parameters"), *call.model);
  add_items(call, {{input_of(*source, "inputs.source_sentence", reading), "inputs.source_sentence"}}, options);
  for (std::size_t i = 0; i < sentences->size(); ++i) {
    const std::string field = fmt::format("inputs.sentences[{}]", i);
    add_items(call, {{input_of((*sentences)[i], field, reading), field}}, options);
  }
  const std::size_t characters = characters_of(call);
  embed_and_answer(
      std::move(exchange), std::move(call), [characters](const EmbeddingCall& done, const EmbeddedCall& embedded) {
        std::vector<float> scores;
        for (std::size_t i = 1; i < embedded.vectors.size(); ++i)
          scores.push_back(static_cast<float>(cosine(embedded.vectors[0].vector, embedded.vectors[i].vector)));
        http::Response response;
        append_json(response.body, scores);
        add_times(response, done, embedded, characters);
        return response;
      });
}

void answer_info(Exchange exchange) {
  const ServedModel& model = *exchange.context.models.find("");
  exchange.responder->send(json_response({{"model_id", model.name},
                                          {"model_sha", nullptr},
                                          {"model_dtype", model.dtype},
                                          {"served_model_name", model.name},
                                          {"model_type", {{"embedding", {{"pooling", "last_token"}}}}},
                                          {"max_concurrent_requests", exchange.context.max_connections},
                                          {"max_input_length", model.context},
                                          {"max_batch_tokens", model.embedder.impl().token_budget(0)},
                                          {"max_batch_requests", nullptr},
                                          {"max_client_batch_size", kMaxBatch},
                                          {"auto_truncate", true},
                                          {"tokenization_workers", model.queue.preparing_threads},
                                          {"version", E5V_VERSION},
                                          {"sha", nullptr},
                                          {"docker_label", nullptr}}));
}

std::string_view tei_type(int status) {
  switch (status) {
    case 422: return "Validation";
    case 429: return "Overloaded";
    case 503: return "Unhealthy";
    default: return status < 500 ? "Validation" : "Backend";
  }
}

/// The error format of TEI: {"error", "error_type"}. Invalid requests have status 422.
http::Response tei_error(const Fault& fault) {
  const int status = fault.status == 400 ? 422 : fault.status;
  return json_response({{"error", fault.message}, {"error_type", tei_type(status)}}, status);
}

}  // namespace

std::vector<Route> tei_routes() {
  return {
      {.method = "POST",
       .path = "/embed",
       .answer = answer_tei,
       .error = tei_error,
       .summary = "Embeds texts: the dialect of Text Embeddings Inference",
       .request_schema = "TeiRequest",
       .response_schema = "TeiResponse"},
      {.method = "POST",
       .path = "/similarity",
       .answer = answer_similarity,
       .error = tei_error,
       .summary = "The similarities of a sentence to others, as Text Embeddings Inference has it",
       .request_schema = "TeiSimilarityRequest",
       .response_schema = "Numbers"},
      {.method = "GET",
       .path = "/info",
       .answer = answer_info,
       .error = tei_error,
       .summary = "What is served, as Text Embeddings Inference has it",
       .response_schema = "Status"},
  };
}

}  // namespace e5v::serve
