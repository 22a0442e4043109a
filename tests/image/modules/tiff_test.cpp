#include <gmock/gmock.h>

#include "image/format_files.h"

// tests/image/formats_pillow_test compares pixels with Pillow.

namespace e5v::image {
namespace {

using test::format_file;
using test::refusal_of;
using testing::HasSubstr;

/// The file with another value of a tag, whose value is in the directory.
std::string with_tag(const std::string& file, std::uint32_t tag, std::uint32_t value) {
  for (const std::uint32_t type : {3, 4}) {
    const std::string entry = test::little_endian(tag, 2) + test::little_endian(type, 2) + test::little_endian(1, 4);
    const std::size_t at = file.find(entry);
    if (at != std::string::npos) return test::with_number(file, at + 8, value, type == 3 ? 2 : 4);
  }
  ADD_FAILURE() << "no tag " << tag;
  return file;
}

TEST(Tiff, CutFilesAreRefused) {
  // The directory is after the pixels, and after it are lists of the number of bits and of the format of each sample.
  for (const char* name : {"strips", "compressed planes", "palette of 4 bits", "of Pillow, jpeg of RGB"}) {
    const std::string file = format_file("TIFF", name);
    for (std::size_t size = 0; size < file.size(); size += 7) test::expect_no_crash(file.substr(0, size));
    EXPECT_NE(refusal_of(file.substr(0, file.size() / 2)), "no error") << name;
  }
  const std::string file = format_file("TIFF", "grey of 8 bits");
  test::expect_cuts_refused(file, 4);  // the place of the next directory
}

TEST(Tiff, PixelsBeyondTheEndAreRefused) {
  const std::string file = format_file("TIFF", "grey of 8 bits");
  EXPECT_THAT(refusal_of(with_tag(file, 273, 100'000)), HasSubstr("[test] TIFF: expected decodable data, found: "));
}

TEST(Tiff, ChangedBytesDoNoHarm) {
  for (const char* name : {"grey of 8 bits", "palette of 4 bits", "RGB and (2,) of 16 bits <", "tiles of planes",
                           "orientation 6 of YCbCr", "of Pillow, group4"}) {
    const std::string file = format_file("TIFF", name);
    test::expect_changes_survived(file, 0, 64);
    test::expect_changes_survived(file, file.size() - std::min<std::size_t>(file.size(), 256), file.size());
  }
}

TEST(Tiff, TooManyPixelsAreRefused) {
  const std::string file = format_file("TIFF", "grey of 8 bits");
  EXPECT_EQ(refusal_of(file, {.max_pixels = 76}), "[test] TIFF: expected at most 76 pixels, found 11x7");
  EXPECT_THAT(refusal_of(with_tag(file, 256, 0x7FFFFFFF)), HasSubstr("TIFF: expected at most 178956970 pixels, found"));
  EXPECT_THAT(refusal_of(with_tag(file, 256, 0)), HasSubstr("TIFF: expected"));
  const std::string tiles = format_file("TIFF", "compressed tiles");
  EXPECT_THAT(refusal_of(with_tag(tiles, 322, 1 << 20)), HasSubstr("TIFF"));
}

TEST(Tiff, OrientationMayBeLeftOut) {
  const std::string file = format_file("TIFF", "orientation 6");
  EXPECT_EQ(test::decode_text(file).width, 7);
  EXPECT_EQ(test::decode_text(file, {.apply_exif = false}).width, 11);
}

TEST(Tiff, SamplesOfOtherKindsAreRefused) {
  const std::string file = format_file("TIFF", "grey of 8 bits");
  EXPECT_EQ(refusal_of(with_tag(file, 262, 8)),
            "[test] TIFF: expected grey, a palette, RGB, CMYK or YCbCr, found photometric interpretation 8");
  EXPECT_EQ(refusal_of(with_tag(file, 258, 12)),
            "[test] TIFF: expected samples of a usual size, found 12 bits of format 1");
}

}  // namespace
}  // namespace e5v::image
