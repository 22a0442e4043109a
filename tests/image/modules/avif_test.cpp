#include <gmock/gmock.h>

#include "image/format_files.h"

// tests/image/formats_pillow_test compares pixels with Pillow.

namespace e5v::image {
namespace {

using test::format_file;
using test::refusal_of;
using testing::HasSubstr;

TEST(Avif, CutFilesAreRefused) {
  const std::string file = format_file("AVIF", "smooth 4:2:0");
  test::expect_cuts_refused(file, 1);  // the last byte of the data holds no bits
  EXPECT_EQ(refusal_of(file.substr(0, file.size() - 30)),
            fmt::format("[test] AVIF: expected the whole image, found a file cut short at {} bytes", file.size() - 30));
}

TEST(Avif, ChangedBytesDoNoHarm) { test::expect_changes_survived(format_file("AVIF", "smooth 4:4:4")); }

TEST(Avif, TooManyPixelsAreRefused) {
  std::string file = format_file("AVIF", "opaque 4:4:4");
  EXPECT_NE(refusal_of(file, {.max_pixels = 24 * 20 - 1}), "no error");
  EXPECT_EQ(refusal_of(file, {.max_pixels = 24 * 20}), "no error");
  const std::size_t size = file.find("ispe") + 8;
  file.replace(size, 8, test::big_endian(60000, 4) + test::big_endian(60000, 4));
  EXPECT_THAT(refusal_of(file), HasSubstr("[test] AVIF: expected"));
}

}  // namespace
}  // namespace e5v::image
