#pragma once
#include "serve/embedding_call.h"
#include "serve/object_reader.h"

namespace e5v::serve {

/// Reads the options of every dialect: prompt, normalize, dimensions, truncate, max_tiles. Throws a Refusal for a value
/// out of range.
struct RequestOptions {
  RunOptions run;
  PrepareOptions prepare;
};
RequestOptions options_of(const ObjectReader& body, const ServedModel& model);

/// Reads the number of dimensions from the key that a dialect has for it. Throws a Refusal if the model has fewer.
void set_dimensions(RequestOptions& options, const ObjectReader& body, std::string_view key, const ServedModel& model);

/// Throws a Refusal if a request has no items, or more than `most`.
void check_count(std::size_t items, std::size_t most, const std::string& field);

}  // namespace e5v::serve
