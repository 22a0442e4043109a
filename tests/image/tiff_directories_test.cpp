#include "image/tiff_directories.h"

#include <gtest/gtest.h>

#include "format_files.h"

namespace e5v::image {
namespace {

using test::little_endian;

struct TiffEntry {
  std::uint32_t tag, value, type = 4, count = 1;
};

/// A directory, and where the next one is.
std::string directory(const std::vector<TiffEntry>& entries, std::uint32_t next = 0) {
  std::string text = little_endian(static_cast<std::uint32_t>(entries.size()), 2);
  for (const TiffEntry& entry : entries)
    text += little_endian(entry.tag, 2) + little_endian(entry.type, 2) + little_endian(entry.count, 4) +
            little_endian(entry.value, 4);
  return text + little_endian(next, 4);
}

bool is_raw(const std::string& directories) {
  return is_raw_tiff(test::bytes_of(std::string("II*\0", 4) + little_endian(8, 4) + directories));
}

constexpr std::uint32_t kOneEntry = 8 + 2 + 12 + 4;  // where a second directory begins

TEST(TiffDirectories, MarksOfCamerasAreFound) {
  EXPECT_FALSE(is_raw(directory({{262, 2}, {259, 7}})));
  EXPECT_TRUE(is_raw(directory({{262, 32803, 3}})));
  EXPECT_TRUE(is_raw(directory({{262, 34892, 3}})));
  EXPECT_TRUE(is_raw(directory({{259, 34713, 3}})));
  EXPECT_TRUE(is_raw(directory({{50706, 0x401, 1, 4}})));
}

TEST(TiffDirectories, FurtherAndInnerOnesCount) {
  const std::string raw = directory({{262, 32803, 3}});
  EXPECT_TRUE(is_raw(directory({{262, 2}}, kOneEntry) + raw));
  EXPECT_TRUE(is_raw(directory({{330, kOneEntry}}) + raw));
  EXPECT_TRUE(
      is_raw(directory({{330, kOneEntry, 4, 2}}) + little_endian(0, 4) + little_endian(kOneEntry + 8, 4) + raw));
  EXPECT_FALSE(is_raw(directory({{330, 5000}}, 6000)));
}

TEST(TiffDirectories, CirclesEnd) {
  EXPECT_FALSE(is_raw(directory({{330, 8}}, 8)));
  EXPECT_FALSE(is_raw(directory({{262, 2}}, kOneEntry) + directory({{330, 8}}, 8)));
}

TEST(TiffDirectories, CutAndChangedFilesAreJudged) {
  std::string file = test::format_file("RAW", "one preview");
  for (std::size_t size = 0; size < file.size(); ++size)
    is_raw_tiff(test::bytes_of(std::string_view(file).substr(0, size)));
  for (std::size_t at = 0; at < file.size(); ++at) {
    const char before = std::exchange(file[at], '\xFF');
    is_raw_tiff(test::bytes_of(file));
    file[at] = before;
  }
  EXPECT_TRUE(is_raw_tiff(test::bytes_of(file)));
}

}  // namespace
}  // namespace e5v::image
