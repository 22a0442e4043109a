#include "drawing/planes.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace e5v::drawing {
namespace {

/// Colours without order.
image::Bitmap noise(int width, int height) {
  image::Bitmap bitmap(width, height);
  unsigned state = 7;
  for (std::uint8_t& value : bitmap.pixels) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<std::uint8_t>(state >> 24);
  }
  return bitmap;
}

constexpr Affine kSame{1, 0, 0, 1, 0, 0};

TEST(Planes, WarpedByNothingAreThePicture) {
  const image::Bitmap picture = noise(9, 6);
  const Planes planes = warped(picture, kSame);
  for (int y = 0; y < 6; ++y) {
    for (int i = 0; i < 27; ++i) EXPECT_FLOAT_EQ(planes.at(i / 3, y)[i % 3], picture.row(y)[i]);
  }
}

TEST(Planes, MovedByHalfAPixelAreMeansAndWhiteOutside) {
  const image::Bitmap picture = noise(5, 1);
  const Planes planes = warped(picture, {1, 0, 0, 1, 0.5f, 0});
  for (int x = 0; x < 5; ++x) {
    for (int channel = 0; channel < 3; ++channel) {
      const float left = picture.row(0)[3 * x + channel], right = x < 4 ? picture.row(0)[3 * x + 3 + channel] : 255.0f;
      EXPECT_NEAR(planes.at(x, 0)[channel], 0.5f * (left + right), 1e-4);
    }
  }
  const Planes away = warped(picture, {1, 0, 0, 1, 100, 0});
  EXPECT_THAT(away.values, testing::Each(kWhite));
}

/// Whatever memory they were given.
TEST(Planes, AreWhiteAtFirst) {
  { warped(noise(8, 8), kSame); }
  const Planes planes(8, 8);
  EXPECT_THAT(planes.values, testing::Each(kWhite));
  EXPECT_EQ(planes.values.size(), 8u * 8u * kLanes);
}

TEST(Planes, AreSmoothedLikeTheirTwin) {
  for (const auto& [width, height] : {std::pair{7, 5}, {1, 4}, {2, 1}, {1, 1}}) {
    const Planes sharp = warped(noise(width, height), kSame);
    Planes picture = warped(noise(width, height), kSame);
    smooth(picture);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        for (int channel = 0; channel < 3; ++channel) {
          double sum = 0;
          for (int d = 0; d < 9; ++d) {
            sum += static_cast<double>(
                sharp.at(std::clamp(x + d % 3 - 1, 0, width - 1), std::clamp(y + d / 3 - 1, 0, height - 1))[channel]);
          }
          EXPECT_NEAR(picture.at(x, y)[channel], sum / 9, 1e-3) << width << " " << x << " " << y;
        }
      }
    }
  }
}

TEST(Planes, HaveEdgesWhereColoursMeet) {
  image::Bitmap picture(8, 4);
  for (int y = 0; y < 4; ++y) std::fill_n(picture.row(y), 12, std::uint8_t{255});
  const Planes planes = warped(picture, kSame);
  for (const int radius : {0, 1}) {
    const std::vector<float> edges = edges_of(planes, radius);
    ASSERT_EQ(edges.size(), 32u);
    for (std::size_t i = 0; i < edges.size(); ++i) {
      const int x = static_cast<int>(i) % 8;
      EXPECT_EQ(edges[i], x >= 3 - radius && x <= 4 + radius ? 1 : 0) << radius << " " << i;
    }
  }
}

TEST(Planes, HaveTheEdgesOfTheirTwin) {
  for (const auto& [width, height] : {std::pair{7, 5}, {1, 4}, {2, 1}, {1, 1}, {40, 3}}) {
    image::Bitmap faint = noise(width, height);
    for (std::uint8_t& value : faint.pixels) value = static_cast<std::uint8_t>(value / 4);
    const Planes planes = warped(faint, kSame);
    const auto at = [&](int x, int y) { return planes.at(std::clamp(x, 0, width - 1), std::clamp(y, 0, height - 1)); };
    const auto steep = [&](int x, int y) {
      double most = 0;
      for (int channel = 0; channel < 3; ++channel) {
        const auto difference = [&](const float* a, const float* b) {
          return std::abs(static_cast<double>(a[channel]) - static_cast<double>(b[channel]));
        };
        most = std::max(most, difference(at(x + 1, y), at(x - 1, y)) + difference(at(x, y + 1), at(x, y - 1)));
      }
      return std::clamp((most - 25) / 90, 0.0, 1.0);
    };
    for (const int radius : {0, 1, 2}) {
      const std::vector<float> edges = edges_of(planes, radius);
      for (int i = 0; i < width * height; ++i) {
        double expected = 0;
        for (int y = -radius; y <= radius; ++y) {
          for (int x = -radius; x <= radius; ++x) {
            expected = std::max(
                expected, steep(std::clamp(i % width + x, 0, width - 1), std::clamp(i / width + y, 0, height - 1)));
          }
        }
        EXPECT_NEAR(edges[static_cast<std::size_t>(i)], expected, 1e-5) << width << " " << radius << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace e5v::drawing
