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

/// What calibrates when nothing else is given: everyday captions and sentences.
std::span<const std::string_view> default_sentences();

/// What was seen to enter a matrix, or matrices that read the same.
struct Entering {
  ActivationSample sample;
  std::optional<Gram> gram;  ///< where it was asked for
};

/// What entered the matrices of a block: q, k and v; o; gate and up; down.
struct BlockSample {
  Entering attention, output, mlp, down;
};

/// What is asked of a pass over a block: second moments only where weights are compensated with them.
struct Wanted {
  bool attention = false, mlp = false;
};

/// The activations of calibration inputs on their way through the blocks of a language model.
class Calibration {
 public:
  /// What the error of a row counts: as much as all inputs that the row is part of, and this much more for each that it
  /// becomes the vector of.
  static constexpr float kPooledWeight = 20;

  /// The inputs must not be empty, and are computed in batches of so many tokens. The model must outlive this.
  Calibration(const model::LlavaNext& model, std::span<const embed::PreparedInput> inputs, std::int64_t batch_tokens);

  std::int64_t tokens() const { return tokens_; }

  /// What enters the matrices of the next block, which must compute in f32. The activations go through it, or stay in
  /// front of it.
  BlockSample observe(model::LlamaBlock& block, const Wanted& wanted, bool stay);

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

/// The weights of a forest's rows.
std::vector<float> row_weights(const model::PackedRows& rows, float pooled_weight);

}  // namespace e5v::quantize
