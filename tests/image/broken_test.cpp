#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <webp/encode.h>

#include "base/error.h"
#include "image_files.h"

// What is not a whole, sound image ends in InvalidInput that says so.

namespace e5v::image {
namespace {

using test::decode_text;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string message_for(std::string_view file, const DecodeOptions& options = {}) {
  try {
    decode_text(file, options);
  } catch (const InvalidInput& error) {
    EXPECT_THAT(error.what(), StartsWith("[test] "));
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "no error";
}

std::string small_webp() {
  const std::vector<std::uint8_t> rgb(40 * 30 * 3, 77);
  std::uint8_t* encoded = nullptr;
  const std::size_t size = WebPEncodeRGB(rgb.data(), 40, 30, 120, 80.0f, &encoded);
  const std::string file(reinterpret_cast<const char*>(encoded), size);
  WebPFree(encoded);
  return file;
}

TEST(BrokenImage, OtherFormatsAreNamed) {
  EXPECT_THAT(message_for(""), HasSubstr("found an empty file"));
  EXPECT_THAT(message_for("GIF89a..."), HasSubstr("expected JPEG, PNG or WebP, found a GIF image"));
  EXPECT_THAT(message_for("GIF89a..."), HasSubstr("; convert it to PNG, JPEG or WebP"));
  EXPECT_THAT(message_for(std::string("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", 18)), HasSubstr("a BMP image"));
  EXPECT_THAT(message_for("{\"error\":\n\"gone\"}"), HasSubstr("JSON text that starts with \"{\\\"error\\\":\\x0a"));
  EXPECT_THAT(message_for("version https://git-lfs.github.com/spec/v1\noid sha256:1234\n"),
              HasSubstr("a Git LFS pointer; fetch the image itself with: git lfs pull"));
  EXPECT_THAT(message_for(std::string("II*\0\x08", 5)), HasSubstr("a TIFF image"));
  EXPECT_THAT(message_for(std::string("\0\0\0\x1C"
                                      "ftypavif",
                                      12)),
              HasSubstr("an AVIF image"));
  EXPECT_THAT(message_for("<!DOCTYPE html>"), HasSubstr("a web page (HTML); a server may have sent this"));
  EXPECT_THAT(message_for("hello"), HasSubstr("found text that starts with \"hello\"; a server"));
  EXPECT_THAT(message_for("\xFF\xD8"), HasSubstr("bytes of an unknown format (2 in all, first ff d8)"));
  EXPECT_THAT(message_for(std::string("RIFF\1\0\0\0WAVE", 12)), HasSubstr("52 49 46 46"));
}

// The last bytes of a JPEG (its end marker) and of a PNG (its end chunk) hold no pixels: PIL does not miss them.
void expect_prefixes_fail(const std::string& file, std::size_t spare) {
  const std::size_t step = std::max<std::size_t>(1, file.size() / 200);
  for (std::size_t size = 12; size + spare < file.size(); size += step)
    ASSERT_NE(message_for(std::string_view(file).substr(0, size)), "no error") << size << " of " << file.size();
}

TEST(BrokenImage, CutShort) {
  const std::string jpeg = test::golden_image("img02_tall_200x901.jpg");
  EXPECT_THAT(message_for(jpeg.substr(0, jpeg.size() / 2)), HasSubstr("cut short at 10176 bytes"));
  expect_prefixes_fail(jpeg, 2);
  expect_prefixes_fail(test::golden_image("img12_rgb_333x517_prog444.jpg"), 2);
  const std::string png = test::golden_image("img05_gray_337x500.png");
  EXPECT_THAT(message_for(png.substr(0, png.size() / 2)), HasSubstr("cut short"));
  expect_prefixes_fail(png, 20);
  const std::string webp = small_webp();
  EXPECT_THAT(message_for(webp.substr(0, webp.size() / 2)), HasSubstr("cut short"));
  expect_prefixes_fail(webp, 1);
}

TEST(BrokenImage, TooManyPixelsAreRefusedFromTheHeader) {
  const std::string bomb = test::make_png({.width = 60000, .height = 60000, .depth = 1, .color = 0}, "");
  EXPECT_THAT(message_for(bomb), HasSubstr("expected at most 178956970 pixels, found 60000x60000"));
  const std::string wide = test::make_png({.width = 0x7FFFFFFF, .height = 0x7FFFFFFF, .depth = 1, .color = 0}, "");
  EXPECT_THAT(message_for(wide), HasSubstr("found 2147483647x2147483647"));
  std::string jpeg = test::golden_image("img02_tall_200x901.jpg");
  const std::size_t frame = jpeg.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\xFF\xDC\xFF\xDC");
  EXPECT_THAT(message_for(jpeg), HasSubstr("found 65500x65500"));
  EXPECT_THAT(message_for(small_webp(), {.max_pixels = 1199}), HasSubstr("found 40x30"));
  EXPECT_EQ(message_for(small_webp(), {.max_pixels = 1200}), "no error");
}

TEST(BrokenImage, DamagedPng) {
  std::string png = test::golden_image("img06_rgba_400x300.png");
  png[png.find("IDAT") + 40] ^= 0x55;
  EXPECT_THAT(message_for(png), HasSubstr("PNG: expected decodable data, found: "));
  std::string header = test::golden_image("img06_rgba_400x300.png");
  header[19] ^= 1;
  EXPECT_THAT(message_for(header), HasSubstr("CRC"));
  EXPECT_NE(message_for(test::make_png({.width = 0}, std::string("\0", 1))), "no error");
  EXPECT_NE(message_for(test::make_png({.depth = 3}, std::string("\0\0\0\0", 4))), "no error");
  EXPECT_NE(message_for(test::make_png({.color = 3}, std::string("\0\0", 2))), "no error") << "no palette";
  EXPECT_NE(message_for(test::make_png({.height = 3}, std::string("\0\1\2\3", 4))), "no error") << "too few rows";
}

TEST(BrokenImage, TransparencyOfAPngThatPillowRefuses) {
  const std::string pixel("\0\1\2\3", 4);
  EXPECT_THAT(message_for(test::make_png({}, pixel, test::png_chunk("tRNS", "abcd"))),
              HasSubstr("PNG: expected a chunk tRNS of 6 bytes, found 4"));
  EXPECT_THAT(message_for(test::make_png({.color = 0}, std::string("\0\1", 2), test::png_chunk("tRNS", "a"))),
              HasSubstr("PNG: expected a chunk tRNS of 2 bytes, found 1"));
  const std::string palette = test::png_chunk("PLTE", "abc") + test::png_chunk("tRNS", std::string(257, 'x'));
  EXPECT_THAT(message_for(test::make_png({.color = 3}, std::string("\0\0", 2), palette)),
              HasSubstr("PNG: expected at most 256 bytes in the chunk tRNS, found 257"));
  std::string damaged = test::png_chunk("tRNS", "abcdef");
  damaged.back() ^= 1;
  EXPECT_THAT(message_for(test::make_png({}, pixel, damaged)), HasSubstr("checksum of the chunk tRNS"));
}

TEST(BrokenImage, DamagedJpeg) {
  const std::string jpeg = test::golden_image("img02_tall_200x901.jpg");
  std::string tables = jpeg;
  tables[tables.find("\xFF\xDB") + 1] = '\xFE';  // a quantisation table becomes a comment
  EXPECT_THAT(message_for(tables), HasSubstr("JPEG: expected decodable data, found: "));
  std::string depth = jpeg;
  depth[depth.find("\xFF\xC0") + 4] = 12;
  EXPECT_THAT(message_for(depth), HasSubstr("12"));
  std::string empty = jpeg;
  empty.replace(empty.find("\xFF\xC0") + 7, 2, 2, '\0');
  EXPECT_NE(message_for(empty), "no error");
}

TEST(BrokenImage, DamagedJpegDataThatStillDecodesIsTakenAsPilTakesIt) {
  const std::string jpeg = test::golden_image("img02_tall_200x901.jpg");
  const std::size_t middle = jpeg.size() / 2;
  std::string data = jpeg;
  data[middle] = data[middle + 500] = 0x11;
  EXPECT_EQ(test::crc_of(decode_text(data).pixels), 1970106972u);  // what Pillow 9.4 makes of it
  // A marker in the middle of the data ends the rows early and is found to be none at the end.
  std::string marker = jpeg;
  ASSERT_EQ(marker[middle + 999], '\xFF');
  marker[middle + 1000] = 0x11;
  EXPECT_THAT(message_for(marker), HasSubstr("Unsupported marker"));
}

TEST(BrokenImage, JpegWithEndlessScansIsRefused) {
  const std::string jpeg = test::golden_image("img12_rgb_333x517_prog444.jpg");
  // Repeats the last scan, which refines what is there, as often as a hostile file would.
  const std::size_t scan = jpeg.rfind("\xFF\xDA"), end = jpeg.rfind("\xFF\xD9");
  std::string hostile = jpeg.substr(0, end);
  for (int i = 0; i < 600; ++i) hostile += jpeg.substr(scan, end - scan);
  EXPECT_THAT(message_for(hostile + "\xFF\xD9"), HasSubstr("more than 500 scans"));
}

TEST(BrokenImage, DamagedWebp) {
  std::string webp = small_webp();
  std::string name = webp;
  name.replace(12, 4, "VP9 ");
  EXPECT_THAT(message_for(name), HasSubstr("WebP: expected"));
  std::string start = webp;
  start[23] ^= 0x3F;  // the key frame's start code
  EXPECT_NE(message_for(start), "no error");
  EXPECT_THAT(message_for(test::webp_file("")), HasSubstr("WebP: expected"));
}

}  // namespace
}  // namespace e5v::image
