#include "image/png_chunks.h"

#include <gmock/gmock.h>

#include "image_files.h"

namespace e5v::image {
namespace {

using test::png_chunk;
using namespace std::string_literals;

constexpr std::size_t kMost = 1000;

/// The names and lengths of the chunks of a file, with a mark for those that are not sound.
std::string chunks_of(const std::string& file) {
  PngChunks chunks(test::bytes_of(file));
  std::string text;
  while (const auto chunk = chunks.next())
    text += std::string(chunk->name) + std::to_string(chunk->data.size()) + (chunk->sound() ? " " : "! ");
  return text;
}

/// The value of a text chunk; "none" without one.
std::string value_of(const std::string& name, const std::string& data, std::size_t most = kMost) {
  const std::string file = "12345678" + png_chunk(name, data);
  const auto text = PngText::of(*PngChunks(test::bytes_of(file)).next());
  return text ? text->value(most).value_or("none") : "none";
}

TEST(PngChunks, AreWalkedToTheEnd) {
  EXPECT_EQ(chunks_of(test::make_png({}, "\0abc"s, png_chunk("tEXt", "hi"))), "IHDR13 tEXt2 IDAT12 IEND0 ");
  EXPECT_EQ(chunks_of(""), "");
  EXPECT_EQ(chunks_of("12345678"), "");
}

TEST(PngChunks, EndWhereNoChunkCanBe) {
  const std::string first = "12345678" + png_chunk("tEXt", "hi");
  EXPECT_EQ(chunks_of(first + test::big_endian(5, 4) + "tEXtabcd"), "tEXt2 ") << "longer than the file";
  EXPECT_EQ(chunks_of(first + test::big_endian(0xFFFFFFFF, 4) + "tEXtabcd"), "tEXt2 ");
  EXPECT_EQ(chunks_of(first + png_chunk("a-b ", "")), "tEXt2 ") << "no name";
  EXPECT_EQ(chunks_of(first + "\0\0\0"s), "tEXt2 ");
}

TEST(PngChunks, AreSoundWithARightChecksum) {
  std::string file = "12345678" + png_chunk("tEXt", "hi");
  EXPECT_EQ(chunks_of(file.substr(0, file.size() - 1)), "tEXt2! ") << "a checksum cut short";
  EXPECT_EQ(chunks_of(file.substr(0, file.size() - 4)), "tEXt2! ");
  file[file.size() - 5] ^= 1;
  EXPECT_EQ(chunks_of(file), "tEXt2! ");
}

TEST(PngText, FollowsItsKeyword) {
  EXPECT_EQ(value_of("tEXt", "key\0some\0text"s), "some\0text"s);
  EXPECT_EQ(value_of("tEXt", "key\0"s), "");
  EXPECT_EQ(value_of("tEXt", "no end of a keyword"), "none");
  EXPECT_EQ(value_of("tIME", "key\0text"s), "none");
  const std::string file = "12345678" + png_chunk("tEXt", "key\0text"s);
  EXPECT_EQ(PngText::of(*PngChunks(test::bytes_of(file)).next())->keyword, "key");
}

TEST(PngText, IsDecompressed) {
  const std::string packed = test::zlib_compressed("some text");
  EXPECT_EQ(value_of("zTXt", "key\0\0"s + packed), "some text");
  EXPECT_EQ(value_of("zTXt", "key\0\1"s + packed), "none") << "an unknown compression";
  EXPECT_EQ(value_of("zTXt", "key\0"s), "none");
  EXPECT_EQ(value_of("zTXt", "key\0\0no zlib stream"s), "") << "as Pillow has it";
}

// A keyword, whether it is compressed and how, a language, the keyword in that language, the text.
TEST(PngText, MayBeInternational) {
  const std::string packed = test::zlib_compressed("some text");
  EXPECT_EQ(value_of("iTXt", "key\0\0\0en\0Wort\0some text"s), "some text");
  EXPECT_EQ(value_of("iTXt", "key\0\1\0en\0Wort\0"s + packed), "some text");
  EXPECT_EQ(value_of("iTXt", "key\0\1\1en\0Wort\0"s + packed), "none") << "an unknown compression";
  EXPECT_EQ(value_of("iTXt", "key\0\1\0en\0Wort\0no zlib stream"s), "none");
  EXPECT_EQ(value_of("iTXt", "key\0\0\0en\0some text"s), "none") << "a field is missing";
  EXPECT_EQ(value_of("iTXt", "key\0\0"s), "none");
}

TEST(PngText, OfTooManyBytesIsNone) {
  const std::string packed = test::zlib_compressed(std::string(20000, 'x'));
  EXPECT_EQ(value_of("iTXt", "key\0\1\0\0\0"s + packed, 20000).size(), 20000u);
  EXPECT_EQ(value_of("iTXt", "key\0\1\0\0\0"s + packed, 19999), "none");
  EXPECT_EQ(value_of("zTXt", "key\0\0"s + packed, 19999), "");
}

TEST(PngText, AStreamThatIsCutShortGivesWhatThereIs) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += std::to_string(i * i % 997);
  const std::string packed = test::zlib_compressed(text);
  const std::string found = value_of("iTXt", "key\0\1\0\0\0"s + packed.substr(0, packed.size() / 2), 10000);
  EXPECT_GT(found.size(), 100u);
  EXPECT_LT(found.size(), text.size());
  EXPECT_TRUE(text.starts_with(found));
}

}  // namespace
}  // namespace e5v::image
