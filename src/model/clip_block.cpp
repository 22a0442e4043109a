// Legend: R rows, Q query rows (all or pooled), D tower width, C = 3 D, F MLP width.
#include "model/clip_block.h"

#include "model/activation.h"

namespace e5v::model {

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

ClipBlock::ClipBlock(const ClipBlockWeights& w, const ClipBlockConfig& c, nn::Precision precision)
    : activation_(c.activation),
      norm1_(w.norm1.layer(c.norm_eps)),
      norm2_(w.norm2.layer(c.norm_eps)),
      attention_(c.heads, c.heads, w.q.rows / c.heads, precision),
      qkv_({w.q, w.k, w.v}, {w.q_bias, w.k_bias, w.v_bias}, precision),
      out_({w.out}, {w.out_bias}, precision),
      fc1_({w.fc1}, {w.fc1_bias}, precision),
      fc2_({w.fc2}, {w.fc2_bias}, precision) {}

void ClipBlock::forward(const nn::Pass& all, tensor::ConstMatrix x_RD, const nn::Pass& queries, Matrix y_QD) const {
  nn::select_rows(queries, x_RD, y_QD);
  add_attention(all, x_RD, queries, y_QD);
  add_mlp(queries, y_QD);
}

void ClipBlock::add_attention(const nn::Pass& all, tensor::ConstMatrix x_RD, const nn::Pass& queries,
                              Matrix y_QD) const {
  const nn::Pass::Scope scope(all);
  const std::int64_t D = x_RD.columns;
  const Matrix qkv_RC = qkv_.forward(all, norm1_.forward(all, x_RD, qkv_));
  const nn::Input q_QD = nn::select_rows(queries, qkv_RC.column_range(0, D));
  const Matrix k_RD = qkv_RC.column_range(D, D), v_RD = qkv_RC.column_range(2 * D, D);
  out_.add_to(queries, attention_.forward(queries, q_QD.x_MK, k_RD, v_RD, out_), y_QD);
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

void ClipBlock::add_mlp(const nn::Pass& pass, Matrix x_QD) const {
  const nn::Pass::Scope scope(pass);
  const Matrix wide_QF = fc1_.forward(pass, norm2_.forward(pass, x_QD, fc1_));
  fc2_.finish(pass, activate(pass, activation_, wide_QF, fc2_), x_QD);
}

std::int64_t ClipBlock::owned_bytes() const {
  return qkv_.owned_bytes() + out_.owned_bytes() + fc1_.owned_bytes() + fc2_.owned_bytes();
}

}  // namespace e5v::model
