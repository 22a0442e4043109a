#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "embed/batch.h"
#include "families/llava_next/forward.h"
#include "model/llava_next.h"
#include "quantize/gram.h"
#include "quantize/smooth.h"

namespace e5v::quantize {

/// The default calibration items: everyday captions and sentences.
std::span<const std::string_view> default_sentences();

/// A sample of the input of a matrix, or of several matrices with the same input.
struct Entering {
  ActivationSample sample;
  std::optional<Gram> gram;  ///< if it was asked for
};

/// Samples of the inputs of a block's matrices: q, k and v; o; gate and up; down.
struct BlockSample {
  Entering attention, output, mlp, down;
};

/// What a pass over a block has to sample. Second moments are needed only for compensation.
struct Wanted {
  bool attention = false, mlp = false;
};

/// The activations of calibration inputs in front of a block of the language model.
class Calibration {
 public:
  /// The weight of a row's error is the number of inputs that share the row, plus this for each input that it is the
  /// pooled row of.
  static constexpr float kPooledWeight = 20;

  /// The inputs must not be empty. They are computed in batches of `batch_tokens` tokens. The model must outlive this
  /// object.
  Calibration(const model::LlavaNext& model, std::span<const embed::PreparedInput> inputs, std::int64_t batch_tokens);

  std::int64_t tokens() const { return tokens_; }

  /// Samples the inputs of the next block, which has these weights and must compute in f32. The activations are then
  /// after the block, or stay in front of it.
  BlockSample observe(const model::LlamaBlock& block, const model::LlamaBlockWeights& weights, const Wanted& wanted,
                      bool stay);

  /// Carries the activations through the next block.
  void advance(const model::LlamaBlock& block);

 private:
  struct Batch {
    families::EmbeddedForest embedded;
    std::vector<float> weights_T;
  };

  tensor::Arena arena_;
  std::vector<Batch> batches_;
  std::int64_t tokens_ = 0;
  std::shared_ptr<const ops::RotaryTable> table_;
};

/// The weights of the rows of a forest.
std::vector<float> row_weights(const model::PackedRows& rows, float pooled_weight);

}  // namespace e5v::quantize
