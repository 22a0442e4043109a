#include "quantize/block.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "quantize/compensate.h"
#include "quantize/expanded.h"
#include "quantize/small_llama.h"

namespace e5v::quantize::test {
namespace {

using tensor::DType;
using tensor::Tensor;
using tensor::WeightFormat;

constexpr Scheme kInt8{WeightFormat::int8, 0}, kInt4{WeightFormat::int4, 16};

/// Activations whose columns grow to 256 times the size of the smallest, nine by nine.
Tensor columns_with_outliers(std::int64_t columns, unsigned seed) {
  Tensor x = random_matrix(64, columns, seed);
  for (std::int64_t t = 0; t < 64; ++t) {
    for (std::int64_t k = 0; k < columns; ++k) matrix_of(x).row<float>(t)[k] *= std::exp2(static_cast<float>(k % 9));
  }
  return x;
}

class RoundBlock : public testing::Test {
 protected:
  static Entering entering(std::int64_t columns, unsigned seed, bool second_moments) {
    const Tensor x = columns_with_outliers(columns, seed);
    Entering result;
    result.sample.take(matrix_of(x));
    if (second_moments) result.gram.emplace(columns).add(matrix_of(x), std::vector<float>(64, 1));
    return result;
  }
  /// What enters the matrices; with second moments those are compensated.
  static BlockSample sample(bool second_moments = false) {
    return {entering(32, 11, second_moments), entering(32, 12, second_moments), entering(32, 13, second_moments),
            entering(48, 14, second_moments)};
  }
  RoundedBlock rounded(const Rounding& rounding, bool second_moments = false) const {
    return round_block(weights(), sample(second_moments), llama_.config, rounding);
  }
  const model::LlamaBlockWeights& weights() const { return weights_.blocks[1]; }
  /// The block's matrices in the order of kMatrices.
  std::vector<tensor::TensorView> matrices() const {
    const model::LlamaBlockWeights& w = weights();
    return {w.q.values, w.k.values, w.v.values, w.o.values, w.gate.values, w.up.values, w.down.values};
  }

