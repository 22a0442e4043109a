#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/clip_block.h"

namespace e5v::model {

/// The tensors of a CLIP vision tower up to the last layer that is used.
struct ClipWeights {
  tensor::TensorView class_token;  ///< [D]
  tensor::TensorView patch;        ///< [D, 3 * patch * patch]
  tensor::TensorView position;     ///< [1 + patches, D]
  NormWeights pre_norm;
  std::vector<ClipBlockWeights> blocks;

  /// The tensors' canonical names begin with `prefix`. Throws ModelError for missing tensors and for shapes that
  /// contradict the config.
  static ClipWeights from(const Checkpoint& checkpoint, const ClipConfig& config, std::int64_t layers,
                          const std::string& prefix = "vision_tower.");
};

/// CLIP's vision transformer up to a hidden state. Source: arXiv:2103.00020, section 2.4.
class ClipVit {
 public:
  ClipVit(const ClipWeights& weights, const ClipConfig& config, nn::Precision precision);

  /// The rows of a tile: the class token, then the patches row by row.
  std::int64_t rows_per_tile() const { return config_.positions(); }

  /// Computes the hidden states after the last loaded layer. tiles_TCHW u8 [tiles, 3, S, S], with S the config's image
  /// size; table[c][b] is the value of byte b in channel c; x_RD f32 [tiles * rows_per_tile, D]. A tape watches x, and
  /// each layer is then computed once more for its backward pass.
  void forward(std::span<const std::uint8_t> tiles_TCHW, std::span<const std::array<float, 256>, 3> table,
               tensor::Matrix x_RD, const nn::Pass& pass) const;

  /// The same for the class tokens alone, which are the only rows of the last layer. y_TD f32 [tiles, D]. No tape.
  void forward_class(std::span<const std::uint8_t> tiles_TCHW, std::span<const std::array<float, 256>, 3> table,
                     tensor::Matrix y_TD, const nn::Pass& pass) const;

  /// Adds an adapter to a matrix of a layer ("self_attn.q_proj"). An adapter of a layer that is not loaded has no
  /// effect. Borrowed. Throws InvalidInput for other names and for shapes that do not fit.
  void attach(std::size_t layer, std::string_view matrix, const nn::Lora& adapter) {
    if (layer < blocks_.size()) blocks_[layer].attach(matrix, &adapter);
  }

  /// True when a tape computes gradients of the tower's weights.
  bool trained_on(nn::Tape& tape) const { return tape.gradient(matrix_of(class_token_.source())).has_value(); }

  std::int64_t owned_bytes() const;
  std::string kernel() const { return blocks_.front().kernel(); }

 private:
  void embed_tiles(std::span<const std::uint8_t> tiles_TCHW, std::span<const std::array<float, 256>, 3> table,
                   tensor::Matrix x_RD, const nn::Pass& pass) const;

  ClipConfig config_;
  nn::Vector class_token_, position_;
  nn::Linear patch_;
  nn::LayerNorm pre_norm_;
  std::vector<ClipBlock> blocks_;
};

}  // namespace e5v::model
