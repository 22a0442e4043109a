#include <gtest/gtest.h>

#include "image/alpha.h"
#include "image/orientation.h"
#include "image_files.h"

// Small files of every kind, and what Pillow 13 and transformers 5.24 make of them (tools/make_image_goldens.py).

namespace e5v::image {
namespace {

using test::bytes_of;

Json files_of(const char* name) { return read_json(e5v::test::golden(name)).at("files"); }

TEST(Pillow, GivesTheSamePixels) {
  const Json files = files_of("pillow13/pixels.json");
  EXPECT_EQ(files.size(), 65u);
  for (const Json& row : files)
    for (const bool drop : {false, true}) {
      SCOPED_TRACE(row.at("name").get<std::string>() + (drop ? ", alpha dropped" : ", on white"));
      const Bitmap bitmap = test::decode_text(test::from_hex(row.at("file")), {.drop_alpha = drop});
      EXPECT_EQ(bitmap.width, row.at("width"));
      EXPECT_EQ(bitmap.height, row.at("height"));
      EXPECT_EQ(test::crc_of(bitmap.pixels), row.at(drop ? "drop" : "white").get<std::uint32_t>());
    }
}

TEST(Pillow, RoundsEveryOpacityOfEveryValueAlike) {
  std::vector<std::uint8_t> blended;
  for (int value = 0; value < 256; ++value)
    for (int alpha = 0; alpha < 256; ++alpha)
      blended.push_back(over_white(static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(alpha)));
  const Json expected = read_json(e5v::test::golden("pillow13/pixels.json")).at("blend").at("ground");
  EXPECT_EQ(test::crc_of(blended), expected.get<std::uint32_t>());
}

TEST(Pillow, TurnsTheSameFiles) {
  const Json files = files_of("pillow13/orientation.json");
  EXPECT_EQ(files.size(), 120u);
  for (const Json& row : files) {
    SCOPED_TRACE(row.at("name").get<std::string>());
    const std::string file = test::from_hex(row.at("file"));
    const int expected = row.at("orientation");
    const auto orientation = file.starts_with("RIFF") ? webp_orientation
                             : file[0] == '\xFF'      ? jpeg_orientation
                                                      : png_orientation;
    EXPECT_EQ(orientation(bytes_of(file)), expected);
    const Bitmap stored = test::decode_text(file, {.apply_exif = false});
    EXPECT_EQ(test::decode_text(file).pixels, oriented(stored, expected).pixels);
  }
}

// Cut anywhere, metadata is absent or means the same; it never makes an image invalid.
TEST(Pillow, CutMetadataIsRead) {
  for (const Json& row : files_of("pillow13/orientation.json")) {
    const std::string file = test::from_hex(row.at("file"));
    for (std::size_t size = 12; size < file.size(); size += 3) {
      const auto part = bytes_of(std::string_view(file).substr(0, size));
      const int found = file.starts_with("RIFF") ? webp_orientation(part)
                        : file[0] == '\xFF'      ? jpeg_orientation(part)
                                                 : png_orientation(part);
      EXPECT_TRUE(found >= 1 && found <= 8) << row.at("name") << " at " << size;
    }
  }
}

}  // namespace
}  // namespace e5v::image
