#include "quantize/smooth.h"

#include <gmock/gmock.h>

#include <cmath>

#include "quantize/random_matrix.h"

namespace e5v::quantize::test {
namespace {

using tensor::DType;
using tensor::Tensor;
using tensor::WeightFormat;

/// Activations in which a few columns are a hundred times larger than the others.
Tensor with_outliers(std::int64_t rows, std::int64_t columns) {
  Tensor x = random_matrix(rows, columns, 1);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t k = 5; k < columns; k += 40) matrix_of(x).row<float>(r)[k] *= 100;
  }
  return x;
}

ActivationSample sample_of(const Tensor& x) {
  ActivationSample sample;
  sample.take(matrix_of(x));
  return sample;
}

TEST(ActivationSample, KnowsColumnsAndKeepsRows) {
  const Tensor x = random_matrix(300, 3, 1);
  const ActivationSample sample = sample_of(x);
  float largest = 0, square = 0;
  for (std::int64_t r = 0; r < 300; ++r) {
    const float value = matrix_of(x).row<float>(r)[1];
    largest = std::max(largest, std::abs(value));
    square += value * value / 300;
  }
  EXPECT_EQ(sample.largest()[1], largest);
  EXPECT_NEAR(sample.mean_square()[1], square, 1e-5);
  EXPECT_EQ(sample.rows().rows, ActivationSample::kRows);
  EXPECT_EQ(sample.rows().row<float>(64)[2], matrix_of(x).row<float>(150)[2]);
}

TEST(ChooseSmoothing, MovesOutliersIntoInt8Weights) {
  const Tensor x = with_outliers(64, 128), w = random_matrix(48, 128, 2);
  const tensor::ConstMatrix parts[] = {matrix_of(w)};
  const Smoothing smoothing = choose_smoothing(sample_of(x), parts, {WeightFormat::int8, 0});
  EXPECT_LT(smoothing.error, 0.5 * smoothing.error_before);
  EXPECT_GT(smoothing.strength, 0.0);
  EXPECT_GT(smoothing.factors[5], smoothing.factors[6]);
  for (const float factor : smoothing.factors) EXPECT_EQ(std::log2(factor), std::round(std::log2(factor)));
}

TEST(ChooseSmoothing, ProtectsWhatInt4ColumnsMeet) {
  const Tensor x = with_outliers(64, 128), w = random_matrix(48, 128, 2);
  const tensor::ConstMatrix parts[] = {matrix_of(w)};
  const Smoothing smoothing = choose_smoothing(sample_of(x), parts, {WeightFormat::int4, 32});
  EXPECT_LT(smoothing.error, smoothing.error_before);
  EXPECT_GT(smoothing.factors[5], smoothing.factors[6]);
}

TEST(ChooseSmoothing, NeverMakesItWorse) {
  const Tensor x = random_matrix(64, 64, 1), w = random_matrix(48, 64, 2);
  const tensor::ConstMatrix parts[] = {matrix_of(w)};
  for (const WeightFormat format : {WeightFormat::int8, WeightFormat::int4}) {
    const Smoothing smoothing = choose_smoothing(sample_of(x), parts, {format, 16});
    EXPECT_LE(smoothing.error, smoothing.error_before);
    EXPECT_GT(smoothing.error, 0.0);
  }
}

TEST(ChooseSmoothing, GroupedHeadsShareFactors) {
  const Tensor x = with_outliers(64, 96), w = random_matrix(48, 96, 2);
  const tensor::ConstMatrix parts[] = {matrix_of(w)};
  const Smoothing smoothing = choose_smoothing(sample_of(x), parts, {WeightFormat::int8, 0}, {16, 3});
  ASSERT_GT(smoothing.strength, 0.0);
  for (std::size_t block = 0; block < 96; block += 48) {
    for (std::size_t k = 0; k < 16; ++k) {
      EXPECT_EQ(smoothing.factors[block + k], smoothing.factors[block + 16 + k]);
      EXPECT_EQ(smoothing.factors[block + k], smoothing.factors[block + 32 + k]);
    }
  }
}

}  // namespace
}  // namespace e5v::quantize::test
