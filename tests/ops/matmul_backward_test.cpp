#include <gmock/gmock.h>

#include "base/parallel.h"
#include "ops/matmul.h"
#include "ops/rows.h"
#include "ops/weights.h"

namespace e5v::ops::test {
namespace {

/// The values as bf16 has them.
reference::Matrix rounded(reference::Matrix x) {
  for (double& value : x.values) value = static_cast<float>(tensor::BFloat16(static_cast<float>(value)));
  return x;
}

/// a b, or a^T b.
reference::Matrix product(const reference::Matrix& a, const reference::Matrix& b, bool transposed = false) {
  reference::Matrix c(transposed ? a.columns : a.rows, b.columns);
  for (std::int64_t i = 0; i < c.rows; ++i) {
    for (std::int64_t k = 0; k < b.rows; ++k) {
      const double factor = transposed ? a.at(k, i) : a.at(i, k);
      for (std::int64_t j = 0; j < c.columns; ++j) c.at(i, j) += factor * b.at(k, j);
    }
  }
  return c;
}

double largest(const reference::Matrix& x) {
  double result = 0;
  for (const double value : x.values) result = std::max(result, std::abs(value));
  return result;
}

/// dy W, added to ones, of a weight of parts that stand for `exact`, stacked. Only sums are inexact: under bf16 the
/// twin gets what dy and W are rounded to. The tolerance is a part of the largest result; bf16 itself is 4e-3 away.
void expect_backward(const std::vector<tensor::StoredMatrix>& parts, const reference::Matrix& exact) {
  for (const Arithmetic arithmetic : arithmetics()) {
    const Weight weight(parts, arithmetic);
    const bool bf16 = arithmetic == Arithmetic::bf16;
    const reference::Matrix w = bf16 ? rounded(exact) : exact;
    for (const std::int64_t rows : {1, 7, 200}) {
      if (rows > 7 && exact.rows > 1000) continue;  // the twin is slow
      const RandomMatrix dy(rows, exact.rows, 1);
      const reference::Matrix expected = product(bf16 ? rounded(dy.exact) : dy.exact, w);
      const GradientSum dx(rows, exact.columns);
      matmul_backward(dy.matrix(), weight, dx.matrix());
      EXPECT_LT(dx.difference(expected), 1e-5 * largest(expected))
          << name_of(parts[0].format) << " " << rows << " rows, " << exact.columns << " columns, bf16: " << bf16;
    }
  }
}

TEST(MatmulBackward, EqualsItsTwinForPlainWeights) {
  for (const tensor::DType stored : {tensor::DType::f32, tensor::DType::f16, tensor::DType::bf16}) {
    for (const std::int64_t inputs : {5, 16, 100, 352}) {
      const Converted first(RandomMatrix(300, inputs, 2), stored), second(RandomMatrix(17, inputs, 3), stored);
      reference::Matrix stacked(317, inputs);
      std::ranges::copy(first.exact.values, stacked.values.begin());
      std::ranges::copy(second.exact.values, stacked.values.begin() + 300 * inputs);
      expect_backward({first.tensor.view(), second.tensor.view()}, stacked);
    }
  }
}

TEST(MatmulBackward, EqualsItsTwinForQuantisedWeights) {
  const Int8Weight int8(40, 96, 2);
  expect_backward({int8.matrix()}, int8.exact());
  const Int4Weight int4(21, 96, 4);
  expect_backward({int4.matrix()}, int4.exact);
  const Nf4Weight first(48, 200, 2), second(17, 200, 3);  // blocks reach from row to row
  reference::Matrix stacked(65, 200);
  std::ranges::copy(second.exact.values, std::ranges::copy(first.exact.values, stacked.values.begin()).out);
  expect_backward({first.matrix, second.matrix}, stacked);
}

TEST(MatmulBackward, EqualsItsTwinBeyondABlock) {
  const Nf4Weight nf4(4500, 40, 2);
  expect_backward({nf4.matrix}, nf4.exact);
  const Converted plain(RandomMatrix(4500, 40, 3), tensor::DType::bf16);
  expect_backward({plain.tensor.view()}, plain.exact);
}

/// Weights under whole-number arithmetic have no backward pass in it: it is that of the other precisions.
TEST(MatmulBackward, OfInt8ArithmeticIsInBf16OrF32) {
  const Int8Weight int8(40, 96, 2);
  const RandomMatrix dy(9, 40, 1);
  const Arithmetic alike = has_native_bf16() ? Arithmetic::bf16 : Arithmetic::f32;
  const GradientSum found(9, 96), expected(9, 96);
  const Weight in_int8(std::vector{int8.matrix()}, Arithmetic::int8), other(std::vector{int8.matrix()}, alike);
  matmul_backward(dy.matrix(), in_int8, found.matrix());
  matmul_backward(dy.matrix(), other, expected.matrix());
  EXPECT_TRUE(std::ranges::equal(found.tensor.as<float>(), expected.tensor.as<float>()));
  EXPECT_EQ(in_int8.product_dtype(), other.product_dtype());
  EXPECT_EQ(Weight(std::vector{int8.matrix()}, Arithmetic::f32).product_dtype(), tensor::DType::f32);
}

/// Shapes for which the CPU library would cut sums among its threads if it were let.
TEST(MatmulBackward, InBf16DoesNotDependOnTheNumberOfThreads) {
  if (!has_native_bf16()) GTEST_SKIP() << "no bf16 instructions";
  const int threads = thread_count();
  const Converted w(RandomMatrix(4096, 64, 3), tensor::DType::bf16), x(RandomMatrix(48, 4096, 1), tensor::DType::bf16),
      tall(RandomMatrix(4096, 64, 2), tensor::DType::bf16);
  const RandomMatrix dy(48, 4096, 1), small(64, 4096, 4);
  const Weight weight(parts_of({w.tensor.view()}), Arithmetic::bf16);
  std::vector<std::vector<float>> results;
  for (const int count : {1, 2, 3}) {
    set_thread_count(count);
    const GradientSum dx(48, 64), dw(64, 64), inner(48, 64);
    matmul_backward(dy.matrix(), weight, dx.matrix());
    weight_gradient(matrix_of(tall.tensor), matrix_of(w.tensor), 1, dw.matrix());
    multiply(matrix_of(x.tensor), small.matrix(), 0.5f, inner.matrix(), true);
    std::vector<float>& all = results.emplace_back();
    for (const GradientSum* sum : {&dx, &dw, &inner}) {
      all.insert(all.end(), sum->tensor.as<float>().begin(), sum->tensor.as<float>().end());
    }
  }
  set_thread_count(threads);
  EXPECT_EQ(results[1], results[0]);
  EXPECT_EQ(results[2], results[0]);
}

/// Sums of one, two and three chunks of columns, over more rows than a block has.
TEST(MatmulBackward, EveryInstructionSetComputesTheSame) {
  for (const auto& [rows, outputs, inputs] : {std::tuple{13, 70, 45}, {200, 300, 600}, {110, 600, 300}}) {
    const RandomMatrix dy(rows, outputs, 1), w(outputs, inputs, 2);
    const Weight weight(parts_of({w.tensor.view()}), Arithmetic::f32);
    const GradientSum expected(rows, inputs);
    matmul_backward(dy.matrix(), weight, expected.matrix());
    for (const std::int64_t target : {HWY_SCALAR, HWY_AVX2, HWY_AVX3}) {
      if (target != HWY_SCALAR && (hwy::SupportedTargets() & target) == 0) continue;
      const OnlyTarget only(target);
      const GradientSum dx(rows, inputs);
      matmul_backward(dy.matrix(), weight, dx.matrix());
      for (std::size_t i = 0; i < dx.tensor.as<float>().size(); ++i) {
        ASSERT_NEAR(dx.tensor.as<float>()[i], expected.tensor.as<float>()[i], 1e-4) << hwy::TargetName(target);
      }
    }
  }
}

/// Types of gradients whose products this CPU has.
std::vector<tensor::DType> product_types() {
  if (has_native_bf16()) return {tensor::DType::f32, tensor::DType::bf16};
  return {tensor::DType::f32};
}

TEST(WeightGradient, IsTheSumOverRows) {
  for (const tensor::DType type : product_types()) {
    for (const auto& [rows, outputs, inputs] : {std::tuple{50, 9, 14}, {3, 70, 33}, {200, 33, 64}}) {
      const Converted dy(RandomMatrix(rows, outputs, 1), type), x(RandomMatrix(rows, inputs, 2), type);
      const GradientSum dw(outputs, inputs);
      weight_gradient(matrix_of(dy.tensor), matrix_of(x.tensor), 1, dw.matrix());
      EXPECT_LT(dw.difference(product(dy.exact, x.exact, true)), 1e-4) << rows << " " << outputs << " " << inputs;
    }
  }
}

TEST(WeightGradient, ReadsColumnsOfWiderMatrices) {
  for (const tensor::DType type : product_types()) {
    const Converted dy(RandomMatrix(40, 30, 1), type), x(RandomMatrix(40, 20, 2), type);
    reference::Matrix part(40, 8);
    for (std::int64_t r = 0; r < 40; ++r) {
      for (std::int64_t c = 0; c < 8; ++c) part.at(r, c) = dy.exact.at(r, 11 + c);
    }
    const GradientSum dw(8, 20);
    weight_gradient(matrix_of(dy.tensor).column_range(11, 8), matrix_of(x.tensor), 1, dw.matrix());
    EXPECT_LT(dw.difference(product(part, x.exact, true)), 1e-4);
  }
}

TEST(Multiply, ForwardAndBackward) {
  for (const tensor::DType type : product_types()) {
    const bool bf16 = type == tensor::DType::bf16;
    const Converted x(RandomMatrix(11, 24, 1), type), dy(RandomMatrix(11, 6, 3), type);
    const RandomMatrix w(6, 24, 2);
    const GradientSum y(11, 6), dx(11, 24);
    reference::Matrix half = w.exact;  // by a power of two: rounding stays what it is
    for (double& value : half.values) value *= 0.5;
    if (bf16) half = rounded(half);
    const reference::Matrix expected = reference::matmul(x.exact, half, {}), back = product(dy.exact, half);
    multiply(matrix_of(x.tensor), w.matrix(), 0.5f, y.matrix(), true);
    EXPECT_LT(y.difference(expected), 1e-5);
    multiply(matrix_of(x.tensor), w.matrix(), 0.5f, y.matrix(), false);
    EXPECT_LT(max_difference(y.matrix(), expected), 1e-5);
    multiply_backward(matrix_of(dy.tensor), w.matrix(), 0.5f, dx.matrix(), true);
    EXPECT_LT(dx.difference(back), 1e-5);
    multiply_backward(matrix_of(dy.tensor), w.matrix(), 0.5f, dx.matrix(), false);
    EXPECT_LT(max_difference(dx.matrix(), back), 1e-5);
  }
}

TEST(Multiply, ArgumentsAreChecked) {
  const RandomMatrix x(4, 8, 1), w(3, 8, 2), y(4, 3, 3);
  const tensor::Tensor narrow(tensor::DType::bf16, {4, 8}), narrow_y(tensor::DType::bf16, {4, 3});
  EXPECT_EQ(message_of<InvalidInput>([&] { multiply(x.matrix(), y.matrix(), 1, y.matrix(), false); }),
            "[multiply] x is [4, 8], expected [4, 3]");
  EXPECT_EQ(message_of<InvalidInput>([&] { weight_gradient(y.matrix(), matrix_of(narrow), 1, w.matrix()); }),
            "[weight_gradient] x is bf16, expected f32");
  EXPECT_EQ(message_of<InvalidInput>([&] { weight_gradient(matrix_of(narrow_y), matrix_of(narrow), 2, w.matrix()); }),
            "[weight_gradient] scale is 2, bf16 arithmetic expects 1");
  if (!has_native_bf16()) {
    EXPECT_THAT(message_of<DeviceError>([&] { multiply(matrix_of(narrow), w.matrix(), 1, y.matrix(), false); }),
                testing::HasSubstr("bf16"));
  }
}

}  // namespace
}  // namespace e5v::ops::test
