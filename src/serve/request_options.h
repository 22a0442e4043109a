#pragma once
#include "serve/embedding_call.h"
#include "serve/object_reader.h"

namespace e5v::serve {

/// The options that every dialect takes, under the names that e5v has for them: prompt, normalize, dimensions,
/// truncate, max_tiles. Throws a Refusal for a value that is out of range.
struct RequestOptions {
  RunOptions run;
  PrepareOptions prepare;
};
RequestOptions options_of(const ObjectReader& body, const ServedModel& model);

/// `dimensions`, under the name that a dialect has for it. Throws a Refusal when the model has not so many.
void set_dimensions(RequestOptions& options, const ObjectReader& body, std::string_view key, const ServedModel& model);

/// Refuses more items than a request may have, and none at all.
void check_count(std::size_t items, std::size_t most, const std::string& field);

}  // namespace e5v::serve
