#include "ops/matmul.h"

#include <gmock/gmock.h>

#include <random>
#include <tuple>

#include "base/parallel.h"
#include "ops/cpu/gemm.h"
#include "ops/isa.h"
#include "ops/quantize.h"
#include "ops/random.h"
#include "ops/rows.h"
#include "ops/weights.h"

namespace e5v::ops::test {
namespace {

TEST(Matmul, EqualsItsTwin) {
  for (const Arithmetic arithmetic : arithmetics()) {
    for (const tensor::DType stored : {tensor::DType::f32, tensor::DType::f16, tensor::DType::bf16}) {
      if (arithmetic == Arithmetic::bf16 && stored == tensor::DType::f16)
        continue;  // rounds weights: cosines elsewhere
      for (const auto& [rows, inputs] : {std::pair{1, 16}, {5, 100}, {33, 352}, {130, 64}}) {
        const Converted x(RandomMatrix(rows, inputs, 1), input_dtype(arithmetic));
        const auto weight_type = arithmetic == Arithmetic::bf16 ? tensor::DType::bf16 : stored;
        const Converted first(RandomMatrix(48, inputs, 2), weight_type),
            second(RandomMatrix(17, inputs, 3), weight_type);
        const RandomMatrix bias(1, 65, 4), start(rows, 65, 5);
        reference::Matrix w(65, inputs);
        std::copy(first.exact.values.begin(), first.exact.values.end(), w.values.begin());
        std::copy(second.exact.values.begin(), second.exact.values.end(), w.values.begin() + 48 * inputs);
        auto expected = reference::matmul(x.exact, w, bias.exact.values);

        const Weight weight(parts_of({first.tensor.view(), second.tensor.view()}), arithmetic);
        EXPECT_EQ(weight.outputs(), 65);
        const tensor::Tensor y(tensor::DType::f32, {rows, 65});
        matmul(matrix_of(x.tensor), weight, bias.floats(), matrix_of(y));
        EXPECT_LT(max_difference(matrix_of(y), expected), 2e-4);

        for (std::size_t i = 0; i < expected.values.size(); ++i) expected.values[i] += start.exact.values[i];
        matmul(matrix_of(x.tensor), weight, bias.floats(), start.matrix(), true);
        EXPECT_LT(max_difference(start.matrix(), expected), 2e-4);
      }
    }
  }
}

TEST(Matmul, ReadsAndWritesColumnsOfWiderMatrices) {
  const RandomMatrix wide_x(4, 40, 1), w(8, 16, 2), wide_y(4, 24, 3);
  const std::vector<double> before = wide_y.exact.values;
  const Weight weight(parts_of({w.tensor.view()}), Arithmetic::f32);
  matmul(wide_x.matrix().column_range(20, 16), weight, {}, wide_y.matrix().column_range(8, 8));
  for (std::int64_t r = 0; r < 4; ++r) {
    for (std::int64_t c = 0; c < 24; ++c) {
      double expected = before[static_cast<std::size_t>(r * 24 + c)];
      if (c >= 8 && c < 16) {
        expected = 0;
        for (std::int64_t k = 0; k < 16; ++k) expected += wide_x.exact.at(r, 20 + k) * w.exact.at(c - 8, k);
      }
      EXPECT_NEAR(wide_y.matrix().row<float>(r)[c], expected, 1e-4) << r << " " << c;
    }
  }
}

/// More rows and columns than a block of any kernel has, none of them a round number.
TEST(Matmul, LargeProductsEqualTheirTwin) {
  const RandomMatrix x(1050, 700, 1), w(1100, 700, 2, 0.1f);
  for (const Arithmetic arithmetic : arithmetics()) {
    const Converted rounded_x(x, input_dtype(arithmetic)), rounded_w(w, input_dtype(arithmetic));
    const Weight weight(parts_of({rounded_w.tensor.view()}), arithmetic);
    const tensor::Tensor y(tensor::DType::f32, {1050, 1100});
    matmul(matrix_of(rounded_x.tensor), weight, {}, matrix_of(y));
    EXPECT_LT(max_difference(matrix_of(y), reference::matmul(rounded_x.exact, rounded_w.exact, {})), 2e-4);
  }
}

/// One block of outputs, which the threads share, and several, of which each takes some.
TEST(Matmul, DoesNotDependOnTheNumberOfThreads) {
  const int threads = thread_count();
  for (const std::int64_t outputs : {40, 1030}) {
    const RandomMatrix x(300, 1024, 1), w(outputs, 1024, 2);
    const Converted rounded_w(w, tensor::DType::bf16);
    const Int8Weight bytes(outputs, 1024, 3);
    const Weight int8(std::vector{bytes.matrix()}, Arithmetic::int8);
    for (const Arithmetic arithmetic : arithmetics()) {
      const Converted rounded_x(x, input_dtype(arithmetic));
      const Weight weight(parts_of({rounded_w.tensor.view()}), arithmetic);
      std::vector<std::vector<float>> results;
      for (const int count : {1, 2, 3}) {
        set_thread_count(count);
        const tensor::Tensor y(tensor::DType::f32, {300, outputs}), z(tensor::DType::f32, {300, outputs});
        matmul(matrix_of(rounded_x.tensor), weight, {}, matrix_of(y));
        matmul(x.matrix(), int8, {}, matrix_of(z));
        EXPECT_EQ(thread_count(), count);
        results.emplace_back(y.as<float>().begin(), y.as<float>().end());
        results.back().insert(results.back().end(), z.as<float>().begin(), z.as<float>().end());
      }
      EXPECT_EQ(results[1], results[0]) << outputs;
      EXPECT_EQ(results[2], results[0]) << outputs;
    }
  }
  set_thread_count(threads);
}

TEST(Matmul, WidensLargeSixteenBitWeightsInBlocks) {
  const Converted x(RandomMatrix(3, 4096, 1, 0.1f), tensor::DType::f32),
      w(RandomMatrix(700, 4096, 2), tensor::DType::bf16);
  const Weight weight(parts_of({w.tensor.view()}), Arithmetic::f32);
  const tensor::Tensor y(tensor::DType::f32, {3, 700});
  matmul(matrix_of(x.tensor), weight, {}, matrix_of(y));
  EXPECT_LT(max_difference(matrix_of(y), reference::matmul(x.exact, w.exact, {})), 2e-4);
}

/// What int8 arithmetic makes of activations, as numbers.
reference::Matrix rounded_rows(const RandomMatrix& x) {
  reference::Matrix rounded = x.exact;
  const std::int64_t rows = x.exact.rows, columns = x.exact.columns;
  const tensor::Tensor words(tensor::DType::i16, {rows, columns}), bytes(tensor::DType::u8, {rows, columns});
  std::vector<float> scales(static_cast<std::size_t>(rows));
  std::vector<cpu::ByteScale> byte_scales(static_cast<std::size_t>(rows));
  quantize_rows(x.matrix(), matrix_of(words), scales, int8_levels(columns));
  cpu::quantize_bytes(x.matrix(), {}, matrix_of(bytes), byte_scales.data());
  for (std::size_t i = 0; i < rounded.values.size(); ++i) {
    const std::size_t row = i / static_cast<std::size_t>(columns);
    const cpu::ByteScale& byte = byte_scales[row];
    rounded.values[i] = has_native_int8() ? (bytes.as<std::uint8_t>()[i] - byte.zero) * static_cast<double>(byte.scale)
                                          : words.as<std::int16_t>()[i] * static_cast<double>(scales[row]);
  }
  return rounded;
}

/// What int8 arithmetic must give: exact sums of the rounded numbers times both scales.
reference::Matrix int8_product(const RandomMatrix& x, const Int8Weight& weight, const std::vector<double>& bias) {
  reference::Matrix y = reference::matmul(rounded_rows(x), weight.numbers, {});
  for (std::int64_t i = 0; i < y.rows; ++i) {
    for (std::int64_t j = 0; j < y.columns; ++j) {
      const auto column = static_cast<std::size_t>(j);
      y.at(i, j) = y.at(i, j) * weight.exact_scales[column] + bias[column];
    }
  }
  return y;
}

TEST(Matmul, Int8SumsAreExact) {
  for (const auto& [rows, outputs, inputs] :
       {std::tuple{1, 16, 16}, {5, 17, 100}, {13, 40, 513}, {400, 33, 64}, {7, 3, 1027}}) {
    const RandomMatrix x(rows, inputs, 1), bias(1, outputs, 4), start(rows, outputs, 5);
    const Int8Weight w(outputs, inputs, rows);
    reference::Matrix expected = int8_product(x, w, bias.exact.values);
    const Weight weight(std::vector{w.matrix()}, Arithmetic::int8);
    const tensor::Tensor y(tensor::DType::f32, {rows, outputs});
    matmul(x.matrix(), weight, bias.floats(), matrix_of(y));
    const double tolerance = 1e-5 * std::sqrt(static_cast<double>(inputs));  // of values up to 40 times the root
    EXPECT_LT(max_difference(matrix_of(y), expected), tolerance);
    for (std::size_t i = 0; i < expected.values.size(); ++i) expected.values[i] += start.exact.values[i];
    matmul(x.matrix(), weight, bias.floats(), start.matrix(), true);
    EXPECT_LT(max_difference(start.matrix(), expected), tolerance);
  }
}

TEST(Matmul, Int8DoesNotSaturate) {
  const std::int64_t inputs = 14336;
  const tensor::Tensor x(tensor::DType::f32, {2, inputs}), scales(tensor::DType::f32, {8, 1}),
      values(tensor::DType::i8, {8, inputs}), y(tensor::DType::f32, {2, 8});
  std::fill_n(x.as<float>().begin(), inputs, -1.0f);
  std::fill_n(x.as<float>().begin() + inputs, inputs, 1.0f);
  std::ranges::fill(values.as<std::int8_t>(), std::int8_t{127});
  std::ranges::fill(scales.as<float>(), 1.0f);
  const Weight weight(std::vector{tensor::StoredMatrix::int8(values.view(), scales.view())}, Arithmetic::int8);
  matmul(matrix_of(x), weight, {}, matrix_of(y));
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_NEAR(y.as<float>()[i], (i < 8 ? -127.0f : 127.0f) * static_cast<float>(inputs), 1.0f);
  }
}

TEST(Matmul, EveryInstructionSetComputesTheSame) {
  const std::int64_t rows = 11, outputs = 37, inputs = 603;
  const RandomMatrix x(rows, inputs, 1), w(outputs, inputs, 2);
  const Int8Weight w8(outputs, inputs, 3);
  const RandomMatrix x4(rows, 600, 4);
  const Nf4Weight w4(outputs, 600, 5);  // blocks reach from row to row
  const Weight nf4(std::vector{w4.matrix}, Arithmetic::f32);
  const auto expected4 = reference::matmul(x4.exact, w4.exact, {});
  const Weight plain(parts_of({w.tensor.view()}), Arithmetic::f32), int8(std::vector{w8.matrix()}, Arithmetic::int8);
  const auto expected = reference::matmul(x.exact, w.exact, {});
  const auto expected8 = int8_product(x, w8, std::vector<double>(static_cast<std::size_t>(outputs)));
  for (const std::int64_t target : {HWY_SCALAR, HWY_AVX2, HWY_AVX3}) {
    if (target != HWY_SCALAR && (hwy::SupportedTargets() & target) == 0) continue;
    const OnlyTarget only(target);
    const tensor::Tensor y(tensor::DType::f32, {rows, outputs});
    matmul(x.matrix(), plain, {}, matrix_of(y));
    EXPECT_LT(max_difference(matrix_of(y), expected), 5e-4) << hwy::TargetName(target);
    matmul(x.matrix(), int8, {}, matrix_of(y));
    EXPECT_LT(max_difference(matrix_of(y), expected8), 1e-3) << hwy::TargetName(target);
    matmul(x4.matrix(), nf4, {}, matrix_of(y));
    EXPECT_LT(max_difference(matrix_of(y), expected4), 2e-3) << hwy::TargetName(target);
    const tensor::Tensor wide(tensor::DType::f32, {outputs, 600});
    expand_rows(w4.matrix, 0, matrix_of(wide));
    EXPECT_EQ(max_difference(matrix_of(wide), w4.exact), 0.0) << hwy::TargetName(target);
  }
}

TEST(Matmul, OneDnnsInt8PathEqualsItsTwin) {
  // Numbers so small that 16-bit sums do not saturate, so that it can be checked without 8-bit dot products, too.
  const std::int64_t rows = 9, outputs = 24, inputs = 64;
  const Int8Weight w(outputs, inputs, 3, 7);
  const RandomMatrix bias(1, outputs, 4), start(rows, outputs, 5);
  const Int8Weight x(rows, inputs, 8, 7);
  constexpr int kZero = 7;
  std::vector<cpu::ByteScale> x_scales;
  for (const double scale : x.exact_scales) x_scales.push_back({static_cast<float>(scale), kZero});
  reference::Matrix expected = reference::matmul(x.numbers, w.numbers, {});
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < outputs; ++j) {
      const auto column = static_cast<std::size_t>(j);
      expected.at(i, j) *= x.exact_scales[static_cast<std::size_t>(i)] * w.exact_scales[column];
      expected.at(i, j) += bias.exact.values[column];
    }
  }
  const std::vector<float> w_scales(w.exact_scales.begin(), w.exact_scales.end());
  const std::vector parts{w.matrix()};
  const tensor::Tensor bytes(tensor::DType::u8, {rows, inputs});
  for (std::size_t i = 0; i < static_cast<std::size_t>(rows * inputs); ++i) {
    bytes.as<std::uint8_t>()[i] = static_cast<std::uint8_t>(x.values.as<std::int8_t>()[i] + kZero);
  }
  const cpu::QuantizedRows quantized{matrix_of(bytes), x_scales.data()};
  const tensor::Tensor y(tensor::DType::f32, {rows, outputs});
  cpu::gemm_bytes(quantized, parts, w_scales, bias.floats().data(), matrix_of(y), false);
  EXPECT_LT(max_difference(matrix_of(y), expected), 1e-4);
  for (std::size_t i = 0; i < expected.values.size(); ++i) expected.values[i] += start.exact.values[i];
  cpu::gemm_bytes(quantized, parts, w_scales, bias.floats().data(), start.matrix(), true);
  EXPECT_LT(max_difference(start.matrix(), expected), 1e-4);
}

