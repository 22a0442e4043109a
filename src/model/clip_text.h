#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "model/clip_block.h"
#include "model/config_clip.h"
#include "model/llama.h"

namespace e5v::model {

/// The tensors of CLIP's text tower.
struct ClipTextWeights {
  tensor::TensorView token;     ///< [V, D]
  tensor::TensorView position;  ///< [positions, D]
  std::vector<ClipBlockWeights> blocks;
  NormWeights final_norm;

  /// Throws ModelError for missing tensors and for shapes that contradict the config.
  static ClipTextWeights from(const Checkpoint& checkpoint, const ClipTextConfig& config);
};

/// CLIP's causal text transformer. Source: arXiv:2103.00020, section 2.4.
class ClipText {
 public:
  ClipText(const ClipTextWeights& weights, const ClipTextConfig& config, nn::Precision precision);

  /// Computes the hidden states of the pooled rows after the last layer and the final norm. ids_T are the tokens of the
  /// packed rows; y_PD f32 [P, D]. No tape.
  void forward(std::span<const std::int32_t> ids_T, const PackedRows& rows, tensor::Matrix y_PD,
               const nn::Pass& pass) const;

  std::int64_t owned_bytes() const;
  std::string kernel() const { return blocks_.front().kernel(); }

 private:
  void embed(std::span<const std::int32_t> ids_T, const PackedRows& rows, tensor::Matrix x_TD) const;

  tensor::TensorView token_;
  nn::Vector position_;
  std::vector<ClipBlock> blocks_;
  nn::LayerNorm final_norm_;
};

}  // namespace e5v::model
