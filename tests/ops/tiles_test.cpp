#include "ops/cpu/tiles.h"

#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <random>

#include "ops/cpu/attention_tiles.h"
#include "ops/cpu/product_blocks.h"
#include "ops/isa.h"
#include "ops/matmul.h"
#include "ops/weights.h"

namespace e5v::ops::test {
namespace {

using cpu::multiply_bf16_tiles, cpu::multiply_byte_tiles, cpu::TileRows, cpu::TilesInUse;
using tensor::BFloat16;
using tensor::DType;
using tensor::Tensor;

constexpr std::int64_t kTiles = 3, kWords = 16 * kTiles;  // words of a row

/// Factors of a step, of integers that bf16 holds, so that sums are exact: x [32][kWords] words, w [kWords][32].
template <class Left, class Right>
struct Step {
  static constexpr std::int64_t kUnit = 4 / sizeof(Left);
  std::vector<Left> x;
  std::vector<Right> w;
  std::vector<double> products;  // [32][32]

  explicit Step(int least) : x(32 * kWords * kUnit), w(x.size()), products(32 * 32) {
    std::mt19937 random(1);
    for (Left& value : x) value = static_cast<Left>(static_cast<float>(least + static_cast<int>(random() % 100)));
    for (Right& value : w) value = static_cast<Right>(static_cast<float>(static_cast<int>(random() % 100) - 50));
    for (std::int64_t r = 0; r < 32; ++r) {
      for (std::int64_t n = 0; n < 32; ++n) {
        for (std::int64_t k = 0; k < kWords * kUnit; ++k) {
          const auto left = static_cast<float>(x[static_cast<std::size_t>(r * kWords * kUnit + k)]);
          const auto right = static_cast<float>(w[static_cast<std::size_t>((k / kUnit * 32 + n) * kUnit + k % kUnit)]);
          products[static_cast<std::size_t>(r * 32 + n)] += double{left} * double{right};
        }
      }
    }
  }
  TileRows rows(bool both) const { return {reinterpret_cast<const std::byte*>(x.data()), kWords * 4, 64, both}; }
};

/// Sums lie 40 apart, begin as 7, and are written in the first 32 columns of the tiles' rows only.
template <class Sum, class Multiply, class Factors>
void expect_products(const Multiply& multiply, const Factors& step) {
  constexpr std::int64_t kStride = 40;
  for (const bool both : {false, true}) {
    for (const bool add : {false, true}) {
      std::vector<Sum> sums(32 * kStride, Sum{7});
      {
        const TilesInUse tiles;
        multiply(step.rows(both), reinterpret_cast<const std::byte*>(step.w.data()), kTiles, add,
                 reinterpret_cast<std::byte*>(sums.data()), kStride * 4);
      }
      for (std::int64_t r = 0; r < 32; ++r) {
        for (std::int64_t n = 0; n < kStride; ++n) {
          const bool written = n < 32 && (both || r < 16);
          const double product = written ? step.products[static_cast<std::size_t>(r * 32 + n)] : 0;
          ASSERT_EQ(static_cast<double>(sums[static_cast<std::size_t>(r * kStride + n)]),
                    product + (add || !written ? 7 : 0))
              << r << " " << n << (both ? " both" : " upper") << (add ? " add" : "");
        }
      }
    }
  }
}

class Tiles : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_tiles()) GTEST_SKIP() << "this CPU has no tiles";
  }
};

TEST_F(Tiles, MultiplyBf16) { expect_products<float>(multiply_bf16_tiles, Step<BFloat16, BFloat16>(-50)); }

TEST_F(Tiles, MultiplyUnsignedBytesWithSignedOnes) {
  expect_products<std::int32_t>(multiply_byte_tiles, Step<std::uint8_t, std::int8_t>(156));
}

TEST_F(Tiles, RowsOfABatchAreThoseOfASingleOne) {
  const Converted x(RandomMatrix(1100, 700, 1), DType::bf16), w(RandomMatrix(600, 700, 2), DType::bf16);
  const Weight weight(parts_of({w.tensor.view()}), Arithmetic::bf16);
  const Tensor all(DType::f32, {1100, 600}), one(DType::f32, {1, 600});
  matmul(matrix_of(x.tensor), weight, {}, matrix_of(all));
  for (const std::int64_t row : {0, 15, 16, 511, 512, 1099}) {
    matmul(matrix_of(x.tensor).row_range(row, 1), weight, {}, matrix_of(one));
    EXPECT_TRUE(std::ranges::equal(one.as<float>(), all.as<float>().subspan(static_cast<std::size_t>(row * 600), 600)))
        << row;
  }
}

/// Scores of bf16 alone would be off by up to 2^-8 of the lengths' product; parts of bf16 leave 2^-15.
TEST_F(Tiles, ScoresOfSplitNumbersKeepSixteenBits) {
  constexpr std::int64_t kRows = 37, kStride = 112;
  for (const std::int64_t width : {32, 64, 128, 256}) {
    for (const std::int64_t count : {1, 16, 17, 32, 75}) {
      const RandomMatrix q(kRows, width, 1), k(count, width + 8, 2);
      const std::int64_t padded = (count + 31) / 32 * 32;
      const Tensor queries(DType::bf16, {64, 2 * width}), panels(DType::f32, {padded, width}),
          scores(DType::f32, {64, kStride});
      std::memset(panels.data(), 0xFF, static_cast<std::size_t>(4 * panels.elements()));  // NaN, if it stayed
      for (std::int64_t r = 0; r < kRows; ++r)
        cpu::split_query(q.matrix().row<float>(r), 0.5f, width, matrix_of(queries).row<BFloat16>(r));
      cpu::pack_split_keys(k.matrix().row<float>(0), width + 8, count, width, panels.as<float>().data());
      cpu::split_scores(queries.as<BFloat16>().data(), kRows, panels.as<float>().data(), count, width,
                        scores.as<float>().data(), kStride);
      for (std::int64_t r = 0; r < kRows; ++r) {
        for (std::int64_t key = 0; key < padded; ++key) {
          double expected = 0, q_square = 0, k_square = 0;
          for (std::int64_t e = 0; key < count && e < width; ++e) {
            expected += 0.5 * q.exact.at(r, e) * k.exact.at(key, e);
            q_square += 0.25 * q.exact.at(r, e) * q.exact.at(r, e), k_square += k.exact.at(key, e) * k.exact.at(key, e);
          }
          ASSERT_NEAR(matrix_of(scores).row<float>(r)[key], expected, 0x1p-15 * std::sqrt(q_square * k_square))
              << width << ": " << r << " " << key << " of " << count;
        }
      }
    }
  }
}

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

}  // namespace
}  // namespace e5v::ops::test
