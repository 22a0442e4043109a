#include "ops/cpu/attention_tiles.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "ops/isa.h"
#include "ops/random.h"

namespace e5v::ops::test {
namespace {

using tensor::BFloat16;
using tensor::DType;
using tensor::Tensor;

class AttentionTiles : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_tiles()) GTEST_SKIP() << "this CPU has no tiles";
  }
};

/// Scores of bf16 alone would be off by up to 2^-8 of the lengths' product; parts of bf16 leave 2^-15.
TEST_F(AttentionTiles, ScoresOfSplitNumbersKeepSixteenBits) {
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

/// Weights and values are small whole numbers, so that sums are exact.
TEST_F(AttentionTiles, MixesAreSumsOverTheKeys) {
  for (const std::int64_t rows : {1, 16, 17, 37}) {
    for (const std::int64_t count : {1, 32, 75}) {
      constexpr std::int64_t kColumns = 64;
      const std::int64_t padded = (count + 31) / 32 * 32;
      const auto value_at = [](std::int64_t key, std::int64_t column) { return (key * 7 + column * 3) % 11 - 5; };
      const auto weight_at = [](std::int64_t row, std::int64_t key) { return (row * 5 + key) % 9 - 4; };
      const Tensor weights(DType::bf16, {64, padded}), values(DType::bf16, {kColumns / 32, padded * 32}),
          mixed(DType::f32, {64, kColumns});
      std::ranges::fill(weights.as<BFloat16>(), BFloat16(0.0f));
      std::ranges::fill(values.as<BFloat16>(), BFloat16(0.0f));
      std::ranges::fill(mixed.as<float>(), 3.0f);
      for (std::int64_t key = 0; key < count; ++key) {
        for (std::int64_t row = 0; row < rows; ++row)
          matrix_of(weights).row<BFloat16>(row)[key] = BFloat16(static_cast<float>(weight_at(row, key)));
        for (std::int64_t c = 0; c < kColumns; ++c) {
          BFloat16* panel = matrix_of(values).row<BFloat16>(c / 32);
          panel[(key / 2 * 32 + c % 32) * 2 + key % 2] = BFloat16(static_cast<float>(value_at(key, c)));
        }
      }
      cpu::mix_in_tiles(weights.as<BFloat16>().data(), padded, rows, values.as<BFloat16>().data(), padded * 32, count,
                        mixed.as<float>().data(), kColumns);
      for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t c = 0; c < kColumns; ++c) {
          double expected = 3;
          for (std::int64_t key = 0; key < count; ++key)
            expected += static_cast<double>(weight_at(row, key) * value_at(key, c));
          ASSERT_EQ(matrix_of(mixed).row<float>(row)[c], expected) << row << " " << c << " of " << rows << " " << count;
        }
      }
    }
  }
}

/// The parts of a number together have twice the bits of one.
TEST_F(AttentionTiles, PartsOfAQueryAddUpToIt) {
  const RandomMatrix x(1, 64, 3);
  std::vector<BFloat16> parts(128);
  cpu::split_query(x.matrix().row<float>(0), 0.25f, 64, parts.data());
  for (std::size_t e = 0; e < 64; ++e) {
    const double exact = 0.25 * x.exact.values[e];
    const double sum = double{static_cast<float>(parts[e])} + double{static_cast<float>(parts[e + 64])};
    EXPECT_NEAR(sum, exact, std::abs(exact) * 0x1p-16) << e;
    EXPECT_EQ(static_cast<float>(parts[e]), static_cast<float>(BFloat16(static_cast<float>(exact)))) << e;
  }
}

}  // namespace
}  // namespace e5v::ops::test
