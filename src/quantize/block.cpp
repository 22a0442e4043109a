#include "quantize/block.h"

#include "base/parallel.h"
#include "quantize/compensate.h"

namespace e5v::quantize {
namespace {

using tensor::ConstMatrix;
using tensor::DType;
using tensor::Tensor;
using tensor::WeightFormat;

/// The weights of a block in f32, after smoothing.
struct WideBlock {
  Tensor input_norm, attention_norm, q, k, v, o, gate, up, down;

  explicit WideBlock(const model::LlamaBlockWeights& weights)
      : input_norm(to_f32(weights.input_norm)),
        attention_norm(to_f32(weights.attention_norm)),
        q(to_f32(weights.q.values)),
        k(to_f32(weights.k.values)),
        v(to_f32(weights.v.values)),
        o(to_f32(weights.o.values)),
        gate(to_f32(weights.gate.values)),
        up(to_f32(weights.up.values)),
        down(to_f32(weights.down.values)) {}
};

void divide(const Tensor& vector, std::span<const float> factors) {
  for (std::size_t i = 0; i < factors.size(); ++i) vector.as<float>()[i] /= factors[i];
}

void multiply_columns(const Tensor& matrix, std::span<const float> factors) {
  float* w = matrix.as<float>().data();
  for (std::int64_t n = 0; n < matrix.shape()[0]; ++n) {
    for (const float factor : factors) *w++ *= factor;
  }
}

/// Divides row n by factors[column_of(n)].
template <class ColumnOf>
void divide_rows(const Tensor& matrix, std::span<const float> factors, const ColumnOf& column_of) {
  const std::int64_t K = matrix.shape()[1];
  for (std::int64_t n = 0; n < matrix.shape()[0]; ++n) {
    float* w = matrix.as<float>().data() + n * K;
    const float factor = factors[static_cast<std::size_t>(column_of(n))];
    for (std::int64_t k = 0; k < K; ++k) w[k] /= factor;
  }
}

/// Chooses the factors of a block. Each factor goes into the weights before the activations and into the weights that
/// read them: norm and q, k, v; v and o; norm and gate, up; up and down.
BlockReport smooth(const WideBlock& block, const BlockSample& sample, const model::LlamaConfig& c,
                   const Rounding& rounding) {
  const auto choose = [&](const Entering& x, const Scheme& scheme, std::initializer_list<const Tensor*> tensors,
                          Tied tied = {}) {
    std::vector<ConstMatrix> parts;
    for (const Tensor* tensor : tensors) parts.push_back(matrix_of(*tensor));
    return choose_smoothing(x.sample, parts, scheme, tied);
  };
  BlockReport report;
  const std::int64_t E = c.head_width, G = c.heads / c.kv_heads;
  report.attention = choose(sample.attention, rounding.attention, {&block.q, &block.k, &block.v});
  report.output = choose(sample.output, rounding.attention, {&block.o}, {E, G});
  report.mlp = choose(sample.mlp, rounding.mlp, {&block.gate, &block.up});
  report.down = choose(sample.down, rounding.mlp, {&block.down});
  divide(block.input_norm, report.attention.factors);
  for (const Tensor* tensor : {&block.q, &block.k, &block.v}) multiply_columns(*tensor, report.attention.factors);
  divide_rows(block.v, report.output.factors, [&](std::int64_t n) { return n / E * G * E + n % E; });
  multiply_columns(block.o, report.output.factors);
  divide(block.attention_norm, report.mlp.factors);
  for (const Tensor* tensor : {&block.gate, &block.up}) multiply_columns(*tensor, report.mlp.factors);
  divide_rows(block.up, report.down.factors, [](std::int64_t n) { return n; });
  multiply_columns(block.down, report.down.factors);
  return report;
}

/// The weight of an error in each column: the mean square of the column's inputs after smoothing.
std::vector<float> importance_of(const ActivationSample& sample, const Smoothing& smoothing) {
  std::vector<float> importance(sample.mean_square().begin(), sample.mean_square().end());
  for (std::size_t k = 0; k < smoothing.factors.size(); ++k) {
    importance[k] /= smoothing.factors[k] * smoothing.factors[k];
  }
  return importance;
}

/// A matrix and the type of its scales, which is the checkpoint's type.
struct Source {
  const Tensor* wide;
  DType stored;
};

/// Rounds matrices that read the same activations.
class Rounder {
 public:
  Rounder(Entering& entering, const Smoothing& smoothing, const Scheme& scheme, const Rounding& rounding)
      : scheme_(scheme), check_stop_(rounding.check_stop) {
    if (scheme.format == WeightFormat::int8) return;
    if (!entering.gram) {
      importance_ = importance_of(entering.sample, smoothing);
      return;
    }
    if (!smoothing.factors.empty()) entering.gram->divide_columns(smoothing.factors);
    factor_ = std::move(*entering.gram).factor();
    entering.gram.reset();
  }

  QuantizedWeight round(const Source& source) const {
    if (check_stop_) check_stop_();
    const ConstMatrix w_NK = matrix_of(*source.wide);
    if (scheme_.format == WeightFormat::int8) return quantize_int8(w_NK, source.stored);
    if (!factor_) return quantize_int4(w_NK, scheme_.group, importance_, source.stored);
    return quantize_int4_compensated(w_NK, *factor_, scheme_.group, source.stored, check_stop_);
  }

 private:
  Scheme scheme_;
  const std::function<void()>& check_stop_;
  std::vector<float> importance_;
  std::optional<ErrorFactor> factor_;
};

}  // namespace

model::LlamaBlockWeights RoundedBlock::weights() const {
  model::LlamaBlockWeights result;
  result.input_norm = input_norm.view();
  result.attention_norm = attention_norm.view();
  std::size_t next = 0;
  for (tensor::StoredMatrix* matrix :
       {&result.q, &result.k, &result.v, &result.o, &result.gate, &result.up, &result.down}) {
    *matrix = matrices[next++].matrix;
  }
  return result;
}

RoundedBlock round_block(const model::LlamaBlockWeights& weights, BlockSample sample, const model::LlamaConfig& config,
                         const Rounding& rounding) {
  WideBlock wide(weights);
  RoundedBlock result;
  if (rounding.smooth) result.report = smooth(wide, sample, config, rounding);
  const BlockReport& report = result.report;
  std::size_t next = 0;
  const auto round = [&](Entering& entering, const Smoothing& smoothing, const Scheme& scheme,
                         std::initializer_list<Source> sources) {
    const Rounder rounder(entering, smoothing, scheme, rounding);
    for (const Source& source : sources) result.matrices[next++] = rounder.round(source);
  };
  round(sample.attention, report.attention, rounding.attention,
        {{&wide.q, weights.q.values.dtype}, {&wide.k, weights.k.values.dtype}, {&wide.v, weights.v.values.dtype}});
  round(sample.output, report.output, rounding.attention, {{&wide.o, weights.o.values.dtype}});
  round(sample.mlp, report.mlp, rounding.mlp,
        {{&wide.gate, weights.gate.values.dtype}, {&wide.up, weights.up.values.dtype}});
  round(sample.down, report.down, rounding.mlp, {{&wide.down, weights.down.values.dtype}});
  result.input_norm = std::move(wide.input_norm);
  result.attention_norm = std::move(wide.attention_norm);
  return result;
}

}  // namespace e5v::quantize
