#include "ops/cpu/tiles.h"

#include <gmock/gmock.h>

#include <random>

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

}  // namespace
}  // namespace e5v::ops::test
