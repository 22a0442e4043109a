#pragma once
#include <array>
#include <functional>

#include "model/llama.h"
#include "quantize/calibrate.h"
#include "quantize/scheme.h"
#include "quantize/weights.h"

namespace e5v::quantize {

/// What became of one block of the language model.
struct BlockReport {
  std::int64_t block = 0, blocks = 0;
  Smoothing attention, output, mlp, down;
};

/// A block's norms and matrices, rounded.
struct RoundedBlock {
  tensor::Tensor input_norm, attention_norm;  ///< f32
  std::array<QuantizedWeight, kMatrices.size()> matrices;
  BlockReport report;

  /// The same as a block of a model is made of. Views of this.
  model::LlamaBlockWeights weights() const;
};

/// How a block is rounded.
struct Rounding {
  Scheme attention, mlp;
  bool smooth = true;
  std::function<void()> check_stop = nullptr;
};

/// Moves outliers, where that is asked, and rounds the matrices for what was seen to enter them: with compensation
/// where the sample has second moments, which are used up.
RoundedBlock round_block(const model::LlamaBlockWeights& weights, BlockSample sample, const model::LlamaConfig& config,
                         const Rounding& rounding);

}  // namespace e5v::quantize
