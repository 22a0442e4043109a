#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/checkpoint.h"
#include "model/config.h"
#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/norm.h"

/// The blocks of CLIP's two towers.
namespace e5v::model {

/// A layer norm's parameters.
struct NormWeights {
  tensor::TensorView gamma, beta;

  /// Reads NAME.weight and NAME.bias. Throws ModelError when they are missing or have another width.
  static NormWeights from(const Checkpoint& checkpoint, const std::string& name, std::int64_t width);
  nn::LayerNorm layer(float eps) const { return {gamma, beta, eps}; }
};

/// The tensors of an encoder layer in a checkpoint. Weights are [outputs, inputs].
struct ClipBlockWeights {
  NormWeights norm1, norm2;
  tensor::StoredMatrix q, k, v, out, fc1, fc2;
  tensor::TensorView q_bias, k_bias, v_bias, out_bias, fc1_bias, fc2_bias;

  /// Reads the layer with that prefix ("vision_tower.encoder.layers.0."). Throws ModelError for missing tensors and
  /// other shapes.
  static ClipBlockWeights from(const Checkpoint& checkpoint, const std::string& prefix, std::int64_t width,
                               std::int64_t mlp_width);
};

/// Properties of a block that its shapes do not determine.
struct ClipBlockConfig {
  std::int64_t heads = 0;
  float norm_eps = 0;
  Activation activation = Activation::quick_gelu;
};

/// A pre-norm encoder layer. The attention plan of a pass decides who attends to whom: all rows of a tile, or the
/// earlier rows of a text. Source: arXiv:2010.11929, eq. 2 and 3.
class ClipBlock {
 public:
  ClipBlock(const ClipBlockWeights& weights, const ClipBlockConfig& config, nn::Precision precision);

  /// Computes x = x + attention(norm(x)); x = x + mlp(norm(x)) for the rows of `queries`, into y. For the other rows of
  /// x f32 [R, D] only keys and values are computed. When all rows are queries, y is x.
  void forward(const nn::Pass& all, tensor::ConstMatrix x_RD, const nn::Pass& queries, tensor::Matrix y_QD) const;

  /// Adds an adapter to a matrix of the block, which has its name in the checkpoint: "self_attn.q_proj". Borrowed.
  /// Throws InvalidInput for other names and for shapes that do not fit.
  void attach(std::string_view matrix, const nn::Lora* adapter);

  std::int64_t owned_bytes() const;
  std::string kernel() const { return fc2_.kernel(); }

 private:
  void add_attention(const nn::Pass& all, tensor::ConstMatrix x_RD, const nn::Pass& queries, tensor::Matrix y_QD) const;
  void add_mlp(const nn::Pass& pass, tensor::Matrix x_QD) const;

  Activation activation_;
  nn::LayerNorm norm1_, norm2_;
  nn::Attention attention_;
  nn::Linear qkv_, out_, fc1_, fc2_;
};

}  // namespace e5v::model