  SmallLlama llama_{DType::bf16};
  model::Checkpoint checkpoint_ = llama_.checkpoint();
  model::LlamaWeights weights_ = model::LlamaWeights::from(checkpoint_, llama_.config);
};

void expect_same(const Tensor& found, const Tensor& expected) {
  ASSERT_EQ(found.shape(), expected.shape());
  EXPECT_TRUE(std::ranges::equal(found.as<float>(), expected.as<float>()));
}

TEST_F(RoundBlock, WithoutSmoothingEachMatrixIsRoundedAsItIs) {
  const RoundedBlock block = rounded({.attention = kInt8, .mlp = kInt4, .smooth = false});
  const BlockSample seen = sample();
  for (std::size_t i = 0; i < kMatrices.size(); ++i) {
    const Tensor wide = to_f32(matrices()[i]);
    const Entering& x = i == 6 ? seen.down : seen.mlp;
    const QuantizedWeight expected = i < 4 ? quantize_int8(matrix_of(wide), DType::bf16)
                                           : quantize_int4(matrix_of(wide), 16, x.sample.mean_square(), DType::bf16);
    EXPECT_EQ(block.matrices[i].matrix.format, i < 4 ? WeightFormat::int8 : WeightFormat::int4) << kMatrices[i];
    EXPECT_EQ(block.matrices[i].scales.dtype(), DType::bf16) << "as the checkpoint's weights";
    expect_same(expanded(block.matrices[i].matrix), expanded(expected.matrix));
  }
  expect_same(block.input_norm, to_f32(weights().input_norm));
  expect_same(block.attention_norm, to_f32(weights().attention_norm));
  EXPECT_TRUE(block.report.attention.factors.empty());
}

/// What a matrix of the smoothed block is before it is rounded, by its definition.
float smoothed(const BlockReport& report, std::size_t matrix, float w, std::size_t n, std::size_t k) {
  const auto& [attention, output, mlp, down] =
      std::tie(report.attention.factors, report.output.factors, report.mlp.factors, report.down.factors);
  switch (matrix) {
    case 0:
    case 1: return w * attention[k];
    case 2: return w * attention[k] / output[n / 8 * 16 + n % 8];  // two heads of 8 read each kv head
    case 3: return w * output[k];
    case 4: return w * mlp[k];
    case 5: return w * mlp[k] / down[n];
    default: return w * down[k];
  }
}

TEST_F(RoundBlock, SmoothingDividesWhatComesBeforeAMatrix) {
  const RoundedBlock block = rounded({.attention = kInt8, .mlp = kInt8});
  for (const Smoothing* smoothing :
       {&block.report.attention, &block.report.output, &block.report.mlp, &block.report.down}) {
    ASSERT_NE(std::ranges::min(smoothing->factors), std::ranges::max(smoothing->factors)) << "outliers were moved";
  }
  const Tensor input_norm = to_f32(weights().input_norm), attention_norm = to_f32(weights().attention_norm);
  for (std::size_t k = 0; k < 32; ++k) {
    EXPECT_EQ(block.input_norm.as<float>()[k], input_norm.as<float>()[k] / block.report.attention.factors[k]);
    EXPECT_EQ(block.attention_norm.as<float>()[k], attention_norm.as<float>()[k] / block.report.mlp.factors[k]);
    EXPECT_EQ(block.report.output.factors[k], block.report.output.factors[k / 16 * 16 + k % 8]) << "heads are tied";
  }
  for (std::size_t i = 0; i < kMatrices.size(); ++i) {
    Tensor expected = to_f32(matrices()[i]);
    const auto columns = static_cast<std::size_t>(expected.shape()[1]);
    for (std::size_t at = 0; at < expected.as<float>().size(); ++at) {
      float& w = expected.as<float>()[at];
      w = smoothed(block.report, i, w, at / columns, at % columns);
    }
    expect_same(expanded(block.matrices[i].matrix), expanded(quantize_int8(matrix_of(expected), DType::bf16).matrix));
  }
}

TEST_F(RoundBlock, SecondMomentsCompensate) {
  for (const bool smooth : {false, true}) {
    const RoundedBlock block = rounded({.attention = kInt4, .mlp = kInt4, .smooth = smooth}, true);
    // q is the first to read what enters the attention, k the second: the factor serves both.
    for (const std::size_t i : {0u, 1u}) {
      Tensor wide = to_f32(matrices()[i]);
      BlockSample seen = sample(true);
      if (smooth) {
        const std::vector<float>& factors = block.report.attention.factors;
        seen.attention.gram->divide_columns(factors);
        for (std::size_t at = 0; at < wide.as<float>().size(); ++at) wide.as<float>()[at] *= factors[at % 32];
      }
      const ErrorFactor factor = std::move(*seen.attention.gram).factor();
      const Tensor expected = expanded(quantize_int4_compensated(matrix_of(wide), factor, 16, DType::bf16).matrix);
      expect_same(expanded(block.matrices[i].matrix), expected);
    }
  }
}

TEST_F(RoundBlock, Int4WeightsCountByWhatTheyMeetAfterSmoothing) {
  const RoundedBlock block = rounded({.attention = kInt4, .mlp = kInt4});
  const std::vector<float>& factors = block.report.attention.factors;
  ASSERT_NE(std::ranges::min(factors), std::ranges::max(factors));
  const BlockSample seen = sample();
  Tensor wide = to_f32(weights().q.values);
  for (std::size_t at = 0; at < wide.as<float>().size(); ++at) wide.as<float>()[at] *= factors[at % 32];
  std::vector<float> importance;
  for (std::size_t k = 0; k < 32; ++k)
    importance.push_back(seen.attention.sample.mean_square()[k] / (factors[k] * factors[k]));
  expect_same(expanded(block.matrices[0].matrix),
              expanded(quantize_int4(matrix_of(wide), 16, importance, DType::bf16).matrix));
}

TEST_F(RoundBlock, GivesTheWeightsOfABlock) {
  const RoundedBlock block = rounded({.attention = kInt8, .mlp = kInt8});
  const model::LlamaBlockWeights found = block.weights();
  const std::vector<const tensor::StoredMatrix*> in_order{&found.q,    &found.k,  &found.v,   &found.o,
                                                          &found.gate, &found.up, &found.down};
  for (std::size_t i = 0; i < kMatrices.size(); ++i) {
    EXPECT_EQ(in_order[i]->values.data, block.matrices[i].matrix.values.data) << kMatrices[i];
    EXPECT_EQ((tensor::Shape{in_order[i]->rows, in_order[i]->columns}), SmallLlama::shape_of(kMatrices[i]));
  }
  EXPECT_EQ(found.input_norm.data, block.input_norm.data());
  EXPECT_EQ(found.attention_norm.data, block.attention_norm.data());
}

TEST_F(RoundBlock, IsAskedToStopBeforeEachMatrix) {
  int asked = 0;
  rounded({.attention = kInt8, .mlp = kInt8, .smooth = false, .check_stop = [&] { ++asked; }});
  EXPECT_EQ(asked, 7);
  const auto stop = [&] { require<DeviceError>(++asked < 10, "stop"); };
  EXPECT_THAT([&] { rounded({.attention = kInt8, .mlp = kInt8, .check_stop = stop}); },
              testing::ThrowsMessage<DeviceError>("stop"));
}

}  // namespace
}  // namespace e5v::quantize::test
