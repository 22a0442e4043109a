#include "serve/dialects/vllm.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "api/embedder_impl.h"
#include "serve/dialects/openai.h"
#include "serve/dialects/openai_encoding.h"
#include "serve/inputs.h"
#include "serve/object_reader.h"
#include "serve/request_options.h"
#include "serve/similarity.h"

namespace e5v::serve {
namespace {

/// The maximum size of a text in bytes, and the maximum number of token ids, that is converted on a thread that other
/// requests wait for.
constexpr std::size_t kMaxTokenized = std::size_t{1} << 20;

std::string vllm_usage(std::int64_t tokens) {
  return fmt::format(R"("usage":{{"prompt_tokens":{0},"total_tokens":{0},"completion_tokens":0}})", tokens);
}

void answer_pooling(Exchange exchange) {
  const Json json = body_of(exchange);
  const Encoding encoding = encoding_of(ObjectReader(json));
  EmbeddingCall call = openai_call(exchange, json);
  check_inputs(encoding, call.items.size());
  embed_and_answer(std::move(exchange), std::move(call),
                   [encoding](const EmbeddingCall& done, const EmbeddedCall& embedded) {
                     if (encoding.is_bytes()) return bytes_answer(done, embedded, encoding, "pool-");
                     std::string body = fmt::format(R"({{"id":"{}","object":"list","created":{},"model":{},"data":[)",
                                                    new_id("pool-"), now_in_seconds(), Json(done.model->name).dump());
                     for (std::size_t i = 0; i < embedded.vectors.size(); ++i) {
                       body += fmt::format(R"({}{{"index":{},"object":"pooling","data":)", i > 0 ? "," : "", i);
                       append_value(body, embedded.vectors[i].vector, encoding);
                       body += '}';
                     }
                     return http::Response{.body = body + "]," + vllm_usage(embedded.tokens) + "}"};
                   });
}

/// Reads one side of a score: a string, an object {"content": [parts]} or {"text", "image"}, or a list of these.
std::vector<NamedInput> side_of(const Json& value, const std::string& field, const InputReading& reading) {
  const auto one = [&](const Json& item, const std::string& name) -> NamedInput {
    if (!item.is_object() || !item.contains("content")) return {input_of(item, name, reading), name};
    RequestInput input;
    add_content(input, item["content"], name + ".content", reading);
    if (!input.text && input.images.empty()) refuse_field(name, "expected a text or an image, found neither");
    return {std::move(input), name};
  };
  if (!value.is_array()) return {one(value, field)};
  check_count(value.size(), reading.max_items, field);
  std::vector<NamedInput> inputs;
  for (std::size_t i = 0; i < value.size(); ++i) inputs.push_back(one(value[i], fmt::format("{}[{}]", field, i)));
  return inputs;
}

/// A field of a request.
struct Field {
  const char* name;
  const Json& value;
};

/// Returns the first of these fields that the request has.
Field required(const ObjectReader& body, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (const Json* value = body.find(key)) return {key, *value};
  }
  refuse_field(*keys.begin(), "expected a string or a list, found nothing");
}

/// Returns a call with the items of the left side, followed by those of the right side.
EmbeddingCall call_of_sides(const Exchange& exchange, const ObjectReader& body, const Field& left, const Field& right,
                            std::size_t& left_count) {
  EmbeddingCall call = call_of(exchange, body.text("model").value_or(""));
  const InputReading reading{*call.model, exchange.context.images, exchange.context.max_items};
  const RequestOptions options = options_of(body, *call.model);
  add_items(call, side_of(left.value, left.name, reading), options);
  left_count = call.items.size();
  add_items(call, side_of(right.value, right.name, reading), options);
  return call;
}

/// Scores one left input with all right ones, or the pairs with the same index.
void answer_score(Exchange exchange) {
  const Json json = body_of(exchange);
  const ObjectReader body(json);
  std::size_t left = 0;
  const Field queries = required(body, {"queries", "text_1", "data_1"});
  const Field documents = required(body, {"documents", "items", "text_2", "data_2"});
  EmbeddingCall call = call_of_sides(exchange, body, queries, documents, left);
  const std::size_t right = call.items.size() - left;
  if (left != 1 && left != right)
    refuse_field(queries.name, "expected one, or as many as the {} {}, found {}", right, documents.name, left);
  embed_and_answer(
      std::move(exchange), std::move(call), [left](const EmbeddingCall& done, const EmbeddedCall& embedded) {
        Json data = Json::array();
        for (std::size_t i = 0; i + left < embedded.vectors.size(); ++i) {
          const std::span<const float> query = embedded.vectors[left == 1 ? 0 : i].vector;
          data.push_back(
              {{"index", i}, {"object", "score"}, {"score", cosine(query, embedded.vectors[left + i].vector)}});
        }
        return json_response({{"id", new_id("score-")},
                              {"object", "list"},
                              {"created", now_in_seconds()},
                              {"model", done.model->name},
                              {"data", std::move(data)},
                              {"usage", {{"prompt_tokens", embedded.tokens}, {"total_tokens", embedded.tokens}}}});
      });
}

void answer_rerank(Exchange exchange) {
  const Json json = body_of(exchange);
  const ObjectReader body(json);
  std::size_t queries = 0;
  const Field documents = required(body, {"documents"});
  EmbeddingCall call = call_of_sides(exchange, body, required(body, {"query"}), documents, queries);
  if (queries != 1) refuse_field("query", "expected one query, found {}", queries);
  const std::int64_t count = static_cast<std::int64_t>(call.items.size()) - 1;
  const std::int64_t top =
      std::min(count, body.whole("top_n", 0, std::numeric_limits<std::int32_t>::max()).value_or(count));
  embed_and_answer(std::move(exchange), std::move(call),
                   [documents = documents.value, top](const EmbeddingCall& done, const EmbeddedCall& embedded) {
                     std::vector<double> scores;
                     for (std::size_t i = 1; i < embedded.vectors.size(); ++i)
                       scores.push_back(cosine(embedded.vectors[0].vector, embedded.vectors[i].vector));
                     std::vector<std::size_t> order(scores.size());
                     std::iota(order.begin(), order.end(), 0u);
                     std::ranges::stable_sort(order,
                                              [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
                     if (top > 0) order.resize(static_cast<std::size_t>(top));
                     Json results = Json::array();
                     for (const std::size_t i : order) {
                       const Json& document = documents.is_array() ? documents[i] : documents;
                       results.push_back({{"index", i},
                                          {"document", document.is_string() ? Json{{"text", document}} : document},
                                          {"relevance_score", scores[i]}});
                     }
                     return json_response({{"id", new_id("rerank-")},
                                           {"model", done.model->name},
                                           {"results", std::move(results)},
                                           {"usage", {{"total_tokens", embedded.tokens}}}});
                   });
}

void answer_tokenize(Exchange exchange) {
  const Json json = body_of(exchange);
  const ObjectReader body(json);
  const auto model = exchange.context.models.find(body.text("model").value_or(""));
  const std::string field = body.has("messages") ? "messages" : "prompt";
  std::string text;
  if (const Json* messages = body.find("messages")) {
    if (body.has("prompt")) refuse_field("prompt", "expected prompt or messages, found both");
    text = input_from_messages(*messages, "messages", {*model, exchange.context.images}).text.value_or("");
  } else {
    text = text_of(required(body, {"prompt"}).value, "prompt");
  }
  if (text.size() > kMaxTokenized)
    refuse_field(field, "expected a text of at most {} bytes, found {}", kMaxTokenized, text.size());
  const std::vector<std::int32_t> tokens = model->embedder.impl().engine->preparer()->tokenizer().encode(
      text, body.flag("add_special_tokens").value_or(!body.has("messages")));
  exchange.responder->send(json_response(
      {{"count", tokens.size()}, {"max_model_len", model->context}, {"tokens", tokens}, {"token_strs", nullptr}}));
}

void answer_detokenize(Exchange exchange) {
  const Json json = body_of(exchange);
  const ObjectReader body(json);
  const auto model = exchange.context.models.find(body.text("model").value_or(""));
  const Json& tokens = required(body, {"tokens"}).value;
  if (tokens.size() > kMaxTokenized)
    refuse_field("tokens", "expected at most {} token ids, found {}", kMaxTokenized, tokens.size());
  exchange.responder->send(json_response({{"prompt", model->text_of(token_ids_of(tokens, "tokens"), "tokens")}}));
}

void answer_load(Exchange exchange) {
  std::int64_t queued = 0;
  for (const std::shared_ptr<ServedModel>& model : exchange.context.models.all())
    queued += model->embedder.counters().queued;
  exchange.responder->send(json_response({{"server_load", queued}}));
}

Route post(std::string_view path, void (*answer)(Exchange), std::string_view summary, std::string_view request,
           std::string_view response) {
  return {.method = "POST",
          .path = path,
          .answer = answer,
          .error = openai_error,
          .summary = summary,
          .request_schema = request,
          .response_schema = response};
}

}  // namespace

std::vector<Route> vllm_routes() {
  std::vector<Route> routes = {
      {.method = "POST",
       .path = "/pooling",
       .answer = answer_pooling,
       .error = openai_error,
       .summary = "Embeds like /v1/embeddings and answers as vLLM's /pooling",
       .request_schema = "OpenAiRequest",
       .response_schema = "PoolingResponse",
       .other_response_type = "application/octet-stream"},
      post("/tokenize", answer_tokenize, "The token ids of a text", "TokenizeRequest", "TokenizeResponse"),
      post("/detokenize", answer_detokenize, "The text of token ids", "DetokenizeRequest", "DetokenizeResponse"),
      {.method = "GET",
       .path = "/load",
       .answer = answer_load,
       .error = openai_error,
       .summary = "The number of inputs that wait",
       .response_schema = "Status"},
  };
  for (const char* path : {"/score", "/v1/score"})
    routes.push_back(post(path, answer_score, "Cosine similarities of pairs", "ScoreRequest", "ScoreResponse"));
  for (const char* path : {"/rerank", "/v1/rerank", "/v2/rerank"})
    routes.push_back(post(path, answer_rerank, "Documents in the order of their cosine similarity to a query",
                          "RerankRequest", "RerankResponse"));
  return routes;
}

}  // namespace e5v::serve
