#include "ops/matmul.h"

#include <gmock/gmock.h>

#include "ops/isa.h"
#include "ops/random.h"
#include "ops/rows.h"

namespace e5v::ops::test {
namespace {

std::vector<Arithmetic> arithmetics() {
  if (has_native_bf16()) return {Arithmetic::f32, Arithmetic::bf16};
  return {Arithmetic::f32};
}

/// The matrix in another type, and what it then holds as doubles.
struct Converted {
  tensor::Tensor tensor;
  reference::Matrix exact;

  Converted(const RandomMatrix& source, tensor::DType type) : tensor(type, source.tensor.shape()), exact(source.exact) {
    const auto values = source.floats();
    for (std::size_t i = 0; i < values.size(); ++i) {
      switch (type) {
        case tensor::DType::f16:
          exact.values[i] = static_cast<float>(tensor.as<tensor::Half>()[i] = tensor::Half(values[i]));
          break;
        case tensor::DType::bf16:
          exact.values[i] = static_cast<float>(tensor.as<tensor::BFloat16>()[i] = tensor::BFloat16(values[i]));
          break;
        default: tensor.as<float>()[i] = values[i];
      }
    }
  }
};

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

        const Weight weight(std::vector{first.tensor.view(), second.tensor.view()}, arithmetic);
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
  const Weight weight(std::vector{w.tensor.view()}, Arithmetic::f32);
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

TEST(Matmul, WidensLargeSixteenBitWeightsInBlocks) {
  const Converted x(RandomMatrix(3, 4096, 1, 0.1f), tensor::DType::f32),
      w(RandomMatrix(700, 4096, 2), tensor::DType::bf16);
  const Weight weight(std::vector{w.tensor.view()}, Arithmetic::f32);
  const tensor::Tensor y(tensor::DType::f32, {3, 700});
  matmul(matrix_of(x.tensor), weight, {}, matrix_of(y));
  EXPECT_LT(max_difference(matrix_of(y), reference::matmul(x.exact, w.exact, {})), 2e-4);
}

TEST(Matmul, ArgumentsAreChecked) {
  const RandomMatrix w(8, 16, 1), x(2, 15, 2), other(3, 15, 1);
  const Weight weight(std::vector{w.tensor.view()}, Arithmetic::f32);
  const tensor::Tensor y(tensor::DType::f32, {2, 8});
  EXPECT_THAT(message_of<InvalidInput>([&] { matmul(x.matrix(), weight, {}, matrix_of(y)); }),
              testing::StrEq("[matmul] x is [2, 15], expected [2, 16]"));
  EXPECT_THAT(message_of<InvalidInput>([&] {
                Weight(std::vector{w.tensor.view(), other.tensor.view()}, Arithmetic::f32);
              }),
              testing::HasSubstr("weight part is [3, 15]"));
  const tensor::Tensor numbers(tensor::DType::i32, {8, 16});
  EXPECT_THAT(message_of<InvalidInput>([&] { Weight(std::vector{numbers.view()}, Arithmetic::f32); }),
              testing::HasSubstr("weight part is i32, expected f32, f16 or bf16"));
  if (!has_native_bf16()) {
    EXPECT_THAT(message_of<DeviceError>([&] { Weight(std::vector{w.tensor.view()}, Arithmetic::bf16); }),
                testing::HasSubstr("bf16 GEMM"));
  }
}

}  // namespace
}  // namespace e5v::ops::test
