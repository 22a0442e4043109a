#include "serve/dialects/cohere.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "serve/inputs.h"
#include "serve/object_reader.h"
#include "serve/request_options.h"
#include "serve/vector_encoding.h"

namespace e5v::serve {
namespace {

constexpr std::string_view kTypes[] = {"float", "int8", "uint8", "binary", "ubinary", "base64"};

/// Returns the encodings that a request names; the default is float.
std::vector<std::string> types_of(const ObjectReader& body) {
  const Json* value = body.find("embedding_types");
  if (value == nullptr) return {"float"};
  if (!value->is_array() || value->empty())
    refuse_field("embedding_types", "expected a list of {}, found {}", fmt::join(kTypes, ", "), found_text(*value));
  std::vector<std::string> types;
  for (const Json& type : *value) {
    const std::string& name = text_of(type, "embedding_types");
    if (std::ranges::find(kTypes, name) == std::end(kTypes))
      refuse_field("embedding_types", "expected {}, found {}", fmt::join(kTypes, ", "), in_quotes(name, 60));
    if (std::ranges::find(types, name) == types.end()) types.push_back(name);
  }
  return types;
}

template <class T>
void append_whole(std::string& out, const std::vector<T>& numbers, int shift = 0) {
  out += '[';
  for (std::size_t i = 0; i < numbers.size(); ++i)
    out += fmt::format("{}{}", i > 0 ? "," : "", int{numbers[i]} + shift);
  out += ']';
}

void append_cohere_vector(std::string& out, std::span<const float> vector, const std::string& type) {
  if (type == "float") return append_json(out, vector);
  if (type == "int8") return append_whole(out, to_int8(vector));
  if (type == "uint8") return append_whole(out, to_uint8(vector));
  if (type == "ubinary") return append_whole(out, to_bits(vector));
  if (type == "binary") return append_whole(out, to_bits(vector), -128);
  out += '"' + to_base64(vector) + '"';
}

http::Response cohere_answer(const EmbeddingCall&, const EmbeddedCall& embedded, const std::vector<std::string>& types,
                             const Json& texts) {
  std::string body =
      fmt::format(R"({{"id":"{}","response_type":"embeddings_by_type","embeddings":{{)", new_id("embd-"));
  for (std::size_t t = 0; t < types.size(); ++t) {
    body += fmt::format("{}\"{}\":[", t > 0 ? "," : "", types[t]);
    for (std::size_t i = 0; i < embedded.vectors.size(); ++i) {
      if (i > 0) body += ',';
      append_cohere_vector(body, embedded.vectors[i].vector, types[t]);
    }
    body += ']';
  }
  body +=
      fmt::format(R"(}},"texts":{},"meta":{{"api_version":{{"version":"2"}},"billed_units":{{"input_tokens":{}}}}}}})",
                  texts.dump(-1, ' ', false, Json::error_handler_t::replace), embedded.tokens);
  return {.body = std::move(body)};
}

/// Reads the inputs. A request has one kind of them: texts, images or inputs.
std::vector<NamedInput> cohere_inputs(const ObjectReader& body, const InputReading& reading) {
  std::vector<std::string_view> given;
  for (const char* key : {"texts", "images", "inputs"}) {
    if (body.has(key)) given.push_back(key);
  }
  if (given.size() != 1)
    refuse_field("texts", "expected exactly one of texts, images and inputs, found {}",
                 given.empty() ? "none" : fmt::format("{}", fmt::join(given, " and ")));
  const std::string field(given.front());
  const Json& list = *body.find(field);
  if (!list.is_array()) refuse_field(field, "expected a list, found {}", found_text(list));
  check_count(list.size(), reading.max_items, field);
  std::vector<NamedInput> inputs;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string name = fmt::format("{}[{}]", field, i);
    if (field == "texts") {
      inputs.push_back({RequestInput::from_text(text_of(list[i], name)), name});
    } else if (field == "images") {
      add_image(inputs.emplace_back(NamedInput{{}, name}).input, text_of(list[i], name), name, reading.images);
    } else {
      const ObjectReader item(list[i], name);
      const Json* content = item.find("content");
      if (content == nullptr) refuse_field(item.name_of("content"), "expected a list of parts, found nothing");
      RequestInput input;
      add_content(input, *content, item.name_of("content"), reading);
      if (!input.text && input.images.empty())
        refuse_field(item.name_of("content"), "expected a text or an image, found neither");
      inputs.push_back({std::move(input), name});
    }
  }
  return inputs;
}

RequestOptions cohere_options(const ObjectReader& body, const ServedModel& model) {
  RequestOptions options;
  if (auto prompt = prompt_of(body, "prompt")) options.run.prompt = std::move(*prompt);
  set_dimensions(options, body, "output_dimension", model);
  const std::string truncate = body.choice("truncate", {"NONE", "START", "END"}).value_or("END");
  if (truncate == "START")
    refuse_field("truncate", "this server truncates at the end: expected NONE or END, found START");
  options.prepare.truncate = truncate == "END";
  if (const auto tokens = body.whole("max_tokens", 1, std::numeric_limits<std::int32_t>::max());
      tokens && *tokens < model.context)
    refuse_field("max_tokens", "expected at least the context of {} tokens, found {}", model.context, *tokens);
  return options;
}

void answer_cohere(Exchange exchange) {
  const Json json = body_of(exchange);
  const ObjectReader body(json);
  EmbeddingCall call = call_of(exchange, body.text("model").value_or(""));
  call.priority =
      static_cast<int>(-body.whole("priority", 0, 999).value_or(0));  // in Cohere's API, lower numbers come first
  const std::string kind =
      body.choice("input_type", {"search_document", "search_query", "classification", "clustering", "image"})
          .value_or("");
  if (kind.empty())
    refuse_field("input_type",
                 "expected search_document, search_query, classification, clustering or image, found nothing");
  const std::vector<std::string> types = types_of(body);
  const RequestOptions options = cohere_options(body, *call.model);
  add_items(call, cohere_inputs(body, {*call.model, exchange.context.images, exchange.context.max_items}), options);
  const Json texts = body.has("texts") ? *body.find("texts") : Json::array();
  embed_and_answer(std::move(exchange), std::move(call),
                   [types, texts](const EmbeddingCall& done, const EmbeddedCall& embedded) {
                     return cohere_answer(done, embedded, types, texts);
                   });
}

/// The error format of Cohere: {"id", "message"}.
http::Response cohere_error(const Fault& fault) {
  return json_response({{"id", new_id("err-")}, {"message", fault.message}}, fault.status);
}

}  // namespace

std::vector<Route> cohere_routes() {
  return {{.method = "POST",
           .path = "/v2/embed",
           .answer = answer_cohere,
           .error = cohere_error,
           .summary = "Embeds texts, images, or both: Cohere's dialect",
           .request_schema = "CohereRequest",
           .response_schema = "CohereResponse"}};
}

}  // namespace e5v::serve
