#include "image/decode.h"

#include <gmock/gmock.h>

#include "image_files.h"
#include "webp_files.h"

namespace e5v::image {
namespace {

using test::decode_text;
using test::refusal_of;
using testing::HasSubstr;

TEST(Decode, GivesThePixelsOfPil) {
  int images = 0;
  for (const Json& row : read_json(e5v::test::golden("preprocess/preprocess.json"))) {
    const std::string name = row["file"];
    SCOPED_TRACE(name);
    const Bitmap bitmap =
        decode_text(test::golden_image(name), {.apply_exif = row["exif_transposed"].get<bool>(), .drop_alpha = true});
    EXPECT_EQ(bitmap.width, row["width"]);
    EXPECT_EQ(bitmap.height, row["height"]);
    EXPECT_EQ(test::crc_of(bitmap.pixels), row["rgb"]["crc32"].get<std::uint32_t>());
    const auto samples = row["rgb"]["samples"].get<std::vector<int>>();
    const auto stride = row["rgb"]["sample_stride"].get<std::size_t>();
    for (std::size_t i = 0; i < samples.size(); ++i) ASSERT_EQ(bitmap.pixels[i * stride], samples[i]) << i;
    ++images;
  }
  EXPECT_EQ(images, 23);
}

TEST(Decode, AppliesExifUnlessTold) {
  const std::string file = test::golden_image("img09_exif6_480x320.jpg");
  EXPECT_EQ(decode_text(file).height, 480);
  EXPECT_EQ(decode_text(file, {.apply_exif = false}).height, 320);
}

TEST(Decode, FirstBytesTellWhetherAFileIsAPicture) {
  using namespace std::string_view_literals;
  for (const std::string_view start : {"\xFF\xD8\xFF\xE0"sv, "\x89PNG\r\n\x1A\n"sv, "RIFF\0\0\0\0WEBP"sv, "GIF89a"sv})
    EXPECT_TRUE(begins_as_image(start));
  for (const std::string_view start : {""sv, "\xFF\xD8"sv, "RIFF\0\0\0\0WAVE"sv, "GIF90a"sv, "<!DOCTYPE html>"sv})
    EXPECT_FALSE(begins_as_image(start));
}

TEST(Decode, OtherFormatsAreNamed) {
  EXPECT_THAT(refusal_of(""), HasSubstr("found an empty file"));
  EXPECT_THAT(
      refusal_of("qoif..."),
      HasSubstr("expected JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF or a camera's raw format, found a QOI image"));
  EXPECT_THAT(refusal_of("qoif..."), HasSubstr("; convert it to PNG or JPEG"));
  EXPECT_THAT(refusal_of("{\"error\":\n\"gone\"}"), HasSubstr("JSON text that starts with \"{\\\"error\\\":\\x0a"));
  EXPECT_THAT(refusal_of("version https://git-lfs.github.com/spec/v1\noid sha256:1234\n"),
              HasSubstr("a Git LFS pointer; fetch the image itself with: git lfs pull"));
  EXPECT_THAT(refusal_of("<!DOCTYPE html>"), HasSubstr("a web page (HTML); a server may have sent this"));
  EXPECT_THAT(refusal_of("hello"), HasSubstr("found text that starts with \"hello\"; a server"));
  EXPECT_THAT(refusal_of("\xFF\xD8"), HasSubstr("bytes of an unknown format (2 in all, first ff d8)"));
  EXPECT_THAT(refusal_of(std::string("RIFF\1\0\0\0WAVE", 12)), HasSubstr("52 49 46 46"));
}

// The last bytes of a JPEG (its end marker) and of a PNG (its end chunk) hold no pixels: PIL does not miss them.
void expect_prefixes_fail(const std::string& file, std::size_t spare) {
  const std::size_t step = std::max<std::size_t>(1, file.size() / 200);
  for (std::size_t size = 12; size + spare < file.size(); size += step)
    ASSERT_NE(refusal_of(std::string_view(file).substr(0, size)), "no error") << size << " of " << file.size();
}

TEST(Decode, FilesThatAreCutShortAreRefused) {
  const std::string jpeg = test::golden_image("img02_tall_200x901.jpg");
  EXPECT_THAT(refusal_of(jpeg.substr(0, jpeg.size() / 2)), HasSubstr("cut short at 10176 bytes"));
  expect_prefixes_fail(jpeg, 2);
  expect_prefixes_fail(test::golden_image("img12_rgb_333x517_prog444.jpg"), 2);
  const std::string png = test::golden_image("img05_gray_337x500.png");
  EXPECT_THAT(refusal_of(png.substr(0, png.size() / 2)), HasSubstr("cut short"));
  expect_prefixes_fail(png, 20);
  const std::string webp = test::lossy_webp();
  EXPECT_THAT(refusal_of(webp.substr(0, webp.size() / 2)), HasSubstr("cut short"));
  expect_prefixes_fail(webp, 1);
}

TEST(Decode, TooManyPixelsAreRefusedFromTheHeader) {
  const std::string bomb = test::make_png({.width = 60000, .height = 60000, .depth = 1, .color = 0}, "");
  EXPECT_THAT(refusal_of(bomb), HasSubstr("expected at most 178956970 pixels, found 60000x60000"));
  const std::string wide = test::make_png({.width = 0x7FFFFFFF, .height = 0x7FFFFFFF, .depth = 1, .color = 0}, "");
  EXPECT_THAT(refusal_of(wide), HasSubstr("found 2147483647x2147483647"));
  std::string jpeg = test::golden_image("img02_tall_200x901.jpg");
  const std::size_t frame = jpeg.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\xFF\xDC\xFF\xDC");
  EXPECT_THAT(refusal_of(jpeg), HasSubstr("found 65500x65500"));
  EXPECT_THAT(refusal_of(test::lossy_webp(), {.max_pixels = 1199}), HasSubstr("found 40x30"));
  EXPECT_EQ(refusal_of(test::lossy_webp(), {.max_pixels = 1200}), "no error");
}

}  // namespace
}  // namespace e5v::image
