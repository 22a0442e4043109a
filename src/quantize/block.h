#pragma once
#include <array>
#include <functional>

#include "model/llama.h"
#include "quantize/calibrate.h"
#include "quantize/scheme.h"
#include "quantize/weights.h"

namespace e5v::quantize {

/// The result for one block of the language model.
struct BlockReport {
  std::int64_t block = 0, blocks = 0;
  Smoothing attention, output, mlp, down;
};

/// The norms and matrices of a block after rounding.
struct RoundedBlock {
  tensor::Tensor input_norm, attention_norm;  ///< f32
  std::array<QuantizedWeight, kMatrices.size()> matrices;
  BlockReport report;

  /// The same as weights of a model's block, which are views of this object.
  model::LlamaBlockWeights weights() const;
};

/// The way in which a block is rounded.
struct Rounding {
  Scheme attention, mlp;
  bool smooth = true;
  std::function<void()> check_stop = nullptr;
};

/// Rounds the matrices for the activations of the sample, and moves outliers before if that is asked. Uses compensation
/// if the sample has second moments, which are consumed.
RoundedBlock round_block(const model::LlamaBlockWeights& weights, BlockSample sample, const model::LlamaConfig& config,
                         const Rounding& rounding);

}  // namespace e5v::quantize
