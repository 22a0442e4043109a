// Any bytes are lines that are items or InvalidInput, whatever the pieces in which they come; lines are cut as a plain
// split would cut them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "runs/items.h"

namespace {

using e5v::LineReader;
using e5v::runs::ItemReader;

/// Hands the bytes out in pieces.
LineReader::Read in_pieces(std::string_view bytes, std::size_t piece) {
  return [bytes, piece](std::span<char> buffer) mutable {
    const std::size_t count = std::min({bytes.size(), buffer.size(), piece});
    std::copy_n(bytes.data(), count, buffer.data());
    bytes.remove_prefix(count);
    return count;
  };
}

void require_that(bool condition) {
  if (!condition) std::abort();
}

e5v::Hash128 read_items(std::string_view bytes, std::size_t piece) {
  ItemReader reader(in_pieces(bytes, piece), "fuzz", "folder");
  for (;;) {
    try {
      const auto item = reader.next();
      if (!item) return reader.digest();
      require_that(item->input.text || !item->input.images.empty());
      require_that(e5v::is_valid_utf8(item->input.text.value_or("")));
      require_that(!item->id || item->id->is_string() || item->id->is_number_integer());
    } catch (const e5v::InvalidInput& error) {
      const std::string_view message = error.what();  // of a line, or of the file as a whole
      require_that(message.starts_with("[fuzz:") || message.starts_with("[fuzz] is a Git LFS pointer"));
    }
  }
}

void read_lines(std::string_view bytes, std::size_t piece, std::size_t longest) {
  LineReader reader(in_pieces(bytes, piece), longest);
  for (auto result = reader.next(); result != LineReader::Result::end; result = reader.next()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(std::min(bytes.size(), end + 1));
    require_that((result == LineReader::Result::too_long) == (line.size() > longest));
    if (line.ends_with('\r')) line.remove_suffix(1);
    require_that(result == LineReader::Result::too_long || reader.line() == line);
  }
  require_that(bytes.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = std::size_t{1} + data[0], longest = data[1];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  require_that(read_items(bytes, piece) == read_items(bytes, size));
  read_lines(bytes, piece, longest);
  return 0;
}
