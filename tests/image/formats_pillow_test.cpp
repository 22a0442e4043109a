#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "image/orientation.h"
#include "image_files.h"

// Small files of the formats that came after JPEG, PNG and WebP, and what Pillow 13, pillow-heif and transformers 5.24
// make of them (tools/make_format_goldens.py).

namespace e5v::image {
namespace {

Json format_rows() { return read_json(e5v::test::golden("formats/pixels.json")).at("files"); }

/// Compares with the reference's bytes, which a lossy format may miss by `tolerance`.
void expect_near(const Bitmap& bitmap, const std::string& expected, int tolerance) {
  ASSERT_EQ(bitmap.pixels.size(), expected.size());
  double sum = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const int difference = std::abs(bitmap.pixels[i] - static_cast<std::uint8_t>(expected[i]));
    ASSERT_LE(difference, tolerance) << i;
    sum += difference;
  }
  EXPECT_LT(sum / static_cast<double>(expected.size()), 0.1);
}

TEST(FormatsPillow, GiveTheSamePixels) {
  std::map<std::string, int> counts;
  for (const Json& row : format_rows()) {
    const std::string format = row.at("format"), file = test::from_hex(row.at("file"));
    SCOPED_TRACE(format + ", " + row.at("name").get<std::string>());
    for (const bool drop : {false, true}) {
      const Bitmap bitmap = test::decode_text(file, {.drop_alpha = drop});
      EXPECT_EQ(bitmap.width, row.at("width"));
      EXPECT_EQ(bitmap.height, row.at("height"));
      if (!row.contains("tolerance"))
        EXPECT_EQ(test::crc_of(bitmap.pixels), row.at(drop ? "drop" : "white").get<std::uint32_t>());
      else if (!drop)
        expect_near(bitmap, test::from_hex(row.at("pixels")), row.at("tolerance"));
    }
    ++counts[format];
  }
  const std::map<std::string, int> expected = {{"AVIF", 20}, {"BMP", 45}, {"GIF", 18},
                                               {"HEIC", 16}, {"RAW", 6},  {"TIFF", 93}};
  EXPECT_EQ(counts, expected);
}

TEST(FormatsPillow, HeadersTellTheSizeWithoutPixels) {
  for (const Json& row : format_rows()) {
    const std::string file = test::from_hex(row.at("file"));
    SCOPED_TRACE(row.at("format").get<std::string>() + ", " + row.at("name").get<std::string>());
    const ImageHeader header = read_header(test::bytes_of(file), "test");
    EXPECT_EQ(header.format, row.at("format").get<std::string>());
    const bool lies = header.orientation >= 5;
    EXPECT_EQ(lies ? header.height : header.width, row.at("width"));
    EXPECT_EQ(lies ? header.width : header.height, row.at("height"));
    const Bitmap stored = test::decode_text(file, {.apply_exif = false});
    EXPECT_EQ(test::decode_text(file).pixels, oriented(stored, header.orientation).pixels);
  }
}

}  // namespace
}  // namespace e5v::image
