#include <gmock/gmock.h>

#include "image/format_files.h"

// tests/image/formats_pillow_test compares pixels with pillow-heif.

namespace e5v::image {
namespace {

using test::format_file;
using test::refusal_of;
using testing::HasSubstr;

TEST(Heif, CutFilesAreRefused) {
  const std::string file = format_file("HEIC", "grey");
  test::expect_cuts_refused(file);
  EXPECT_EQ(refusal_of(file.substr(0, file.size() - 10)),
            fmt::format("[test] HEIC: expected the whole image, found a file cut short at {} bytes", file.size() - 10));
}

TEST(Heif, ChangedBytesDoNoHarm) { test::expect_changes_survived(format_file("HEIC", "grey")); }

TEST(Heif, TooManyPixelsAreRefusedFromTheHeader) {
  std::string file = format_file("HEIC", "4:4:4");
  EXPECT_EQ(refusal_of(file, {.max_pixels = 24 * 20 - 1}), "[test] HEIC: expected at most 479 pixels, found 24x20");
  // It is stored as 64 x 64 pixels, of which only these are shown.
  EXPECT_EQ(refusal_of(file, {.max_pixels = 24 * 20}), "[test] HEIC: expected at most 480 pixels, found 64x64");
  EXPECT_EQ(refusal_of(file, {.max_pixels = 64 * 64}), "no error");
  const std::size_t size = file.find("ispe") + 8;
  file.replace(size, 8, test::big_endian(30000, 4) + test::big_endian(30000, 4));
  EXPECT_THAT(refusal_of(file), HasSubstr("HEIC: expected at most 178956970 pixels, found 30000x30000"));
}

TEST(Heif, ItsRotationIsPartOfTheImage) {
  const std::string file = format_file("HEIC", "orientation 6");
  EXPECT_EQ(test::decode_text(file).width, 20);
  EXPECT_EQ(test::decode_text(file, {.apply_exif = false}).width, 20);
  EXPECT_EQ(test::decode_text(format_file("HEIC", "orientation in EXIF alone")).width, 24);
}

}  // namespace
}  // namespace e5v::image
