#include "image/bmp_header.h"

#include <gmock/gmock.h>

#include "format_files.h"

namespace e5v::image {
namespace {

using test::format_file;
using test::refusal_of;
using test::with_number;

BmpHeader bmp_header_of(const std::string& name) {
  const std::string file = format_file("BMP", name);
  return read_bmp_header({test::bytes_of(file), "test"});
}

TEST(BmpHeader, SaysWhereThingsAre) {
  const BmpHeader header = bmp_header_of("4 bits");
  EXPECT_EQ(header.width, 9);
  EXPECT_EQ(header.height, 5);
  EXPECT_FALSE(header.top_down);
  EXPECT_EQ(header.bits, 4);
  EXPECT_EQ(header.palette, 54u);
  EXPECT_EQ(header.colors, 16u);
  EXPECT_EQ(header.pixels, 54u + 64);
  EXPECT_EQ(bmp_header_of("4 bits, no place").pixels, 54u + 64);
  EXPECT_EQ(bmp_header_of("4 bits, palette not counted").pixels, 54u + 64);
  EXPECT_EQ(bmp_header_of("4 bits of OS/2").color_bytes, 3u);
  EXPECT_TRUE(bmp_header_of("4 bits from the top").top_down);
  EXPECT_EQ(bmp_header_of("4 bits from the top").height, 5);
  EXPECT_TRUE(bmp_header_of("runs of 4 bits").run_length);
}

TEST(BmpHeader, MasksTellTheChannels) {
  const BmpHeader header = bmp_header_of("565");
  EXPECT_EQ(header.color[0].width, 5);
  EXPECT_EQ(header.color[0].shift, 11);
  EXPECT_EQ(header.color[1].width, 6);
  EXPECT_EQ(header.color[1].shift, 5);
  EXPECT_EQ(header.alpha.width, 0);
  EXPECT_EQ(bmp_header_of("masks ff000000,ff00,ff,ff0000").alpha.shift, 16);
}

TEST(BmpHeader, OtherFormsAreRefusedByMessage) {
  const std::string file = format_file("BMP", "24 bits"), masks = format_file("BMP", "565");
  EXPECT_EQ(refusal_of(with_number(file, 14, 41, 4)),
            "[test] BMP: expected a header of Windows or OS/2, found 41 bytes");
  EXPECT_EQ(refusal_of(with_number(file, 28, 2, 2)),
            "[test] BMP: expected 1, 4, 8, 16, 24 or 32 bits for a pixel, found 2");
  EXPECT_EQ(refusal_of(with_number(file, 30, 5, 4)),
            "[test] BMP: expected pixels without compression, or in runs, found compression 5 of 24 bits");
  EXPECT_EQ(refusal_of(with_number(masks, 54, 0xF000, 4)),
            "[test] BMP: expected a usual layout of 16 bits, found the masks f000, 7e0, 1f, 0");
  EXPECT_EQ(refusal_of(with_number(format_file("BMP", "8 bits"), 46, 70000, 4)),
            "[test] BMP: expected at most 65536 colours, found 70000");
  EXPECT_EQ(refusal_of(file.substr(0, 40)), "[test] BMP: expected a header, found a file cut short at 40 bytes");
}

}  // namespace
}  // namespace e5v::image
