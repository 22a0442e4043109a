#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/line_reader.h"

/// Vectors as JSON Lines, both ways.
namespace e5v::vectors {

/// {"id": ..., "embedding": [...]} and a line end. Each number is the shortest that reads back as the same float.
void append_json_row(const Json& id, std::span<const float> vector, std::string& out);

/// Vectors in memory.
struct JsonRows {
  std::vector<float> numbers;  ///< [rows, width]
  std::int64_t rows = 0, width = 0;
  std::vector<std::string> ids;  ///< [rows] as text; empty when no line has one
};

/// Reads such lines to their end: "embedding" is an array of numbers, as long in all lines; "id", a string or an
/// integer, stands in all lines or in none. Blank lines and other keys are passed over. `name` leads the messages.
/// Throws InvalidInput for the first line that is something else, and when there is no vector.
JsonRows read_json_rows(LineReader::Read read, const std::string& name);

}  // namespace e5v::vectors
