#include <gmock/gmock.h>

#include <cstdio>
#include <cstdlib>

// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include "image_files.h"

namespace e5v::image {
namespace {

using test::decode_text;
using test::refusal_of;
using testing::Each;
using testing::HasSubstr;

/// A JPEG of 8 x 8 equal pixels, whose components are stored as they are and without loss.
std::string flat_jpeg(const std::vector<std::uint8_t>& pixel, J_COLOR_SPACE space) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = info.image_height = 8;
  info.input_components = static_cast<int>(pixel.size());
  info.in_color_space = space;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, space);
  jpeg_set_quality(&info, 100, TRUE);
  jpeg_start_compress(&info, TRUE);
  std::vector<std::uint8_t> row;
  for (int x = 0; x < 8; ++x) row.insert(row.end(), pixel.begin(), pixel.end());
  JSAMPROW rows = row.data();
  while (info.next_scanline < 8) jpeg_write_scanlines(&info, &rows, 1);
  jpeg_finish_compress(&info);
  const std::string file(reinterpret_cast<const char*>(bytes), size);
  jpeg_destroy_compress(&info);
  std::free(bytes);
  return file;
}

std::vector<int> first_pixel(const Bitmap& bitmap) {
  EXPECT_EQ(bitmap.pixels.size(), 8u * 8 * 3);
  return {bitmap.pixels.begin(), bitmap.pixels.begin() + 3};
}

TEST(Jpeg, GreyIsAllThreeColours) { EXPECT_THAT(decode_text(flat_jpeg({77}, JCS_GRAYSCALE)).pixels, Each(77)); }

TEST(Jpeg, ColoursAreInTheirOrder) {
  EXPECT_EQ(first_pixel(decode_text(flat_jpeg({10, 200, 30}, JCS_RGB))), (std::vector{10, 200, 30}));
}

// The file says how much light each ink lets through: red 200, green 0, blue 200 - round(127 * 200 / 255).
TEST(Jpeg, InksAreInverted) {
  EXPECT_EQ(first_pixel(decode_text(flat_jpeg({255, 0, 128, 200}, JCS_CMYK))), (std::vector{200, 0, 100}));
  EXPECT_EQ(first_pixel(decode_text(flat_jpeg({255, 255, 255, 255}, JCS_CMYK))), (std::vector{255, 255, 255}));
}

TEST(Jpeg, OtherNumbersOfComponentsAreRefused) {
  EXPECT_EQ(refusal_of(flat_jpeg({1, 2}, JCS_UNKNOWN)), "[test] JPEG: expected 1, 3 or 4 colour components, found 2");
}

TEST(Jpeg, DamagedFilesAreRefusedByMessage) {
  const std::string jpeg = test::golden_image("img02_tall_200x901.jpg");
  std::string tables = jpeg;
  tables[tables.find("\xFF\xDB") + 1] = '\xFE';  // a quantisation table becomes a comment
  EXPECT_THAT(refusal_of(tables), HasSubstr("JPEG: expected decodable data, found: "));
  std::string depth = jpeg;
  depth[depth.find("\xFF\xC0") + 4] = 12;
  EXPECT_THAT(refusal_of(depth), HasSubstr("12"));
  std::string empty = jpeg;
  empty.replace(empty.find("\xFF\xC0") + 7, 2, 2, '\0');
  EXPECT_NE(refusal_of(empty), "no error");
}

TEST(Jpeg, DamagedDataThatStillDecodesIsTakenAsPilTakesIt) {
  const std::string jpeg = test::golden_image("img02_tall_200x901.jpg");
  const std::size_t middle = jpeg.size() / 2;
  std::string data = jpeg;
  data[middle] = data[middle + 500] = 0x11;
  EXPECT_EQ(test::crc_of(decode_text(data).pixels), 1970106972u);  // what Pillow 9.4 makes of it
  // A marker in the middle of the data ends the rows early and is found to be none at the end.
  std::string marker = jpeg;
  ASSERT_EQ(marker[middle + 999], '\xFF');
  marker[middle + 1000] = 0x11;
  EXPECT_THAT(refusal_of(marker), HasSubstr("Unsupported marker"));
}

TEST(Jpeg, EndlessScansAreRefused) {
  const std::string jpeg = test::golden_image("img12_rgb_333x517_prog444.jpg");
  // Repeats the last scan, which refines what is there, as often as a hostile file would.
  const std::size_t scan = jpeg.rfind("\xFF\xDA"), end = jpeg.rfind("\xFF\xD9");
  std::string hostile = jpeg.substr(0, end);
  for (int i = 0; i < 600; ++i) hostile += jpeg.substr(scan, end - scan);
  EXPECT_THAT(refusal_of(hostile + "\xFF\xD9"), HasSubstr("more than 500 scans"));
}

}  // namespace
}  // namespace e5v::image
