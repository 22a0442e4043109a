#include "base/line_reader.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace e5v {
namespace {

/// Hands out text in pieces of a given size.
LineReader::Read in_pieces(std::string text, std::size_t piece) {
  return [text = std::move(text), piece, at = std::size_t{0}](std::span<char> buffer) mutable {
    const std::size_t count = std::min({text.size() - at, buffer.size(), piece});
    std::copy_n(text.data() + at, count, buffer.data());
    at += count;
    return count;
  };
}

TEST(LineReader, CutsLinesWhateverThePieces) {
  const std::string text = "first\nsecond\r\n\nfourth, which is too long\nfifth\n\xC3\xA9nd";
  for (const std::size_t piece : {1, 2, 3, 7, 1000}) {
    LineReader reader(in_pieces(text, piece), 10);
    std::vector<std::string> lines;
    for (auto result = reader.next(); result != LineReader::Result::end; result = reader.next()) {
      lines.push_back(result == LineReader::Result::too_long ? "(too long)" : std::string(reader.line()));
      EXPECT_EQ(reader.number(), static_cast<std::int64_t>(lines.size()));
    }
    EXPECT_THAT(lines, testing::ElementsAre("first", "second", "", "(too long)", "fifth", "\xC3\xA9nd"));
    EXPECT_EQ(reader.next(), LineReader::Result::end);
  }
}

TEST(LineReader, LineAtTheLimit) {
  LineReader reader(in_pieces("12345\n123456\n12345", 4), 5);
  EXPECT_EQ(reader.next(), LineReader::Result::line);
  EXPECT_EQ(reader.next(), LineReader::Result::too_long);
  EXPECT_EQ(reader.next(), LineReader::Result::line);
  EXPECT_EQ(reader.next(), LineReader::Result::end);
}

TEST(LineReader, DigestIsOfTheLinesReadSoFar) {
  const auto digest_after = [](const std::string& text, int lines) {
    LineReader reader(in_pieces(text, 4), 10);
    for (int i = 0; i < lines; ++i) reader.next();
    return reader.digest();
  };
  EXPECT_EQ(digest_after("a\nb\nc\n", 2), digest_after("a\nb\nd\n", 2));
  EXPECT_EQ(digest_after("a\nb", 2), digest_after("a\nb\nd\n", 2));  // a file may grow after its last line
  EXPECT_NE(digest_after("a\nb\nc\n", 3), digest_after("a\nb\nd\n", 3));
  EXPECT_NE(digest_after("a\nb\n", 1), digest_after("a\nb\n", 2));
  EXPECT_NE(digest_after("a line too long\n", 1), digest_after("a line too lonG\n", 1));
}

TEST(LineReader, OnlyTheEndOfALineIsCutOff) {
  LineReader reader(in_pieces("a\r\r\n\rb\n\r", 100), 10);
  std::vector<std::string> lines;
  while (reader.next() == LineReader::Result::line) lines.emplace_back(reader.line());
  EXPECT_THAT(lines, testing::ElementsAre("a\r", "\rb", ""));
}

TEST(LineReader, MemoryDoesNotGrowWithTheStream) {
  std::size_t largest = 0, left = 1000;
  LineReader reader(
      [&](std::span<char> buffer) {  // a line of 100 KB, over and over
        largest = std::max(largest, buffer.size());
        if (left-- == 0) return std::size_t{0};
        const std::size_t count = std::min<std::size_t>(buffer.size(), 100'000);
        std::fill_n(buffer.begin(), count, 'x');
        buffer[count - 1] = '\n';
        return count;
      },
      1 << 20);
  std::int64_t lines = 0;
  while (reader.next() == LineReader::Result::line) ++lines;
  EXPECT_GT(lines, 500);
  EXPECT_LT(largest, std::size_t{1} << 20);
}

}  // namespace
}  // namespace e5v
