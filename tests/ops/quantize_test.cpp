#include "ops/quantize.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "ops/cpu/kernels.h"
#include "ops/isa.h"
#include "ops/matmul.h"
#include "ops/random.h"

namespace e5v::ops::test {
namespace {

TEST(QuantizeRows, EqualsItsTwin) {
  for (const std::int64_t columns : {1, 7, 16, 100, 1027}) {
    const RandomMatrix x(3, columns, static_cast<int>(columns));
    const reference::Quantized expected = reference::quantize_rows(x.exact);
    const tensor::Tensor bytes(tensor::DType::i8, {3, columns}), words(tensor::DType::i16, {3, columns});
    std::vector<float> byte_scales(3), word_scales(3);
    quantize_rows(x.matrix(), matrix_of(bytes), byte_scales);
    quantize_rows(x.matrix(), matrix_of(words), word_scales);
    EXPECT_EQ(byte_scales, word_scales);
    for (std::size_t i = 0; i < expected.values.values.size(); ++i) {
      EXPECT_NEAR(bytes.as<std::int8_t>()[i], expected.values.values[i], 0.0) << columns << " " << i;
      EXPECT_EQ(bytes.as<std::int8_t>()[i], words.as<std::int16_t>()[i]);
    }
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(byte_scales[i], expected.scales[i], 1e-7);
  }
}

TEST(QuantizeRows, TakesMoreLevelsInSixteenBits) {
  const RandomMatrix x(2, 50, 9);
  const reference::Quantized expected = reference::quantize_rows(x.exact, 3000);
  const tensor::Tensor words(tensor::DType::i16, {2, 50}), bytes(tensor::DType::i8, {2, 50});
  std::vector<float> scales(2);
  quantize_rows(x.matrix(), matrix_of(words), scales, 3000);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_NEAR(words.as<std::int16_t>()[i], expected.values.values[i], 1.0);
  EXPECT_NEAR(scales[1], expected.scales[1], 1e-9);
  EXPECT_THROW(quantize_rows(x.matrix(), matrix_of(bytes), scales, 128), InvalidInput);
}

TEST(QuantizeBytes, RoundingIsBoundedFromItsLength) {
  for (const std::int64_t columns : {1, 15, 16, 100, 1027}) {
    const RandomMatrix x(3, columns, static_cast<unsigned>(columns));
    std::fill_n(x.matrix().row<float>(2), columns, 0.0f);
    const tensor::Tensor bytes(tensor::DType::u8, {3, columns});
    std::vector<cpu::ByteScale> scales(3);
    cpu::quantize_bytes(x.matrix(), {}, matrix_of(bytes), scales.data());
    std::vector<float> lost(3);
    cpu::byte_rounding(x.matrix(), lost.data());
    for (std::int64_t row = 0; row < 3; ++row) {
      double square = 0;
      const cpu::ByteScale s = scales[static_cast<std::size_t>(row)];
      for (std::int64_t k = 0; k < columns; ++k) {
        const double number = (matrix_of(bytes).row<std::uint8_t>(row)[k] - s.zero) * static_cast<double>(s.scale);
        const double left = static_cast<double>(x.matrix().row<float>(row)[k]) - number;
        square += left * left;
      }
      const float bound = lost[static_cast<std::size_t>(row)];
      EXPECT_GE(bound, std::sqrt(square)) << columns << " " << row;
      EXPECT_LE(bound, std::sqrt(square) * 1.002 + 1e-6) << columns << " " << row;
    }
  }
}

TEST(QuantizeRows, RoundingIsBoundedFromItsLength) {
  if (vector_bits() < 256) GTEST_SKIP() << "no fused multiply-add";
  for (const std::int64_t columns : {1, 15, 16, 100, 1027, 4096}) {
    const RandomMatrix x(3, columns, static_cast<unsigned>(columns));
    std::fill_n(x.matrix().row<float>(2), columns, 0.0f);
    const int levels = int8_levels(columns);
    const tensor::Tensor words(tensor::DType::i16, {3, columns});
    std::vector<float> scales(3), lost(3);
    quantize_rows(x.matrix(), matrix_of(words), scales, levels);
    cpu::word_rounding(x.matrix(), levels, lost.data());
    for (std::int64_t row = 0; row < 3; ++row) {
      double square = 0;
      for (std::int64_t k = 0; k < columns; ++k) {
        const double number = matrix_of(words).row<std::int16_t>(row)[k] * static_cast<double>(scales[row]);
        square += std::pow(static_cast<double>(x.matrix().row<float>(row)[k]) - number, 2);
      }
      const float bound = lost[static_cast<std::size_t>(row)];
      EXPECT_GE(bound, std::sqrt(square)) << columns << " " << row;
      EXPECT_LE(bound, std::sqrt(square) * 1.006) << columns << " " << row;
    }
  }
}

/// Products with the identity are the numbers that x is rounded to.
TEST(Int8Rounding, IsWhatMatmulTakes) {
  if (vector_bits() < 256) GTEST_SKIP() << "no fused multiply-add";
  for (const std::int64_t columns : {16, 100, 1027}) {
    const RandomMatrix x(3, columns, static_cast<unsigned>(columns));
    const tensor::Tensor ones(tensor::DType::i8, {columns, columns}), scales(tensor::DType::f32, {columns, 1});
    std::ranges::fill(ones.as<std::int8_t>(), std::int8_t{0});
    std::ranges::fill(scales.as<float>(), 1.0f / 127);
    for (std::int64_t i = 0; i < columns; ++i) matrix_of(ones).row<std::int8_t>(i)[i] = 127;
    const tensor::StoredMatrix identity = tensor::StoredMatrix::int8(ones.view(), scales.view());
    const tensor::Tensor y(tensor::DType::f32, {3, columns});
    matmul(x.matrix(), Weight({&identity, 1}, Arithmetic::int8), {}, matrix_of(y));
    std::vector<float> lost(3);
    int8_rounding(x.matrix(), lost);
    for (std::int64_t row = 0; row < 3; ++row) {
      double taken = 0, length = 0;
      for (std::int64_t k = 0; k < columns; ++k) {
        const auto number = static_cast<double>(x.matrix().row<float>(row)[k]);
        taken += std::pow(number - static_cast<double>(matrix_of(y).row<float>(row)[k]), 2);
        length += number * number;
      }
      const double slack = 4 * 0x1p-24 * std::sqrt(length), bound = lost[static_cast<std::size_t>(row)];
      EXPECT_LE(std::sqrt(taken), bound + slack) << columns << " " << row;
      EXPECT_GE(std::sqrt(taken), 0.98 * bound - slack) << columns << " " << row;
    }
  }
  std::vector<float> two(2);
  EXPECT_THROW(int8_rounding(RandomMatrix(3, 4, 1).matrix(), two), InvalidInput);
}

TEST(QuantizeBytes, SpanTheRangeOfARow) {
  for (const std::int64_t columns : {1, 15, 16, 100, 1027}) {
    const RandomMatrix x(3, columns, static_cast<int>(columns));
    const std::vector<std::int64_t> fine{1};
    const tensor::Tensor bytes(tensor::DType::u8, {4, columns});
    std::vector<cpu::ByteScale> scales(4);
    cpu::quantize_bytes(x.matrix(), {fine}, matrix_of(bytes), scales.data());
    for (std::int64_t row = 0; row < 3; ++row) {
      double low = 0, high = 0;
      const cpu::ByteScale s = scales[static_cast<std::size_t>(row)], rest = scales[3];
      for (std::int64_t k = 0; k < columns; ++k) {
        low = std::min(low, x.exact.at(row, k)), high = std::max(high, x.exact.at(row, k));
        const double number = (matrix_of(bytes).row<std::uint8_t>(row)[k] - s.zero) * static_cast<double>(s.scale);
        EXPECT_NEAR(number, x.exact.at(row, k), 0.501 * s.scale * (1 + 1e-4)) << columns << " " << k;
        if (row != fine[0]) continue;
        const double remainder =
            (matrix_of(bytes).row<std::uint8_t>(3)[k] - rest.zero) * static_cast<double>(rest.scale);
        EXPECT_NEAR(number + remainder, x.exact.at(row, k), s.scale / 400) << columns << " " << k;
      }
      EXPECT_NEAR(s.scale, (high - low) / 255, 1e-6);
    }
  }
}

TEST(Int8Levels, KeepSumsInThirtyTwoBits) {
  for (const std::int64_t K : {1, 64, 4096, 14336, 1 << 24}) {
    const std::int64_t levels = int8_levels(K);
    EXPECT_GE(levels, 1);
    EXPECT_TRUE(levels == 1 || levels * 128 * K <= 2147483647) << K;
    EXPECT_LE(levels, 32767);
  }
  EXPECT_GE(int8_levels(14336), 1000);
}

TEST(QuantizeRows, ZerosStayZeroAndNonFiniteNumbersShow) {
  const tensor::Tensor x(tensor::DType::f32, {3, 20}), q(tensor::DType::i8, {3, 20});
  std::ranges::fill(x.as<float>(), 0.0f);
  x.as<float>()[20 + 3] = std::numeric_limits<float>::infinity();
  x.as<float>()[40 + 19] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> scales(3);
  quantize_rows(matrix_of(x), matrix_of(q), scales);
  EXPECT_EQ(scales[0], 0.0f);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(q.as<std::int8_t>()[i], 0);
  EXPECT_FALSE(std::isfinite(scales[1]));
  EXPECT_FALSE(std::isfinite(scales[2]));
}

TEST(ExpandRows, GivesNf4ToTheLastBit) {
  for (const auto& [rows, columns] : {std::pair<std::int64_t, std::int64_t>{3, 64}, {70, 512}, {9, 8}, {21, 352}}) {
    const Nf4Weight weight(rows, columns, static_cast<unsigned>(columns));
    const tensor::Tensor wide(tensor::DType::f32, {rows, columns}), half(tensor::DType::bf16, {rows - 1, columns});
    expand_rows(weight.matrix, 0, matrix_of(wide));
    EXPECT_EQ(max_difference(matrix_of(wide), weight.exact), 0.0) << rows << " " << columns;
    expand_rows(weight.matrix, 1, matrix_of(half));
    for (std::size_t i = 0; i < half.as<tensor::BFloat16>().size(); ++i) {
      const float value = wide.as<float>()[i + static_cast<std::size_t>(columns)];
      EXPECT_EQ(half.as<tensor::BFloat16>()[i].bits, tensor::BFloat16(value).bits) << i;
    }
  }
}

TEST(ExpandRows, GivesIntegersTimesScales) {
  const std::int64_t rows = 5, columns = 96, groups = 3;
  const tensor::Tensor words(tensor::DType::i32, {rows, columns / 8}), scales(tensor::DType::bf16, {rows, groups});
  std::vector<float> expected;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t g = 0; g < groups; ++g) {
      scales.as<tensor::BFloat16>()[static_cast<std::size_t>(r * groups + g)] =
          tensor::BFloat16(0.25f * static_cast<float>(r + 1) + static_cast<float>(g));
    }
    for (std::int64_t word = 0; word < columns / 8; ++word) {
      std::uint32_t packed = 0;
      for (std::uint32_t i = 0; i < 8; ++i) {
        const auto number = static_cast<std::uint32_t>((r * 31 + word * 7 + i * 3) % 16);
        packed |= number << (4 * i);
        const auto scale = scales.as<tensor::BFloat16>()[static_cast<std::size_t>(r * groups + word / 4)];
        expected.push_back((static_cast<float>(number) - 8) * static_cast<float>(scale));
      }
      words.as<std::int32_t>()[static_cast<std::size_t>(r * columns / 8 + word)] = static_cast<std::int32_t>(packed);
    }
  }
  const auto weight = tensor::StoredMatrix::int4(words.view(), scales.view(), columns);
  EXPECT_EQ(weight.group(), 32);
  const tensor::Tensor wide(tensor::DType::f32, {rows - 1, columns}), half(tensor::DType::bf16, {rows - 1, columns});
  expand_rows(weight, 1, matrix_of(wide));
  expand_rows(weight, 1, matrix_of(half));
  for (std::size_t i = 0; i < wide.as<float>().size(); ++i) {
    EXPECT_EQ(wide.as<float>()[i], expected[i + columns]) << i;
    EXPECT_EQ(static_cast<float>(half.as<tensor::BFloat16>()[i]),
              static_cast<float>(tensor::BFloat16(expected[i + columns])));
  }
}

TEST(Quantize, ArgumentsAreChecked) {
  const RandomMatrix x(2, 16, 1);
  const tensor::Tensor q(tensor::DType::i8, {2, 15}), y(tensor::DType::f32, {3, 16});
  std::vector<float> scales(2);
  EXPECT_THAT(message_of<InvalidInput>([&] { quantize_rows(x.matrix(), matrix_of(q), scales); }),
              testing::StrEq("[quantize_rows] q is [2, 15], expected [2, 16]"));
  EXPECT_THAT(message_of<InvalidInput>([&] { quantize_rows(x.matrix(), x.matrix(), scales); }),
              testing::StrEq("[quantize_rows] q is f32, expected i8 or i16"));
  EXPECT_THAT(message_of<InvalidInput>([&] { expand_rows(x.tensor.view(), 0, matrix_of(y)); }),
              testing::HasSubstr("rows 0 to 3 with 16 columns are not those of a weight [2, 16]"));
}

}  // namespace
}  // namespace e5v::ops::test
