#include "image/modules/tiff_samples.h"

#include <gmock/gmock.h>

#include "image/alpha.h"
#include "image/format_files.h"

namespace e5v::image {
namespace {

constexpr std::uint16_t kBlackIsZero = 1, kRgb = 2, kPalette = 3, kInks = 5;

std::vector<int> taken(const std::vector<std::uint8_t>& row, const TiffSamples& samples, int channel, int count) {
  std::vector<std::uint8_t> out(static_cast<std::size_t>(count));
  take_samples(row.data(), samples, channel, count, out.data(), 1);
  return {out.begin(), out.end()};
}

TEST(TiffSamples, SmallGreyIsScaledAndIndicesAreNot) {
  EXPECT_EQ(taken({0x1B}, {.bits = 2, .photometric = kBlackIsZero}, 0, 4), (std::vector{0, 85, 170, 255}));
  EXPECT_EQ(taken({0x1B}, {.bits = 2, .photometric = 0}, 0, 4), (std::vector{255, 170, 85, 0}));
  EXPECT_EQ(taken({0x1B}, {.bits = 2, .photometric = kPalette}, 0, 4), (std::vector{0, 1, 2, 3}));
}

TEST(TiffSamples, DeepGreyIsClippedAndOtherSamplesKeepTheirHighByte) {
  const std::vector<std::uint8_t> row = {7, 0, 0, 1, 0xFF, 0xFF};
  EXPECT_EQ(taken(row, {.bits = 16, .photometric = kBlackIsZero}, 0, 3), (std::vector{7, 255, 255}));
  EXPECT_EQ(taken(row, {.bits = 16, .format = 2, .photometric = kBlackIsZero}, 0, 3), (std::vector{7, 255, 0}));
  EXPECT_EQ(taken(row, {.bits = 16, .per_pixel = 3, .photometric = kRgb}, 1, 1), std::vector{1});
  std::vector<std::uint8_t> numbers(12);
  const float values[] = {-1.0f, 77.9f, std::numeric_limits<float>::quiet_NaN()};
  std::memcpy(numbers.data(), values, sizeof values);
  EXPECT_EQ(taken(numbers, {.bits = 32, .format = 3, .photometric = kBlackIsZero}, 0, 3), (std::vector{0, 77, 0}));
}

TEST(TiffSamples, OpacityIsTheFirstExtraSample) {
  TiffSamples rgba{.bits = 8, .per_pixel = 4, .photometric = kRgb, .extra = 2};
  EXPECT_EQ(colors_of({100, 0, 200, 128}, rgba, {1, 1}, false).pixels, (std::vector<std::uint8_t>{100, 0, 200}));
  EXPECT_EQ(colors_of({100, 0, 200, 128}, rgba, {1, 1}, true).pixels,
            (std::vector<std::uint8_t>{over_white(100, 128), over_white(0, 128), over_white(200, 128)}));
  rgba.extra = 1;  // the colours are multiplied by it
  EXPECT_EQ(colors_of({100, 0, 200, 128}, rgba, {1, 1}, false).pixels, (std::vector<std::uint8_t>{199, 0, 255}));
  rgba.extra = 0;
  EXPECT_FALSE(rgba.has_alpha());
  EXPECT_EQ(rgba.channels(), 3);
  rgba.extra = -1;
  EXPECT_TRUE(rgba.has_alpha()) << "as Pillow takes it";
}

TEST(TiffSamples, InksAndPalettesBecomeColours) {
  EXPECT_EQ(colors_of({0, 255, 127, 55}, {.bits = 8, .per_pixel = 4, .photometric = kInks}, {1, 1}, true).pixels,
            (std::vector<std::uint8_t>{200, 0, 100}));
  const std::uint16_t red[] = {0, 0x1234}, green[] = {0, 0xFFFF}, blue[] = {0, 0xFF};
  EXPECT_EQ(colors_of({1}, {.bits = 1, .photometric = kPalette, .palette = {red, green, blue}}, {1, 1}, true).pixels,
            (std::vector<std::uint8_t>{0x12, 0xFF, 0}));
}

std::string samples_problem(const TiffSamples& samples) {
  try {
    check_samples(samples, {{}, "test"});
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "no error";
}

TEST(TiffSamples, OtherKindsAreRefused) {
  EXPECT_EQ(samples_problem({.bits = 8, .per_pixel = 3, .photometric = kRgb}), "no error");
  EXPECT_EQ(samples_problem({.bits = 8, .per_pixel = 2, .photometric = kRgb}),
            "[test] TIFF: expected 3 to 8 samples for a pixel, found 2");
  EXPECT_EQ(samples_problem({.bits = 8, .per_pixel = 500, .photometric = kRgb}),
            "[test] TIFF: expected 3 to 8 samples for a pixel, found 500");
  for (const TiffSamples& samples :
       {TiffSamples{.bits = 4, .per_pixel = 3, .photometric = kRgb}, TiffSamples{.bits = 16, .photometric = kPalette},
        TiffSamples{.bits = 32, .per_pixel = 3, .format = 3, .photometric = kRgb},
        TiffSamples{.bits = 16, .format = 3, .photometric = kBlackIsZero},
        TiffSamples{.bits = 4, .per_pixel = 2, .photometric = kBlackIsZero}})
    EXPECT_THAT(samples_problem(samples), testing::HasSubstr("expected samples of a usual size"));
}

}  // namespace
}  // namespace e5v::image
