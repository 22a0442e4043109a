#include "image/encode.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "base/error.h"
#include "image/decode.h"

namespace e5v::image {
namespace {

Bitmap gradient(int width, int height) {
  Bitmap bitmap(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        bitmap.row(y)[3 * x + c] = static_cast<std::uint8_t>((c == 0 ? 255 * x / width : 255 * y / height));
  return bitmap;
}

TEST(EncodeJpeg, IsReadBackNearlyTheSame) {
  const Bitmap bitmap = gradient(97, 61);
  const std::string file = encode_jpeg(bitmap, 90);
  const Bitmap read = decode(std::as_bytes(std::span(file)), "own.jpg");
  ASSERT_EQ(read.width, 97);
  ASSERT_EQ(read.height, 61);
  double difference = 0;
  for (std::size_t i = 0; i < bitmap.pixels.size(); ++i) difference += std::abs(bitmap.pixels[i] - read.pixels[i]);
  EXPECT_LT(difference / static_cast<double>(bitmap.pixels.size()), 2);
  EXPECT_LT(encode_jpeg(bitmap, 30).size(), file.size());
}

TEST(EncodeJpeg, RefusesWhatTheFormatCannotHold) {
  EXPECT_THROW(encode_jpeg(Bitmap(70000, 1), 80), InvalidInput);
  EXPECT_THROW(encode_jpeg(Bitmap(), 80), InvalidInput);
}

TEST(EncodePng, IsReadBackTheSame) {
  const Bitmap bitmap = gradient(97, 61);
  const std::string file = encode_png(bitmap);
  const Bitmap read = decode(std::as_bytes(std::span(file)), "own.png");
  EXPECT_EQ(read.width, 97);
  EXPECT_EQ(read.pixels, bitmap.pixels);
  EXPECT_THROW(encode_png(Bitmap()), InvalidInput);
}

TEST(EncodeWebp, IsReadBackNearlyTheSame) {
  const Bitmap bitmap = gradient(97, 61);
  const std::string file = encode_webp(bitmap, 90);
  EXPECT_EQ(file.substr(8, 4), "WEBP");
  const Bitmap read = decode(std::as_bytes(std::span(file)), "own.webp");
  ASSERT_EQ(std::pair(read.width, read.height), std::pair(97, 61));
  double difference = 0;
  for (std::size_t i = 0; i < bitmap.pixels.size(); ++i) difference += std::abs(bitmap.pixels[i] - read.pixels[i]);
  EXPECT_LT(difference / static_cast<double>(bitmap.pixels.size()), 3);
  EXPECT_LT(encode_webp(bitmap, 20).size(), file.size());
  EXPECT_THROW(encode_webp(Bitmap(20000, 1), 80), InvalidInput);
  EXPECT_THROW(encode_webp(Bitmap(), 80), InvalidInput);
}

TEST(Thumbnail, KeepsProportions) {
  const auto size_of = [](int width, int height) {
    const Bitmap small = thumbnail(gradient(width, height), 50);
    return std::pair(small.width, small.height);
  };
  EXPECT_EQ(size_of(200, 100), std::pair(50, 25));
  EXPECT_EQ(size_of(100, 200), std::pair(25, 50));
  EXPECT_EQ(size_of(50, 10), std::pair(50, 10));
  EXPECT_EQ(size_of(900, 2), std::pair(50, 1));
}

}  // namespace
}  // namespace e5v::image