TEST(Matmul, FineRowsKeepWhatRoundingTakes) {
  if (!has_native_int8()) GTEST_SKIP() << "activations have 16 bits here anyway";
  for (const std::int64_t rows : {1, 9, 600}) {  // beside the others, and by themselves
    const std::int64_t outputs = 40, inputs = 352;
    const RandomMatrix x(rows, inputs, 1), bias(1, outputs, 4), start(rows, outputs, 5);
    const Int8Weight w(outputs, inputs, 2);
    reference::Matrix numbers = w.numbers;
    for (std::size_t i = 0; i < numbers.values.size(); ++i) {
      numbers.values[i] *= w.exact_scales[i / static_cast<std::size_t>(inputs)];
    }
    const auto exact = reference::matmul(x.exact, numbers, bias.exact.values);
    const auto rounded = int8_product(x, w, bias.exact.values);
    const std::vector<std::int64_t> fine =
        rows == 1 ? std::vector<std::int64_t>{0} : std::vector<std::int64_t>{2, rows - 1};
    const Weight weight(std::vector{w.matrix()}, Arithmetic::int8);
    const tensor::Tensor y(tensor::DType::f32, {rows, outputs});
    matmul(x.matrix(), weight, bias.floats(), matrix_of(y), false, {fine});
    const std::vector<float> before(start.floats().begin(), start.floats().end());
    matmul(x.matrix(), weight, bias.floats(), start.matrix(), true, {fine});
    double largest_fine = 0, largest_rounded = 0, largest_sum = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      const bool is_fine = std::ranges::find(fine, i) != fine.end();
      for (std::int64_t j = 0; j < outputs; ++j) {
        const auto at = static_cast<std::size_t>(i * outputs + j);
        const double found = y.as<float>()[at], sum = start.floats()[at];
        if (is_fine) largest_fine = std::max(largest_fine, std::abs(found - exact.at(i, j)));
        EXPECT_NEAR(found, is_fine ? exact.at(i, j) : rounded.at(i, j), is_fine ? 0.1 : 1e-3);
        largest_rounded = std::max(largest_rounded, std::abs(rounded.at(i, j) - exact.at(i, j)));
        largest_sum = std::max(largest_sum, std::abs(sum - before[at] - found));
      }
    }
    matmul(x.matrix(), weight, bias.floats(), matrix_of(y), false, {.all = true});
    EXPECT_LT(max_difference(matrix_of(y), exact), largest_rounded / 50) << rows;
    EXPECT_LT(largest_fine, largest_rounded / 50) << rows;
    EXPECT_LT(largest_sum, 1e-3) << rows;
  }
  const RandomMatrix x(2, 16, 1);
  const Int8Weight w(8, 16, 2);
  const tensor::Tensor y(tensor::DType::f32, {2, 8});
  const std::vector<std::int64_t> two{2};
  EXPECT_THAT(message_of<InvalidInput>([&] {
                matmul(x.matrix(), Weight(std::vector{w.matrix()}, Arithmetic::int8), {}, matrix_of(y), false, {two});
              }),
              testing::StrEq("[matmul] fine row 2 of 2"));
}

