#include "ops/cpu/product_blocks.h"

#include <gmock/gmock.h>

#include <atomic>

#include "ops/isa.h"
#include "ops/random.h"
#include "ops/weights.h"

namespace e5v::ops::test {
namespace {

using tensor::BFloat16;
using tensor::DType;
using tensor::Tensor;

TEST(ProductBlocks, OfAColumnComeInTheOrderOfRows) {
  if (!has_native_int8()) GTEST_SKIP() << "this CPU has no 8-bit dot products";
  constexpr std::int64_t kRows = 1100, kOutputs = 1500, kInputs = 96;
  const Int8Weight weight(kOutputs, kInputs, 1);
  const Tensor x(DType::u8, {kRows, kInputs});
  std::ranges::fill(x.as<std::uint8_t>(), std::uint8_t{1});
  std::vector<std::int64_t> next(kOutputs);  // the row that each column waits for
  std::atomic<int> misplaced = 0;
  cpu::for_product_blocks(matrix_of(x), std::vector{weight.matrix()}, [&](const cpu::ProductBlock& block) {
    for (std::int64_t c = 0; c < block.products.columns; ++c) {
      std::int64_t& row = next[static_cast<std::size_t>(block.column + c)];
      misplaced += row != block.row;
      row = block.row + block.products.rows;
      // With x of ones a product is the sum of the weight's row.
      for (std::int64_t r = 0; r < block.products.rows; ++r)
        misplaced += block.products.row<std::int32_t>(r)[c] != block.weight_sums[c];
    }
  });
  EXPECT_EQ(misplaced, 0);
  EXPECT_THAT(next, testing::Each(kRows));
}

/// All blocks together are x w^T of stacked parts.
TEST(ProductBlocks, TogetherAreTheProduct) {
  if (!has_native_bf16()) GTEST_SKIP() << "this CPU has no bf16 products";
  const Converted x(RandomMatrix(300, 70, 1), DType::bf16), first(RandomMatrix(50, 70, 2), DType::bf16),
      second(RandomMatrix(90, 70, 3), DType::bf16);
  const Tensor y(DType::f32, {300, 140});
  std::ranges::fill(y.as<float>(), std::nanf(""));
  cpu::for_product_blocks(matrix_of(x.tensor),
                          std::vector<tensor::StoredMatrix>{first.tensor.view(), second.tensor.view()},
                          [&](const cpu::ProductBlock& block) { write_products(block, nullptr, matrix_of(y), false); });
  const reference::Matrix left = reference::matmul(x.exact, first.exact, {}),
                          right = reference::matmul(x.exact, second.exact, {});
  EXPECT_LT(max_difference(matrix_of(y).column_range(0, 50), left), 1e-4);
  EXPECT_LT(max_difference(matrix_of(y).column_range(50, 90), right), 1e-4);
}

/// A block is written to its own part of y, with the bias of its columns.
TEST(ProductBlocks, AreWrittenWithTheirBias) {
  const RandomMatrix products(2, 3, 1), start(5, 8, 2);
  const std::vector<float> bias{1, 2, 3, 4, 5, 6, 7, 8};
  for (const bool add : {false, true}) {
    for (const float* given : {bias.data(), static_cast<const float*>(nullptr)}) {
      const Tensor y(DType::f32, {5, 8});
      std::ranges::copy(start.tensor.as<float>(), y.as<float>().begin());
      cpu::write_products({3, 4, products.matrix()}, given, matrix_of(y), add);
      for (std::int64_t r = 0; r < 5; ++r) {
        for (std::int64_t c = 0; c < 8; ++c) {
          const bool inside = r >= 3 && c >= 4 && c < 7;
          double expected = inside && !add ? 0 : start.exact.at(r, c);
          if (inside)
            expected +=
                products.exact.at(r - 3, c - 4) + (given == nullptr ? 0 : double{bias[static_cast<std::size_t>(c)]});
          EXPECT_NEAR(matrix_of(y).row<float>(r)[c], expected, 1e-6) << r << " " << c;
        }
      }
    }
  }
}

}  // namespace
}  // namespace e5v::ops::test
