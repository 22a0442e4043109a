#include "ops/byte_dots.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "base/error.h"
#include "ops/quantize.h"
#include "tensor/tensor.h"

namespace e5v::ops {
namespace {

std::vector<float> random_vector(std::size_t length, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(length);
  for (float& value : values) value = normal(random);
  return values;
}

tensor::Tensor random_bytes(std::int64_t rows, std::int64_t columns) {
  tensor::Tensor result(tensor::DType::i8, {rows, columns});
  std::mt19937 random(5);
  for (std::int8_t& value : result.as<std::int8_t>())
    value = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
  return result;
}

TEST(ByteDots, AreExactSumsTimesTheScales) {
  for (const std::int64_t columns : {1, 7, 31, 32, 33, 64, 100, 1027}) {
    const RoundedVector x = round_vector(random_vector(static_cast<std::size_t>(columns), 1));
    const tensor::Tensor rows = random_bytes(300, columns);
    std::vector<float> scales = random_vector(300, 2), dots(300);
    byte_dots(x, tensor::matrix_of(rows.view()), scales, dots);
    for (std::size_t n = 0; n < 300; ++n) {
      std::int64_t sum = 0;
      for (std::int64_t k = 0; k < columns; ++k)
        sum += std::int64_t{x.values[static_cast<std::size_t>(k)]} *
               rows.as<std::int8_t>()[n * static_cast<std::size_t>(columns) + static_cast<std::size_t>(k)];
      ASSERT_EQ(dots[n], x.scale * scales[n] * static_cast<float>(sum)) << columns << " " << n;
    }
  }
}

/// The largest numbers there are, all of one sign.
TEST(ByteDots, SumsStayIn32Bits) {
  for (const std::size_t columns : {std::size_t{512}, std::size_t{4096}, std::size_t{32768}}) {
    const RoundedVector x = round_vector(std::vector<float>(columns, 3.0f));
    tensor::Tensor rows(tensor::DType::i8, {1, static_cast<std::int64_t>(columns)});
    std::ranges::fill(rows.as<std::int8_t>(), std::int8_t{-127});
    const float scale = 1;
    float dot = 0;
    byte_dots(x, tensor::matrix_of(rows.view()), {&scale, 1}, {&dot, 1});
    EXPECT_NEAR(static_cast<double>(dot), -3 * 127.0 * static_cast<double>(columns),
                1e-4 * 381 * static_cast<double>(columns));
  }
}

TEST(RoundedVector, LosesNoMoreThanItSays) {
  for (const std::size_t length : {std::size_t{1}, std::size_t{100}, std::size_t{4096}}) {
    const std::vector<float> x = random_vector(length, 3);
    const RoundedVector rounded = round_vector(x);
    double lost = 0, square = 0;
    for (std::size_t k = 0; k < length; ++k) {
      const double difference = double{x[k]} - double{rounded.scale} * rounded.values[k];
      lost += difference * difference, square += double{x[k]} * double{x[k]};
      EXPECT_LE(std::abs(rounded.values[k]), int8_levels(static_cast<std::int64_t>(length)));
    }
    EXPECT_LE(std::sqrt(lost), double{rounded.lost});
    EXPECT_LE(double{rounded.lost}, 1e-3 * std::sqrt(square)) << "13 bits and more are left of it";
  }
}

TEST(RoundedVector, OfZerosIsZero) {
  const RoundedVector rounded = round_vector(std::vector<float>(5));
  EXPECT_EQ(rounded.scale, 0);
  EXPECT_EQ(rounded.lost, 0);
  EXPECT_EQ(rounded.values, std::vector<std::int16_t>(5));
}

TEST(ByteDots, RefuseOtherShapesAndTypes) {
  const RoundedVector x = round_vector(std::vector<float>(4, 1));
  const tensor::Tensor rows = random_bytes(3, 4), wide = random_bytes(3, 5), floats(tensor::DType::f32, {3, 4});
  std::vector<float> three(3), two(2);
  EXPECT_NO_THROW(byte_dots(x, tensor::matrix_of(rows.view()), three, three));
  EXPECT_THROW(byte_dots(x, tensor::matrix_of(wide.view()), three, three), InvalidInput);
  EXPECT_THROW(byte_dots(x, tensor::matrix_of(floats.view()), three, three), InvalidInput);
  EXPECT_THROW(byte_dots(x, tensor::matrix_of(rows.view()), two, three), InvalidInput);
  EXPECT_THROW(byte_dots(x, tensor::matrix_of(rows.view()), three, two), InvalidInput);
}

}  // namespace
}  // namespace e5v::ops
