#include "vectors/rotation.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "base/error.h"

namespace e5v::vectors {
namespace {

using testing::ThrowsMessage;

std::vector<float> random_vector(std::size_t width, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(width);
  for (float& value : x) value = normal(random);
  return x;
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
  return sum;
}

TEST(Rotation, KeepsLengthsAndDotProducts) {
  for (const std::int64_t width : {1, 2, 3, 64, 100, 768, 4096, 5000}) {
    const Rotation rotation(width);
    EXPECT_EQ(rotation.width(), width);
    std::vector<float> a = random_vector(static_cast<std::size_t>(width), 1),
                       b = random_vector(static_cast<std::size_t>(width), 2);
    const double lengths = std::sqrt(dot(a, a) * dot(b, b)), before = dot(a, b), length = std::sqrt(dot(a, a));
    rotation.apply(a), rotation.apply(b);
    EXPECT_NEAR(dot(a, b), before, 2.5 * double{Rotation::kError} * lengths) << width;
    EXPECT_NEAR(std::sqrt(dot(a, a)), length, double{Rotation::kError} * length) << width;
  }
}

/// The largest entry of a rotated unit vector: without spreading it is 1, evenly spread it is about 4 / sqrt(width).
TEST(Rotation, SpreadsOneLargeEntry) {
  for (const std::size_t width : {std::size_t{64}, std::size_t{768}, std::size_t{4096}}) {
    for (const std::size_t place : {std::size_t{0}, width / 2, width - 1}) {
      std::vector<float> x(width);
      x[place] = 1;
      Rotation(static_cast<std::int64_t>(width)).apply(x);
      double largest = 0;
      for (const float value : x) largest = std::max(largest, std::abs(double{value}));
      EXPECT_LT(largest, 5 / std::sqrt(static_cast<double>(width))) << width << " " << place;
    }
  }
}

TEST(Rotation, RefusesOtherWidths) {
  EXPECT_THAT([] { const Rotation rotation(0); },
              ThrowsMessage<InvalidInput>("[rotation] vectors have 0 dimensions, expected 1 to 65536"));
  std::vector<float> x(3);
  EXPECT_THAT([&] { Rotation(4).apply(x); },
              ThrowsMessage<InvalidInput>("[rotation] a vector has 3 dimensions, expected 4"));
}

}  // namespace
}  // namespace e5v::vectors
