#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "model/checkpoint.h"
#include "model/config.h"
#include "nn/functions.h"
#include "nn/linear.h"
#include "ops/attention.h"

namespace e5v::model {

/// A layer norm's parameters.
struct NormWeights {
  tensor::TensorView gamma, beta;
};

/// The tensors of one CLIP encoder layer as a checkpoint holds them. Weights are [outputs, inputs].
struct ClipBlockWeights {
  NormWeights norm1, norm2;
  tensor::StoredMatrix q, k, v, out, fc1, fc2;
  tensor::TensorView q_bias, k_bias, v_bias, out_bias, fc1_bias, fc2_bias;
};

/// The tensors of a CLIP vision tower, up to the layer that is used.
struct ClipWeights {
  tensor::TensorView class_token;  ///< [D]
  tensor::TensorView patch;        ///< [D, 3 * patch * patch]
  tensor::TensorView position;     ///< [1 + patches, D]
  NormWeights pre_norm;
  std::vector<ClipBlockWeights> blocks;

  /// Throws ModelError for missing tensors and for shapes that contradict the config.
  static ClipWeights from(const Checkpoint& checkpoint, const ClipConfig& config, std::int64_t layers);
};

/// y = (x - mean) / sqrt(var + eps) * gamma + beta
struct LayerNorm {
  explicit LayerNorm(const NormWeights& weights) : gamma(weights.gamma), beta(weights.beta) {}
  void forward(const nn::Pass& pass, tensor::ConstMatrix x, float eps, tensor::Matrix y) const {
    nn::layer_norm(pass, x, gamma, beta, eps, y);
  }

  nn::Vector gamma, beta;
};

/// One pre-norm encoder layer with full attention inside each tile. Source: arXiv:2010.11929, eq. 2 and 3.
class ClipBlock {
 public:
  ClipBlock(const ClipBlockWeights& weights, const ClipConfig& config, nn::Precision precision);

  /// x = x + attention(norm(x)); x = x + mlp(norm(x)). x_RD f32 [R, D], the rows of whole tiles.
  void forward(tensor::Matrix x_RD, const ops::AttentionPlan& plan, const nn::Pass& pass) const;

  std::int64_t owned_bytes() const;

 private:
  void add_attention(tensor::Matrix x_RD, const ops::AttentionPlan& plan, const nn::Pass& pass) const;
  void add_mlp(tensor::Matrix x_RD, const nn::Pass& pass) const;

  std::int64_t heads_;
  bool bf16_attention_;
  float eps_;
  Activation activation_;
  LayerNorm norm1_, norm2_;
  nn::Linear qkv_, out_, fc1_, fc2_;
};

/// CLIP's vision transformer up to a hidden state. Source: arXiv:2103.00020, section 2.4.
class ClipVit {
 public:
  ClipVit(const ClipWeights& weights, const ClipConfig& config, nn::Precision precision);

  /// Rows per tile: the class token, then the patches row by row.
  std::int64_t rows_per_tile() const { return config_.positions(); }

  /// Hidden states behind the last of the layers held.
  /// tiles_TCHW u8 [tiles, 3, S, S], S the config's image size; table[c][b] is what byte b of channel c means;
  /// x_RD f32 [tiles * rows_per_tile, D]. With a tape, which watches x, each layer is computed once more for its
  /// backward pass.
  void forward(std::span<const std::uint8_t> tiles_TCHW, std::span<const std::array<float, 256>, 3> table,
               tensor::Matrix x_RD, const nn::Pass& pass) const;

  /// True when a tape takes gradients of the tower's weights.
  bool trained_on(nn::Tape& tape) const { return tape.gradient(matrix_of(class_token_.source())).has_value(); }

  std::int64_t owned_bytes() const;

 private:
  void embed(tensor::ConstMatrix pixels, tensor::Matrix x_RD, const nn::Pass& pass) const;

  ClipConfig config_;
  nn::Vector class_token_, position_;
  nn::Linear patch_;
  LayerNorm pre_norm_;
  std::vector<ClipBlock> blocks_;
};

}  // namespace e5v::model
