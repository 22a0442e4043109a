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

/// What CLIP's two towers are built of.
namespace e5v::model {

/// A layer norm's parameters.
struct NormWeights {
  tensor::TensorView gamma, beta;

  /// NAME.weight and NAME.bias. Throws ModelError when they are missing or of another width.
  static NormWeights from(const Checkpoint& checkpoint, const std::string& name, std::int64_t width);
  nn::LayerNorm layer(float eps) const { return {gamma, beta, eps}; }
};

/// The tensors of one encoder layer as a checkpoint holds them. Weights are [outputs, inputs].
struct ClipBlockWeights {
  NormWeights norm1, norm2;
  tensor::StoredMatrix q, k, v, out, fc1, fc2;
  tensor::TensorView q_bias, k_bias, v_bias, out_bias, fc1_bias, fc2_bias;

  /// The layer of that name ("vision_tower.encoder.layers.0."). Throws ModelError for missing tensors and other shapes.
  static ClipBlockWeights from(const Checkpoint& checkpoint, const std::string& prefix, std::int64_t width,
                               std::int64_t mlp_width);
};

/// What a block's shapes do not tell.
struct ClipBlockConfig {
  std::int64_t heads = 0;
  float norm_eps = 0;
  Activation activation = Activation::quick_gelu;
};

/// One pre-norm encoder layer; the plan says who attends to whom: all rows of a tile, or a text's rows before its own.
/// Source: arXiv:2010.11929, eq. 2 and 3.
class ClipBlock {
 public:
  ClipBlock(const ClipBlockWeights& weights, const ClipBlockConfig& config, nn::Precision precision);

  /// x = x + attention(norm(x)); x = x + mlp(norm(x)) for the rows of `queries`, which y gets; of all rows x f32 [R, D]
  /// only keys and values are computed beside. Where all are queries, y is x.
  void forward(const nn::Pass& all, tensor::ConstMatrix x_RD, const nn::Pass& queries, tensor::Matrix y_QD) const;

  /// Adds an adapter to one of the block's matrices, named as in the checkpoint: "self_attn.q_proj". Borrowed. Throws
  /// InvalidInput for other names and for shapes that do not fit.
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
