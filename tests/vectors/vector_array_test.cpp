#include "vectors/vector_array.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "base/error.h"

namespace e5v::vectors {
namespace {

template <class T>
VectorArray array_of(const std::vector<T>& numbers, std::int64_t columns, tensor::DType dtype = tensor::dtype_of<T>) {
  return {reinterpret_cast<const std::byte*>(numbers.data()), dtype, std::ssize(numbers) / columns, columns};
}

TEST(VectorArray, NumbersOfEveryTypeAreWidened) {
  const auto second_row = [](const VectorArray& array) {
    std::vector<double> row(1);
    array.read(1, row);
    return row[0];
  };
  EXPECT_EQ(second_row(array_of<std::uint16_t>({0, 0xC400}, 1, tensor::DType::f16)), -4);
  EXPECT_EQ(second_row(array_of<std::uint16_t>({0, 0x3F80}, 1, tensor::DType::bf16)), 1);
  EXPECT_EQ(second_row(array_of<float>({0, 0.1f}, 1)), 0.1f);
  EXPECT_EQ(second_row(array_of<double>({0, 1e-320}, 1)), 1e-320);
}

TEST(VectorArray, NumbersMayLieAtOddPlaces) {
  const float values[]{0.6f, 0.8f};
  std::vector<std::byte> bytes(1 + sizeof values);
  std::memcpy(bytes.data() + 1, values, sizeof values);
  const VectorArray array{bytes.data() + 1, tensor::DType::f32, 1, 2};
  EXPECT_FALSE(require_directions(array, "v")) << "cannot be used where they lie";
  EXPECT_FLOAT_EQ(scaled_rows(array).as<float>()[1], 0.8f);
}

TEST(VectorArray, AnyLengthOfAVectorServes) {
  for (const float scale : {1e-40f, 1e-30f, 1e30f, 1e38f}) {
    const std::vector<float> numbers{0, 0.6f * scale, 0.8f * scale, 0, -scale, 0};
    const tensor::Tensor scaled = scaled_rows(array_of(numbers, 3));
    EXPECT_NEAR(scaled.as<float>()[1], 0.6f, scale < 1e-38f ? 1e-4 : 1e-6) << scale;
    EXPECT_NEAR(scaled.as<float>()[2], 0.8f, scale < 1e-38f ? 1e-4 : 1e-6) << scale;
    EXPECT_EQ(scaled.as<float>()[4], -1) << scale;
  }
  for (const double scale : {1e-320, 1e-200, 1.7e308})
    EXPECT_FLOAT_EQ(scaled_rows(array_of<double>({scale, -scale}, 2)).as<float>()[1], -std::sqrt(0.5f)) << scale;
}

TEST(VectorArray, OnlyUnitVectorsOfF32StayWhereTheyAre) {
  EXPECT_TRUE(require_directions(array_of<float>({0, 1, 0.6f, -0.8f}, 2), "v"));
  EXPECT_FALSE(require_directions(array_of<float>({0, 1, 3, 4}, 2), "v"));
  EXPECT_FALSE(require_directions(array_of<double>({0, 1, 0.6, -0.8}, 2), "v"));
  EXPECT_FALSE(require_directions(array_of<std::uint16_t>({0, 0x3C00}, 2, tensor::DType::f16), "v"));
}

TEST(VectorArray, VectorsWithoutADirectionAreNamed) {
  const auto expect = [](const VectorArray& array, const char* message) {
    EXPECT_THAT([&] { require_directions(array, "v"); }, testing::ThrowsMessage<InvalidInput>(message));
  };
  expect(array_of<float>({1, 2, 3, 4, NAN, 6}, 3), "[v] row 1 (from 0) holds NaN or infinity");
  expect(array_of<float>({1, 2, 3, 4, -INFINITY, 6}, 3), "[v] row 1 (from 0) holds NaN or infinity");
  expect(array_of<float>({0, -0.0f, 0, 4, 5, 6}, 3), "[v] row 0 (from 0) is all zeros, so that it has no direction");
  expect(array_of<std::uint16_t>({0x3C00, 0x7C00}, 1, tensor::DType::f16), "[v] row 1 (from 0) holds NaN or infinity");
  std::vector<float> many(2 * 1000, 1);  // the first of those that many threads find
  for (const std::size_t row : {900u, 77u, 400u}) many[2 * row + 1] = NAN;
  expect(array_of(many, 2), "[v] row 77 (from 0) holds NaN or infinity");
}

}  // namespace
}  // namespace e5v::vectors
