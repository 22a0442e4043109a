#include "ops/rows.h"

#include <gmock/gmock.h>

#include <limits>

#include "ops/random.h"

namespace e5v::ops::test {
namespace {

TEST(Rows, GatherWidensAndLeavesMinusOne) {
  const RandomMatrix table(7, 19, 1);
  const tensor::Tensor half(tensor::DType::f16, {7, 19}), y(tensor::DType::f32, {4, 19});
  for (std::size_t i = 0; i < 7 * 19; ++i) half.as<tensor::Half>()[i] = tensor::Half(table.floats()[i]);
  std::fill(y.as<float>().begin(), y.as<float>().end(), 42.0f);
  gather_rows(half.view(), std::vector<std::int32_t>{6, -1, 0, 6}, matrix_of(y));
  for (std::size_t c = 0; c < 19; ++c) {
    EXPECT_EQ(y.as<float>()[c], static_cast<float>(half.as<tensor::Half>()[6 * 19 + c]));
    EXPECT_EQ(y.as<float>()[19 + c], 42);
    EXPECT_EQ(y.as<float>()[2 * 19 + c], static_cast<float>(half.as<tensor::Half>()[c]));
  }
  EXPECT_THAT(message_of<InvalidInput>([&] {
                gather_rows(half.view(), std::vector<std::int32_t>{0, 0, 0, 7}, matrix_of(y));
              }),
              testing::HasSubstr("index 7 is outside the table of 7 rows"));
}

TEST(Rows, SelectCopies) {
  const RandomMatrix x(5, 3, 1);
  const tensor::Tensor y(tensor::DType::f32, {2, 3});
  select_rows(x.matrix(), std::vector<std::int64_t>{4, 0}, matrix_of(y));
  EXPECT_EQ(y.as<float>()[2], x.floats()[14]);
  EXPECT_EQ(y.as<float>()[3], x.floats()[0]);
  EXPECT_THAT(message_of<InvalidInput>([&] {
                select_rows(x.matrix(), std::vector<std::int64_t>{5, 0}, matrix_of(y));
              }),
              testing::HasSubstr("row 5 is outside the 5 rows"));
}

TEST(Rows, ConvertRoundsAsTheScalarTypesDo) {
  std::vector<float> values{
      0.0f, -0.0f, 1.0f, 1.00390625f, 1.01171875f, 3.4e38f, 1e-40f, -7.77f, std::numeric_limits<float>::infinity()};
  for (unsigned i = 0; i < 1000; ++i) values.push_back(std::bit_cast<float>(0x3F800000u + i * 977u));
  const auto x = tensor::Tensor::from<float>(values, {1, static_cast<std::int64_t>(values.size())});
  const tensor::Tensor y(tensor::DType::bf16, x.shape()), back(tensor::DType::f32, x.shape());
  convert(matrix_of(x), matrix_of(y));
  convert(matrix_of(y), matrix_of(back));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const tensor::BFloat16 expected(values[i]);
    EXPECT_EQ(y.as<tensor::BFloat16>()[i].bits, expected.bits) << values[i];
    EXPECT_EQ(back.as<float>()[i], static_cast<float>(expected));
  }
  const auto nan = tensor::Tensor::from<float>(std::vector{std::bit_cast<float>(0x7FFFFFFFu)}, {1, 1});
  const tensor::Tensor nan_y(tensor::DType::bf16, {1, 1});
  convert(matrix_of(nan), matrix_of(nan_y));
  EXPECT_TRUE(std::isnan(static_cast<float>(nan_y.as<tensor::BFloat16>()[0])));
}

TEST(Rows, UnfoldCutsPatchesInOrder) {
  constexpr std::int64_t kEdge = 7, kPatch = 3;  // one pixel is left over at the right and bottom
  std::vector<std::uint8_t> tiles(2 * 3 * kEdge * kEdge);
  for (std::size_t i = 0; i < tiles.size(); ++i) tiles[i] = static_cast<std::uint8_t>(i % 251);
  std::array<std::array<float, 256>, 3> table;
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t b = 0; b < 256; ++b) table[c][b] = static_cast<float>(1000 * c + b);
  }
  const tensor::Tensor y(tensor::DType::f32, {8, 27});
  unfold_patches(tiles, kEdge, kPatch, table, matrix_of(y));
  for (std::int64_t row = 0; row < 8; ++row) {
    for (std::int64_t i = 0; i < 27; ++i) {
      const std::int64_t channel = i / 9, py = row % 4 / 2 * 3 + i % 9 / 3, px = row % 2 * 3 + i % 3;
      const std::uint8_t byte = tiles[static_cast<std::size_t>(((row / 4 * 3 + channel) * kEdge + py) * kEdge + px)];
      EXPECT_EQ(matrix_of(y).row<float>(row)[i], static_cast<float>(1000 * channel + byte));
    }
  }
}

TEST(Rows, ListsAreCopiedWhole) {
  const std::vector<float> x{1, 2, 3};
  std::vector<float> y(3), shorter(2);
  copy(x, tensor::Place::host, y, tensor::Place::host);
  EXPECT_EQ(y, x);
  copy({}, tensor::Place::host, {}, tensor::Place::device);  // nothing is asked of a GPU
  EXPECT_THAT([&] { copy(x, tensor::Place::host, shorter, tensor::Place::host); },
              testing::ThrowsMessage<InvalidInput>("[copy] y has 2 elements, expected 3"));
}

TEST(Rows, WhatLiesOnTheHostIsNotCopiedThere) {
  tensor::Arena arena;
  const RandomMatrix x(2, 3, 1);
  EXPECT_EQ(ops::on_host(x.matrix(), arena).data, x.matrix().data);
  EXPECT_EQ(arena.capacity(), 0u);
}

}  // namespace
}  // namespace e5v::ops::test
