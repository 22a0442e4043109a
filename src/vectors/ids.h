#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

/// Ids of vectors, as files hold them that are not JSON: as text, one a line.
namespace e5v::vectors {

/// An id, a string or an integer, as one line without its end.
std::string id_text(const Json& id);

/// The ids of so many vectors; `name` leads the message. Throws InvalidInput when the text has more lines or fewer.
std::vector<std::string> parse_ids(std::string_view text, std::int64_t rows, const std::string& name);

}  // namespace e5v::vectors
