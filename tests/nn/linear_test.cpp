#include "nn/linear.h"

#include <gmock/gmock.h>

#include <random>

#include "ops/isa.h"

namespace e5v::nn {
namespace {

tensor::Tensor normal_tensor(std::int64_t rows, std::int64_t columns, unsigned seed) {
  tensor::Tensor tensor(tensor::DType::f32, {rows, columns});
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (float& value : tensor.as<float>()) value = normal(random);
  return tensor;
}

/// x in the type that the layer takes.
tensor::Tensor input_for(const Linear& linear, const tensor::Tensor& x) {
  tensor::Tensor converted(linear.input_type(), x.shape());
  for (std::size_t i = 0; i < static_cast<std::size_t>(x.elements()); ++i) {
    if (linear.input_type() == tensor::DType::f32) {
      converted.as<float>()[i] = x.as<float>()[i];
    } else {
      converted.as<tensor::BFloat16>()[i] = tensor::BFloat16(x.as<float>()[i]);
    }
  }
  return converted;
}

double dot_row(const tensor::Tensor& x, std::int64_t row, const tensor::Tensor& w, std::int64_t output) {
  double sum = 0;
  const std::int64_t width = x.shape()[1];
  for (std::int64_t k = 0; k < width; ++k) {
    sum += double{x.as<float>()[static_cast<std::size_t>(row * width + k)]} *
           w.as<float>()[static_cast<std::size_t>(output * width + k)];
  }
  return sum;
}

tensor::Arena linear_arena;

TEST(Linear, StacksPartsAndAddsBiases) {
  const tensor::Tensor first = normal_tensor(6, 32, 1), second = normal_tensor(3, 32, 2), x = normal_tensor(4, 32, 3);
  const tensor::Tensor bias1 = tensor::Tensor::from<float>(std::vector<float>{1, 2, 3, 4, 5, 6}, {6});
  const tensor::Tensor bias2 = tensor::Tensor::from<float>(std::vector<float>{7, 8, 9}, {3});
  const Linear linear({first.view(), second.view()}, {bias1.view(), bias2.view()}, Precision::f32);
  EXPECT_EQ(linear.outputs(), 9);
  EXPECT_EQ(linear.inputs(), 32);
  const tensor::Tensor y(tensor::DType::f32, {4, 9});
  linear.forward(linear_arena, matrix_of(x), matrix_of(y));
  for (std::int64_t r = 0; r < 4; ++r) {
    for (std::int64_t c = 0; c < 9; ++c) {
      const double expected =
          (c < 6 ? dot_row(x, r, first, c) : dot_row(x, r, second, c - 6)) + static_cast<double>(c) + 1;
      EXPECT_NEAR(y.as<float>()[static_cast<std::size_t>(r * 9 + c)], expected, 1e-4);
    }
  }
  const std::vector<float> once(y.as<float>().begin(), y.as<float>().end());
  linear.add_to(linear_arena, matrix_of(x), matrix_of(y));
  for (std::size_t i = 0; i < once.size(); ++i) EXPECT_NEAR(y.as<float>()[i], 2 * once[i], 1e-4);
}

TEST(Linear, SixteenBitPrecisionRoundsF32Weights) {
  const tensor::Tensor w = normal_tensor(5, 64, 4), x = normal_tensor(2, 64, 5);
  const Linear exact({w.view()}, Precision::f32), rounded({w.view()}, Precision::bf16);
  EXPECT_EQ(exact.owned_bytes(), 0);
  // Where bf16 GEMMs round the weights themselves, nothing is copied.
  EXPECT_EQ(rounded.owned_bytes(), ops::has_native_bf16() ? 0 : 5 * 64 * 2);
  const tensor::Tensor y(tensor::DType::f32, {2, 5});
  rounded.forward(linear_arena, matrix_of(input_for(rounded, x)), matrix_of(y));
  double largest = 0;
  for (std::int64_t r = 0; r < 2; ++r) {
    for (std::int64_t c = 0; c < 5; ++c) {
      const double difference = y.as<float>()[static_cast<std::size_t>(r * 5 + c)] - dot_row(x, r, w, c);
      largest = std::max(largest, std::abs(difference));
    }
  }
  EXPECT_GT(largest, 1e-5);  // 8 bits of fraction show
  EXPECT_LT(largest, 0.2);
}

TEST(Linear, BiasesMustFit) {
  const tensor::Tensor w = normal_tensor(5, 8, 1), bias = normal_tensor(1, 4, 2);
  try {
    const Linear linear({w.view()}, {bias.view()}, Precision::f32);
    FAIL();
  } catch (const InvalidInput& error) {
    EXPECT_STREQ(error.what(), "[linear] 4 biases for 5 outputs");
  }
}

TEST(Linear, TakesItsResultFromThePass) {
  const tensor::Tensor w = normal_tensor(5, 8, 1), x = normal_tensor(3, 8, 2), y(tensor::DType::f32, {3, 5});
  const Linear linear({w.view()}, Precision::f32);
  linear.forward(linear_arena, matrix_of(x), matrix_of(y));
  const tensor::Matrix found = linear.forward(linear_arena, matrix_of(x));
  EXPECT_EQ(found.dtype, linear.result_type());
  EXPECT_EQ(std::memcmp(found.data, y.data(), y.view().bytes().size()), 0);
}

TEST(Linear, ObserversSeeWhatEntersAndWhichWeightItMeets) {
  const tensor::Tensor first = normal_tensor(5, 8, 1), second = normal_tensor(2, 8, 3), x = normal_tensor(3, 8, 2);
  const Linear linear({first.view(), second.view()}, Precision::f32);
  std::vector<std::pair<const std::byte*, const std::byte*>> seen;
  const Observer observer = [&](const tensor::TensorView& weight, tensor::ConstMatrix entering) {
    seen.emplace_back(weight.data, entering.data);
  };
  Pass pass(linear_arena);
  linear.forward(pass, matrix_of(x));
  EXPECT_TRUE(seen.empty());
  pass.observer = &observer;
  linear.forward(pass, matrix_of(x));
  EXPECT_THAT(seen, testing::ElementsAre(testing::Pair(first.data(), x.data())));
}

/// Under whole numbers rows that are fine keep what rounding takes; a layer that reads finely makes all rows so.
TEST(Linear, ReadsFinelyWhatThePassDoesNot) {
  if (!ops::has_native_int8()) GTEST_SKIP() << "activations have 16 bits here anyway";
  tensor::Tensor values(tensor::DType::i8, {4, 64}), scales(tensor::DType::f32, {4, 1});
  for (std::size_t i = 0; i < 256; ++i) values.as<std::int8_t>()[i] = static_cast<std::int8_t>(i % 251 - 125);
  for (float& scale : scales.as<float>()) scale = 0.01f;
  const auto stored = tensor::StoredMatrix::int8(values.view(), scales.view());
  const tensor::Tensor x = normal_tensor(3, 64, 1);
  const auto product = [&](bool finely, ops::FineRows fine) {
    Linear linear({stored}, Precision::int8);
    if (finely) linear.read_finely();
    Pass pass(linear_arena);
    pass.rows.fine = fine;
    const tensor::Matrix y = linear.forward(pass, matrix_of(x));
    return std::vector<float>(y.row<float>(0), y.row<float>(0) + 12);
  };
  const auto coarse = product(false, {}), fine = product(false, {.all = true});
  EXPECT_NE(coarse, fine);
  EXPECT_EQ(product(true, {}), fine);
}

TEST(Linear, RowsAreMadeForReadersOfOneWidth) {
  const tensor::Tensor narrow = normal_tensor(5, 8, 1), wide = normal_tensor(5, 16, 2);
  const Linear first({narrow.view()}, Precision::f32), second({wide.view()}, Precision::f32);
  const Made made = make_for({first, first}, linear_arena, 7);
  EXPECT_EQ(made.y_MK.rows, 7);
  EXPECT_EQ(made.y_MK.columns, 8);
  EXPECT_TRUE(made.input().rounded_MK.empty()) << "no CPU has 8-bit floats";
  EXPECT_THAT(
      [&] {
        make_for({first, second}, linear_arena, 7);
      },
      testing::ThrowsMessage<InvalidInput>(
          "[linear] expected readers of one width and type, found 8 of f32 and 16 of f32"));
  EXPECT_THAT([&] { make_for({}, linear_arena, 7); },
              testing::ThrowsMessage<InvalidInput>("[linear] expected at least one reader of the rows, found none"));
}

}  // namespace
}  // namespace e5v::nn
