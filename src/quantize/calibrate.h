#pragma once
#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "embed/batch.h"
#include "model/llava_next.h"
#include "quantize/smooth.h"

namespace e5v::quantize {

/// What calibrates when nothing else is given: everyday captions and sentences.
std::span<const std::string_view> default_sentences();

/// What entered the matrices of a block: q, k and v; o; gate and up; down.
struct BlockSample {
  ActivationSample attention, output, mlp, down;
};

/// The activations of calibration inputs on their way through the blocks of a language model.
class Calibration {
 public:
  /// The inputs must not be empty. The model must outlive this.
  Calibration(const model::LlavaNext& model, std::span<const embed::PreparedInput> inputs);

  std::int64_t tokens() const { return embedded_.x_TD.rows; }

  /// Carries the activations through the next block, which must compute in f32.
  BlockSample advance(model::LlamaBlock& block);

 private:
  tensor::Arena arena_;
  embed::EmbeddedForest embedded_;
  std::shared_ptr<const ops::RotaryTable> table_;
};

}  // namespace e5v::quantize
