#include "serve/request_options.h"

#include "serve/refusal.h"

namespace e5v::serve {

void set_dimensions(RequestOptions& options, const ObjectReader& body, std::string_view key, const ServedModel& model) {
  if (const auto dimensions = body.whole(key, 1, model.embedder.width())) options.run.dimensions = *dimensions;
}

RequestOptions options_of(const ObjectReader& body, const ServedModel& model) {
  RequestOptions options;
  if (auto prompt = prompt_of(body, "prompt")) options.run.prompt = std::move(*prompt);
  if (const auto normalize = body.flag("normalize")) options.run.normalize = *normalize;
  if (const auto truncate = body.flag("truncate")) options.prepare.truncate = *truncate;
  if (const auto tiles = body.whole("max_tiles", 1, PrepareOptions::kMaxTiles))
    options.prepare.max_tiles = static_cast<int>(*tiles);
  set_dimensions(options, body, "dimensions", model);
  return options;
}

const std::string& prompt_of(const Json& value, const std::string& field) {
  const std::string& prompt = text_of(value, field);
  if (prompt.size() > kMaxPromptBytes)
    refuse_field(field, "expected a prompt of at most {} bytes, found {}", kMaxPromptBytes, prompt.size());
  return prompt;
}

std::optional<std::string> prompt_of(const ObjectReader& object, std::string_view key) {
  const Json* value = object.find(key);
  if (value == nullptr) return std::nullopt;
  return prompt_of(*value, object.name_of(key));
}

void check_count(std::size_t items, std::size_t max_items, const std::string& field) {
  if (items == 0) refuse_field(field, "expected at least one input, found none");
  if (items > max_items) refuse_field(field, "expected at most {} inputs, found {}", max_items, items);
}

void add_items(EmbeddingCall& call, std::vector<NamedInput> inputs, const RequestOptions& options) {
  for (NamedInput& input : inputs)
    call.items.push_back({std::move(input.input), options.run, options.prepare, std::move(input.field)});
}

}  // namespace e5v::serve
