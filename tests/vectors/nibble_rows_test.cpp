#include "vectors/nibble_rows.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"
#include "ops/nibble_dots.h"
#include "random_vectors.h"

namespace e5v::vectors {
namespace {

using testing::ThrowsMessage;

/// The numbers of a packed row, by the definition of the layout.
std::vector<int> unpacked(const std::byte* row, std::size_t width) {
  std::vector<int> numbers(width);
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t group = i / 128, j = i % 32, part = i % 128 / 32;
    const auto word =
        static_cast<unsigned>(row[64 * group + 2 * j]) | static_cast<unsigned>(row[64 * group + 2 * j + 1]) << 8;
    numbers[i] = static_cast<int>(word >> (4 * part) & 15);
  }
  return numbers;
}

TEST(NibbleRows, BoundsHoldForEachRow) {
  for (const std::int64_t width : {1, 100, 128, 300, 1024}) {
    tensor::Tensor vectors = e5v::test::random_vectors(70, width);
    vectors.as<float>()[0] *= 1000;  // one large entry
    std::fill_n(tensor::matrix_of(vectors).row<float>(1), width, 0.0f);
    NibbleBuffer buffer(width);
    buffer.append(tensor::matrix_of(vectors.view()).row_range(0, 3));
    buffer.append(tensor::matrix_of(vectors.view()).row_range(3, 67));
    const NibbleRows rows = buffer.rows();
    ASSERT_EQ(rows.rows(), 70);
    for (std::int64_t r = 0; r < 70; ++r) {
      std::vector<float> x(tensor::matrix_of(vectors).row<float>(r), tensor::matrix_of(vectors).row<float>(r) + width);
      Rotation(width).apply(x);
      const std::vector<int> high = unpacked(rows.high_row(r), x.size()), low = unpacked(rows.low_row(r), x.size());
      const RowBounds& bounds = rows.bounds[static_cast<std::size_t>(r)];
      double by_high = 0, by_both = 0, length = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        by_high += std::pow(double{x[i]} - double{bounds.step} * (16 * (high[i] - 8) + 7.5), 2);
        by_both += std::pow(double{x[i]} - double{bounds.step} * (16 * (high[i] - 8) + low[i]), 2);
        length += std::pow(double{x[i]}, 2);
      }
      EXPECT_LE(std::sqrt(by_high), bounds.lost_high);
      EXPECT_LE(std::sqrt(by_both), bounds.lost);
      EXPECT_LE(std::sqrt(length), bounds.length);
      if (width >= 300) {  // the bounds are tight, and both planes lose little
        EXPECT_LE(bounds.lost_high, 0.15 * std::sqrt(length)) << width << " " << r;
        EXPECT_LE(bounds.lost, 0.04 * std::sqrt(length));
        EXPECT_GE(std::sqrt(by_both) * 1.01, bounds.lost);
      }
    }
  }
}

TEST(NibbleRows, AreEqualForBothTypesOfEqualVectors) {
  tensor::Tensor vectors(tensor::DType::f32, {5, 256}), halves(tensor::DType::f16, {5, 256});
  for (std::size_t i = 0; i < 5 * 256; ++i) {
    const int exponent = static_cast<int>(i % 5);
    vectors.as<float>()[i] = std::ldexp(1.0f, -exponent);
    reinterpret_cast<std::uint16_t*>(halves.data())[i] = static_cast<std::uint16_t>((15 - exponent) << 10);
  }
  NibbleBuffer from_floats(256), from_halves(256);
  from_floats.append(tensor::matrix_of(vectors.view())), from_halves.append(tensor::matrix_of(halves.view()));
  EXPECT_THAT(from_halves.rows().high, testing::ElementsAreArray(from_floats.rows().high));
  EXPECT_THAT(from_halves.rows().low, testing::ElementsAreArray(from_floats.rows().low));
}

TEST(NibbleRows, RefusesOtherShapesAndTypes) {
  NibbleBuffer buffer(8);
  const tensor::Tensor narrow(tensor::DType::f32, {1, 7}), whole(tensor::DType::i32, {1, 8});
  EXPECT_THAT([&] { buffer.append(tensor::matrix_of(narrow.view())); },
              ThrowsMessage<InvalidInput>("[nibble rows] vectors have 7 dimensions and are 7 apart, expected 8"));
  EXPECT_THAT([&] { buffer.append(tensor::matrix_of(whole.view())); },
              ThrowsMessage<InvalidInput>("[nibble rows] vectors are i32, expected f16 or f32"));
}

}  // namespace
}  // namespace e5v::vectors
