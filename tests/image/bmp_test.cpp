#include <gmock/gmock.h>

#include "format_files.h"

// tests/image/formats_pillow_test compares pixels with Pillow.

namespace e5v::image {
namespace {

using test::format_file;
using test::refusal_of;
using testing::HasSubstr;

TEST(Bmp, CutFilesAreRefusedUpToTheLastPixel) {
  test::expect_cuts_refused(format_file("BMP", "1 bits"), 2);  // the padding of the last row
  test::expect_cuts_refused(format_file("BMP", "8 bits"), 3);
  test::expect_cuts_refused(format_file("BMP", "24 bits"), 1);
  test::expect_cuts_refused(format_file("BMP", "masks after a short header"));
  EXPECT_THAT(refusal_of(format_file("BMP", "24 bits").substr(0, 100)),
              HasSubstr("BMP: expected 139 bytes of pixels, found a file cut short at 100 bytes"));
}

TEST(Bmp, CutRunsAreRefused) {
  for (const char* name : {"runs of 8 bits", "runs of 4 bits"}) {
    const std::string file = format_file("BMP", name);
    test::expect_cuts_refused(file, 2);  // the mark of the end
    EXPECT_THAT(refusal_of(file.substr(0, file.size() - 4)), HasSubstr("BMP: expected 45 pixels in runs, found 36"));
  }
}

TEST(Bmp, ChangedBytesDoNoHarm) {
  for (const char* name : {"4 bits", "565", "runs of 8 bits", "runs of 4 bits", "masks of header 56"})
    test::expect_changes_survived(format_file("BMP", name));
}

TEST(Bmp, TooManyPixelsAreRefused) {
  const std::string file = format_file("BMP", "24 bits");
  EXPECT_THAT(refusal_of(file, {.max_pixels = 44}), HasSubstr("BMP: expected at most 44 pixels, found 9x5"));
  EXPECT_THAT(refusal_of(test::with_number(file, 18, 0x7FFFFFFF, 4)), HasSubstr("found 2147483647x5"));
  EXPECT_THAT(refusal_of(test::with_number(file, 18, 0xFFFFFFFF, 4)), HasSubstr("found a size of 4294967295x5"));
  EXPECT_THAT(refusal_of(test::with_number(file, 22, 0x80000000, 4)), HasSubstr("found a size of 9x2147483648"));
  EXPECT_THAT(refusal_of(test::with_number(file, 18, 0, 4)), HasSubstr("found a size of 0x5"));
  // A size that is acceptable takes no more bytes than the file has.
  EXPECT_THAT(refusal_of(test::with_number(file, 22, 10'000'000, 4)), HasSubstr("found a file cut short"));
}

}  // namespace
}  // namespace e5v::image
