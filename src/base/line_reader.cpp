#include "base/line_reader.h"

#include <algorithm>

namespace e5v {
namespace {

constexpr std::size_t kBlock = std::size_t{64} << 10;

}  // namespace

LineReader::Result LineReader::next() {
  std::size_t searched = begin_;
  std::size_t end = std::string::npos;
  bool ended = false;
  while ((end = buffer_.find('\n', searched)) == std::string::npos && !ended) {
    searched = buffer_.size() - begin_;
    if (searched > longest_) break;
    ended = !fill();  // moves what is left to the front
  }
  const bool last = end == std::string::npos;
  if (last && ended && begin_ == buffer_.size()) return Result::end;
  ++number_;
  const std::size_t length = (last ? buffer_.size() : end) - begin_;
  if (length > longest_) return pass_over();
  line_ = std::string_view(buffer_).substr(begin_, length);
  hasher_.add(line_).add("\n");
  begin_ += length + (last ? 0 : 1);
  if (line_.ends_with('\r')) line_.remove_suffix(1);
  return Result::line;
}

/// Appends a block of the stream to what is left in the buffer.
bool LineReader::fill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t left = buffer_.size();
  buffer_.resize(left + kBlock);
  const std::size_t count = read_(std::span(buffer_).subspan(left));
  buffer_.resize(left + count);
  return count > 0;
}

LineReader::Result LineReader::pass_over() {
  for (;;) {
    const std::size_t end = buffer_.find('\n', begin_);
    const std::string_view rest =
        std::string_view(buffer_).substr(begin_, end == std::string::npos ? end : end - begin_);
    hasher_.add(rest);
    begin_ += rest.size();
    if (end != std::string::npos) ++begin_;
    if (end != std::string::npos || !fill()) break;
  }
  hasher_.add("\n");
  line_ = {};
  return Result::too_long;
}

}  // namespace e5v