TEST(Matmul, QuantisedWeightsExpandUnderOtherArithmetics) {
  for (const Arithmetic arithmetic : arithmetics()) {
    const Converted x(RandomMatrix(5, 96, 1), input_dtype(arithmetic));
    const Int8Weight w(20, 96, 2);
    const tensor::Tensor y(tensor::DType::f32, {5, 20});
    reference::Matrix numbers = w.numbers;
    for (std::size_t i = 0; i < numbers.values.size(); ++i) numbers.values[i] *= w.exact_scales[i / 96];
    const auto expected = reference::matmul(x.exact, numbers, {});
    matmul(matrix_of(x.tensor), Weight(std::vector{w.matrix()}, arithmetic), {}, matrix_of(y));
    EXPECT_LT(max_difference(matrix_of(y), expected), arithmetic == Arithmetic::f32 ? 2e-3 : 1.0);
  }
}

/// An int4 weight rounded to bytes, of which one is a sixteenth of the row's largest scale. In floats, so that numbers
/// half-way between two bytes go where they must.
reference::Matrix in_bytes(const Int4Weight& w) {
  reference::Matrix rounded = w.exact;
  const std::int64_t group = Int4Weight::kGroup, groups = w.exact.columns / group;
  for (std::int64_t row = 0; row < rounded.rows; ++row) {
    const auto scales = w.scales.as<float>().subspan(static_cast<std::size_t>(row * groups));
    float largest = 0;  // the number -8 under a negative scale is positive, and bytes end at 127
    for (const float scale : scales.first(static_cast<std::size_t>(groups))) {
      largest = std::max(largest, scale < 0 ? -scale * (128.0f / 127.0f) : scale);
    }
    const float unit = largest / 16, inverse = 1 / unit;
    for (std::int64_t i = 0; i < rounded.columns; ++i) {
      const float scale = scales[static_cast<std::size_t>(i / group)];
      const auto code = static_cast<float>(std::nearbyint(rounded.at(row, i) / scale));
      rounded.at(row, i) = std::nearbyint(code * (scale * inverse)) * static_cast<double>(unit);
    }
  }
  return rounded;
}

