#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "library/filter.h"
#include "stores/photo_store.h"

/// Photos as objects with fields, for servers that filter by fields.
namespace e5v::stores::rest {

/// The fields that filters ask for, the hash, and in "photo" a text with everything but the vector: servers keep texts
/// as they are, but not all numbers.
Json fields_of(const StoredPhoto& photo);
/// The photo of "photo", with a vector that the server gave as f32 numbers: whether a 0 was negative, JSON does not
/// keep. Throws InvalidInput, which begins with `origin`, for any other text.
StoredPhoto photo_of(const Json& fields, const std::string& origin, std::span<const float> vector = {});

/// A condition on a field.
struct Condition {
  enum class Kind {
    at_least,  ///< the field is a number that is not lower
    at_most,   ///< it is a number that is not higher
    any_of,    ///< it is one of the texts
    has,       ///< it is a list that has the first of the texts
  };
  std::string field;
  Kind kind = Kind::at_least;
  double number = 0;
  std::vector<std::string> texts = {};
};

/// Whether fields fulfil a condition: the definition, which tests compare servers with.
bool holds(const Condition& condition, const Json& fields);

/// The conditions of a filter, all of which must hold. `cameras` are those of all photos: servers cannot search for
/// parts of names, so those that have the part are listed.
std::vector<Condition> conditions_of(const library::Filter& filter, const std::vector<std::string>& cameras);
/// The condition that a photo has a file.
Condition has_file(const std::string& path);

}  // namespace e5v::stores::rest
