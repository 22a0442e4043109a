#include "vectors/ids.h"

#include <algorithm>

#include "base/error.h"

namespace e5v::vectors {

std::string id_text(const Json& id) { return id.is_string() ? id.get<std::string>() : id.dump(); }

std::vector<std::string> parse_ids(std::string_view text, std::int64_t rows, const std::string& name) {
  const std::int64_t lines = std::ranges::count(text, '\n') + (text.empty() || text.ends_with('\n') ? 0 : 1);
  require(lines == rows, "[{}] has {} ids, expected {}, one a vector", name, lines, rows);
  std::vector<std::string> ids;
  ids.reserve(static_cast<std::size_t>(rows));
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    ids.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return ids;
}

}  // namespace e5v::vectors