TEST(Matmul, Int4WeightsAreMultipliedAsBytes) {
  for (const auto& [rows, inputs] : {std::pair{1, 32}, {5, 352}, {300, 1056}}) {
    const RandomMatrix x(rows, inputs, 1), bias(1, 65, 4);
    const Int4Weight first(48, inputs, 2), second(17, inputs, 3);
    const std::vector parts{first.matrix(), second.matrix()};
    reference::Matrix w(65, inputs);
    const auto add = [&](const Int4Weight& part, std::int64_t row) {
      const reference::Matrix numbers = has_native_int8() ? in_bytes(part) : part.exact;
      std::ranges::copy(numbers.values, w.values.begin() + row * inputs);
    };
    add(first, 0);
    add(second, 48);
    const auto expected = reference::matmul(has_native_int8() ? rounded_rows(x) : x.exact, w, bias.exact.values);
    const tensor::Tensor y(tensor::DType::f32, {rows, 65});
    matmul(x.matrix(), Weight(parts, Arithmetic::int8), bias.floats(), matrix_of(y));
    EXPECT_LT(max_difference(matrix_of(y), expected), 2e-3) << inputs;
  }
}

TEST(Matmul, BytesOfInt4AreTheSameOnEveryInstructionSet) {
  const std::int64_t inputs = 1056;
  const Int4Weight w(9, inputs, 2);
  const reference::Matrix exact = in_bytes(w);
  const tensor::Tensor bytes(tensor::DType::i8, {1, inputs});
  for (const std::int64_t target : {HWY_SCALAR, HWY_AVX2, HWY_AVX3}) {
    if (target != HWY_SCALAR && (hwy::SupportedTargets() & target) == 0) continue;
    const OnlyTarget only(target);
    for (std::int64_t row = 0; row < 9; ++row) {
      const tensor::StoredMatrix weight = w.matrix();
      cpu::expand_columns(weight, row, 0, matrix_of(bytes));
      const double unit = cpu::byte_scale(weight, row);
      for (std::int64_t i = 0; i < inputs; ++i) {
        const auto byte = bytes.as<std::int8_t>()[static_cast<std::size_t>(i)];
        EXPECT_LT(std::abs(byte * unit - w.exact.at(row, i)), 0.501 * unit) << hwy::TargetName(target) << " " << i;
        EXPECT_EQ(byte * unit, exact.at(row, i)) << hwy::TargetName(target) << " " << i;
      }
    }
  }
}

