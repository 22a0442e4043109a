#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/checkpoint.h"
#include "model/config.h"
#include "nn/functions.h"
#include "nn/linear.h"
#include "ops/attention.h"

/// What CLIP's two towers are built of.
namespace e5v::model {

/// A layer norm's parameters.
struct NormWeights {
  tensor::TensorView gamma, beta;

  /// NAME.weight and NAME.bias. Throws ModelError when they are missing or of another width.
  static NormWeights from(const Checkpoint& checkpoint, const std::string& name, std::int64_t width);
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

/// y = (x - mean) / sqrt(var + eps) * gamma + beta
struct LayerNorm {
  explicit LayerNorm(const NormWeights& weights) : gamma(weights.gamma), beta(weights.beta) {}
  void forward(const nn::Pass& pass, tensor::ConstMatrix x, float eps, tensor::Matrix y) const {
    nn::layer_norm(pass, x, gamma, beta, eps, y);
  }

  nn::Vector gamma, beta;
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

  /// x = x + attention(norm(x)); x = x + mlp(norm(x)). x_RD f32 [R, D].
  void forward(tensor::Matrix x_RD, const ops::AttentionPlan& plan, const nn::Pass& pass) const;

  /// The same for the rows pooled_P alone, the plan's queries, written to y_PD.
  void forward_pooled(tensor::ConstMatrix x_RD, std::span<const std::int64_t> pooled_P, const ops::AttentionPlan& plan,
                      tensor::Matrix y_PD, const nn::Pass& pass) const;

  /// Adds an adapter to one of the block's matrices, named as in the checkpoint: "self_attn.q_proj". Borrowed. Throws
  /// InvalidInput for other names and for shapes that do not fit.
  void attach(std::string_view matrix, const nn::Lora* adapter);

  std::int64_t owned_bytes() const;
  std::string kernel() const { return fc2_.kernel(); }

 private:
  tensor::Matrix queries_keys_values(tensor::ConstMatrix x_RD, const nn::Pass& pass) const;
  void add_attention(tensor::ConstMatrix q_QD, tensor::ConstMatrix qkv_RC, const ops::AttentionPlan& plan,
                     tensor::Matrix x_QD, const nn::Pass& pass) const;
  void add_mlp(tensor::Matrix x_RD, const nn::Pass& pass) const;

  ClipBlockConfig config_;
  bool bf16_attention_;
  LayerNorm norm1_, norm2_;
  nn::Linear qkv_, out_, fc1_, fc2_;
};

}  // namespace e5v::model
