#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace e5v {

/// Cuts a stream of bytes into lines, in memory that does not grow with the stream. Lines end with "\n" or "\r\n"; the
/// last one needs no end.
class LineReader {
 public:
  /// Fills the buffer with at least one byte and says with how many; 0 at the end of the stream.
  using Read = std::function<std::size_t(std::span<char> buffer)>;

  LineReader(Read read, std::size_t longest_line) : read_(std::move(read)), longest_(longest_line) {}

  enum class Result { line, too_long, end };

  /// Moves to the next line. A line that is too long is passed over; number() is its number.
  Result next();

  /// The line without its end; valid until the next call.
  std::string_view line() const { return line_; }
  /// Counted from 1.
  std::int64_t number() const { return number_; }
  /// Hash of all lines so far; the last one counts as ended.
  Hash128 digest() const { return hasher_.digest(); }

 private:
  bool fill();
  Result pass_over();

  Read read_;
  std::size_t longest_;
  std::string buffer_;  // bytes [begin_, size) are read and not yet handed out
  std::size_t begin_ = 0;
  std::string_view line_;
  std::int64_t number_ = 0;
  Hasher hasher_;
};

}  // namespace e5v
