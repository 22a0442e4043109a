#include <gmock/gmock.h>

#include "image/format_files.h"

// tests/image/formats_pillow_test compares pixels with those of the preview.

namespace e5v::image {
namespace {

using test::format_file;
using test::refusal_of;
using testing::HasSubstr;

TEST(Raw, TheLargestPreviewIsTheImage) {
  const std::string file = format_file("RAW", "orientation 6");
  const Bitmap bitmap = test::decode_text(file);
  EXPECT_EQ(bitmap.width, 40);
  EXPECT_EQ(bitmap.height, 48);
  EXPECT_EQ(test::decode_text(file, {.apply_exif = false}).width, 48);
}

TEST(Raw, AFileWithoutPreviewIsRefused) {
  const Json file = read_json(e5v::test::golden("formats/pixels.json")).at("raw_without_preview");
  EXPECT_EQ(refusal_of(test::from_hex(file)),
            "[test] RAW: expected an embedded JPEG preview, found none; convert the file to JPEG with a raw developer");
}

TEST(Raw, AnUnknownRawFileIsRefused) {
  EXPECT_THAT(refusal_of("FUJIFILMCCD-RAW 0201"),
              HasSubstr("[test] RAW: expected a raw file that libraw knows, found: "));
}

TEST(Raw, CutAndChangedFilesDoNoHarm) {
  const std::string file = format_file("RAW", "one preview");
  for (std::size_t size = 0; size < file.size(); ++size) test::expect_no_crash(file.substr(0, size));
  test::expect_changes_survived(file, file.size() - 512, file.size());  // the directories
  EXPECT_NE(refusal_of(file.substr(0, 600)), "no error");
}

TEST(Raw, TooManyPixelsAreRefused) {
  EXPECT_EQ(refusal_of(format_file("RAW", "one preview"), {.max_pixels = 48 * 40 - 1}),
            "[test] JPEG: expected at most 1919 pixels, found 48x40");
}

}  // namespace
}  // namespace e5v::image