TEST(Matmul, Nf4WeightsEqualTheirTwin) {
  for (const Arithmetic arithmetic : arithmetics()) {
    for (const auto& [rows, inputs] : {std::pair{1, 64}, {5, 352}, {33, 576}}) {
      const Converted x(RandomMatrix(rows, inputs, 1), input_dtype(arithmetic));
      const Nf4Weight first(48, inputs, 2), second(17, inputs, 3);
      reference::Matrix w(65, inputs);
      std::ranges::copy(second.exact.values, std::ranges::copy(first.exact.values, w.values.begin()).out);
      const auto expected = reference::matmul(x.exact, w, {});
      const Weight weight(std::vector{first.matrix, second.matrix}, arithmetic);
      const tensor::Tensor y(tensor::DType::f32, {rows, 65});
      matmul(matrix_of(x.tensor), weight, {}, matrix_of(y));
      EXPECT_LT(max_difference(matrix_of(y), expected), arithmetic == Arithmetic::f32 ? 2e-3 : 1.0) << inputs;
    }
  }
}

TEST(Matmul, ArgumentsAreChecked) {
  const RandomMatrix w(8, 16, 1), x(2, 15, 2), other(3, 15, 1);
  const Weight weight(parts_of({w.tensor.view()}), Arithmetic::f32);
  const tensor::Tensor y(tensor::DType::f32, {2, 8});
  EXPECT_THAT(message_of<InvalidInput>([&] { matmul(x.matrix(), weight, {}, matrix_of(y)); }),
              testing::StrEq("[matmul] x is [2, 15], expected [2, 16]"));
  EXPECT_THAT(message_of<InvalidInput>([&] {
                Weight(parts_of({w.tensor.view(), other.tensor.view()}), Arithmetic::f32);
              }),
              testing::StrEq("[matmul] weight part is plain [3, 15], expected plain and 16 columns"));
  const tensor::Tensor numbers(tensor::DType::i32, {8, 16});
  EXPECT_THAT(message_of<InvalidInput>([&] { Weight(parts_of({numbers.view()}), Arithmetic::f32); }),
              testing::StrEq("[weight] is i32, expected f32, f16 or bf16"));
  EXPECT_THAT(message_of<InvalidInput>([&] { Weight(parts_of({w.tensor.view()}), Arithmetic::int8); }),
              testing::StrEq("[matmul] weight is plain, int8 arithmetic expects int8 or int4"));
  if (!has_native_bf16()) {
    EXPECT_THAT(message_of<DeviceError>([&] { Weight(parts_of({w.tensor.view()}), Arithmetic::bf16); }),
                testing::HasSubstr("bf16 GEMM"));
  }
}

}  // namespace
}  // namespace e5v::ops::test
