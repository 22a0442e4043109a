// Legend: R rows, P pooled rows, Q query rows, D tower width, C = 3 D, F MLP width.
#include "model/clip_block.h"

#include <cmath>

#include "model/activation.h"

namespace e5v::model {

using tensor::DType;
using tensor::Matrix;

NormWeights NormWeights::from(const Checkpoint& checkpoint, const std::string& name, std::int64_t width) {
  return {checkpoint.tensor(name + ".weight", {width}), checkpoint.tensor(name + ".bias", {width})};
}

ClipBlockWeights ClipBlockWeights::from(const Checkpoint& checkpoint, const std::string& prefix, std::int64_t D,
                                        std::int64_t F) {
  const auto weight = [&](const char* name, std::int64_t outputs, std::int64_t inputs) {
    return checkpoint.matrix(fmt::format("{}{}.weight", prefix, name), outputs, inputs);
  };
  const auto bias = [&](const char* name, std::int64_t outputs) {
    return checkpoint.tensor(fmt::format("{}{}.bias", prefix, name), {outputs});
  };
  ClipBlockWeights block;
  block.norm1 = NormWeights::from(checkpoint, prefix + "layer_norm1", D);
  block.norm2 = NormWeights::from(checkpoint, prefix + "layer_norm2", D);
  block.q = weight("self_attn.q_proj", D, D), block.q_bias = bias("self_attn.q_proj", D);
  block.k = weight("self_attn.k_proj", D, D), block.k_bias = bias("self_attn.k_proj", D);
  block.v = weight("self_attn.v_proj", D, D), block.v_bias = bias("self_attn.v_proj", D);
  block.out = weight("self_attn.out_proj", D, D), block.out_bias = bias("self_attn.out_proj", D);
  block.fc1 = weight("mlp.fc1", F, D), block.fc1_bias = bias("mlp.fc1", F);
  block.fc2 = weight("mlp.fc2", D, F), block.fc2_bias = bias("mlp.fc2", D);
  return block;
}

ClipBlock::ClipBlock(const ClipBlockWeights& w, const ClipBlockConfig& config, nn::Precision precision)
    : config_(config),
      bf16_attention_(nn::bf16_attention(precision, w.q.values.place)),
      norm1_(w.norm1),
      norm2_(w.norm2),
      qkv_({w.q, w.k, w.v}, {w.q_bias, w.k_bias, w.v_bias}, precision),
      out_({w.out}, {w.out_bias}, precision),
      fc1_({w.fc1}, {w.fc1_bias}, precision),
      fc2_({w.fc2}, {w.fc2_bias}, precision) {}

void ClipBlock::forward(Matrix x_RD, const ops::AttentionPlan& plan, const nn::Pass& pass) const {
  {
    const nn::Pass::Scope scope(pass);
    const Matrix qkv_RC = queries_keys_values(x_RD, pass);
    add_attention(qkv_RC.column_range(0, x_RD.columns), qkv_RC, plan, x_RD, pass);
  }
  add_mlp(x_RD, pass);
}

void ClipBlock::forward_pooled(tensor::ConstMatrix x_RD, std::span<const std::int64_t> pooled_P,
                               const ops::AttentionPlan& plan, Matrix y_PD, const nn::Pass& pass) const {
  nn::select_rows(pass, x_RD, pooled_P, y_PD);
  {
    const nn::Pass::Scope scope(pass);
    const Matrix qkv_RC = queries_keys_values(x_RD, pass);
    const Matrix q_PD = pass.matrix(qkv_RC.dtype, y_PD.rows, y_PD.columns);
    nn::select_rows(pass, qkv_RC.column_range(0, y_PD.columns), pooled_P, q_PD);
    add_attention(q_PD, qkv_RC, plan, y_PD, pass);
  }
  add_mlp(y_PD, pass);
}

void ClipBlock::attach(std::string_view matrix, const nn::Lora* adapter) {
  struct Place {
    std::string_view name;
    nn::Linear& linear;
    std::size_t part;
  };
  for (const Place& place :
       {Place{"self_attn.q_proj", qkv_, 0}, Place{"self_attn.k_proj", qkv_, 1}, Place{"self_attn.v_proj", qkv_, 2},
        Place{"self_attn.out_proj", out_, 0}, Place{"mlp.fc1", fc1_, 0}, Place{"mlp.fc2", fc2_, 0}}) {
    if (matrix == place.name) return place.linear.attach(place.part, adapter);
  }
  fail<InvalidInput>("[clip] a block has no matrix {} to adapt", matrix);
}

Matrix ClipBlock::queries_keys_values(tensor::ConstMatrix x_RD, const nn::Pass& pass) const {
  const Matrix h_RD = pass.matrix(qkv_.input_type(), x_RD.rows, x_RD.columns);
  const Matrix qkv_RC = pass.matrix(qkv_.result_type(), x_RD.rows, 3 * x_RD.columns);
  norm1_.forward(pass, x_RD, config_.norm_eps, h_RD);
  qkv_.forward(pass, h_RD, qkv_RC);
  return qkv_RC;
}

void ClipBlock::add_attention(tensor::ConstMatrix q_QD, tensor::ConstMatrix qkv_RC, const ops::AttentionPlan& plan,
                              Matrix x_QD, const nn::Pass& pass) const {
  const std::int64_t D = x_QD.columns, heads = config_.heads;
  const Matrix mixed_QD = pass.matrix(out_.input_type(), x_QD.rows, D);
  const float scale = 1.0f / std::sqrt(static_cast<float>(D / heads));
  nn::attention(
      pass,
      {q_QD, qkv_RC.column_range(D, D), qkv_RC.column_range(2 * D, D), mixed_QD, heads, heads, scale, bf16_attention_},
      plan);
  out_.add_to(pass, mixed_QD, x_QD);
}

void ClipBlock::add_mlp(Matrix x_RD, const nn::Pass& pass) const {
  const nn::Pass::Scope scope(pass);
  const Matrix h_RD = pass.matrix(fc1_.input_type(), x_RD.rows, x_RD.columns);
  const Matrix wide_RF = pass.matrix(fc1_.result_type(), x_RD.rows, fc1_.outputs());
  const Matrix inner_RF = pass.matrix(fc2_.input_type(), x_RD.rows, fc1_.outputs());
  norm2_.forward(pass, x_RD, config_.norm_eps, h_RD);
  fc1_.forward(pass, h_RD, wide_RF);
  activate(pass, config_.activation, wide_RF, inner_RF);
  fc2_.finish(pass, inner_RF, x_RD);
}

std::int64_t ClipBlock::owned_bytes() const {
  return qkv_.owned_bytes() + out_.owned_bytes() + fc1_.owned_bytes() + fc2_.owned_bytes();
}

}  // namespace e5v::model
