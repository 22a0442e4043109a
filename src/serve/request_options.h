#pragma once
#include <vector>

#include "serve/embedding_call.h"
#include "serve/inputs.h"
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

/// The maximum size of a prompt in bytes. Each input of a request has a copy of its prompt, and a model keeps the
/// prompts of recent requests.
inline constexpr std::size_t kMaxPromptBytes = 65536;
/// Reads the name of a prompt or a template. Throws a Refusal.
const std::string& prompt_of(const Json& value, const std::string& field);
/// Reads the prompt of an object from the key that a dialect has for it.
std::optional<std::string> prompt_of(const ObjectReader& object, std::string_view key);

/// Throws a Refusal if a request has no items, or more than `max_items`.
void check_count(std::size_t items, std::size_t max_items, const std::string& field);

/// Adds inputs with the same options to a call.
void add_items(EmbeddingCall& call, std::vector<NamedInput> inputs, const RequestOptions& options);

}  // namespace e5v::serve
