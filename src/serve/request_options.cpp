#include "serve/request_options.h"

#include "serve/refusal.h"

namespace e5v::serve {

void set_dimensions(RequestOptions& options, const ObjectReader& body, std::string_view key, const ServedModel& model) {
  if (const auto dimensions = body.whole(key, 1, model.embedder.width())) options.run.dimensions = *dimensions;
}

RequestOptions options_of(const ObjectReader& body, const ServedModel& model) {
  RequestOptions options;
  if (auto prompt = body.text("prompt")) options.run.prompt = std::move(*prompt);
  if (const auto normalize = body.flag("normalize")) options.run.normalize = *normalize;
  if (const auto truncate = body.flag("truncate")) options.prepare.truncate = *truncate;
  if (const auto tiles = body.whole("max_tiles", 1, PrepareOptions::kMaxTiles))
    options.prepare.max_tiles = static_cast<int>(*tiles);
  set_dimensions(options, body, "dimensions", model);
  return options;
}

void check_count(std::size_t items, std::size_t most, const std::string& field) {
  if (items == 0) refuse_field(field, "expected at least one input, found none");
  if (items > most) refuse_field(field, "expected at most {} inputs, found {}", most, items);
}

}  // namespace e5v::serve
