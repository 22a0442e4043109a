// Legend: T tiles, R rows (tiles times positions), D tower width, F MLP width.
#include "model/clip_vit.h"

#include <cmath>
#include <memory>

#include "model/activation.h"
#include "nn/repeatable.h"
#include "ops/rows.h"

namespace e5v::model {
namespace {

using tensor::DType;
using tensor::Matrix;

NormWeights norm_weights(const Checkpoint& checkpoint, const std::string& name, std::int64_t width) {
  return {checkpoint.tensor(name + ".weight", {width}), checkpoint.tensor(name + ".bias", {width})};
}

/// Each tile attends to itself.
ops::AttentionPlan tile_plan(std::int64_t tiles, std::int64_t rows) {
  ops::AttentionPlan plan;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    plan.nodes.push_back({tile * rows, rows});
    plan.spans.push_back({{tile * rows, rows}, {static_cast<std::int32_t>(tile)}, false});
  }
  return plan;
}

}  // namespace

ClipWeights ClipWeights::from(const Checkpoint& checkpoint, const ClipConfig& c, std::int64_t layers) {
  const std::int64_t D = c.width, F = c.mlp_width, P = c.patch_size;
  ClipWeights weights;
  weights.class_token = checkpoint.tensor("vision_tower.embeddings.class_embedding", {D});
  weights.patch = checkpoint.tensor("vision_tower.embeddings.patch_embedding.weight", {D, 3, P, P});
  weights.patch.shape = {D, 3 * P * P};
  weights.position = checkpoint.tensor("vision_tower.embeddings.position_embedding.weight", {c.positions(), D});
  weights.pre_norm = norm_weights(checkpoint, "vision_tower.pre_layrnorm", D);
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    const std::string prefix = fmt::format("vision_tower.encoder.layers.{}.", layer);
    const auto weight = [&](const char* name, std::int64_t outputs, std::int64_t inputs) {
      return checkpoint.matrix(fmt::format("{}{}.weight", prefix, name), outputs, inputs);
    };
    const auto bias = [&](const char* name, std::int64_t outputs) {
      return checkpoint.tensor(fmt::format("{}{}.bias", prefix, name), {outputs});
    };
    ClipBlockWeights block;
    block.norm1 = norm_weights(checkpoint, prefix + "layer_norm1", D);
    block.norm2 = norm_weights(checkpoint, prefix + "layer_norm2", D);
    block.q = weight("self_attn.q_proj", D, D), block.q_bias = bias("self_attn.q_proj", D);
    block.k = weight("self_attn.k_proj", D, D), block.k_bias = bias("self_attn.k_proj", D);
    block.v = weight("self_attn.v_proj", D, D), block.v_bias = bias("self_attn.v_proj", D);
    block.out = weight("self_attn.out_proj", D, D), block.out_bias = bias("self_attn.out_proj", D);
    block.fc1 = weight("mlp.fc1", F, D), block.fc1_bias = bias("mlp.fc1", F);
    block.fc2 = weight("mlp.fc2", D, F), block.fc2_bias = bias("mlp.fc2", D);
    weights.blocks.push_back(block);
  }
  return weights;
}

ClipBlock::ClipBlock(const ClipBlockWeights& w, const ClipConfig& config, nn::Precision precision)
    : heads_(config.heads),
      bf16_attention_(nn::bf16_attention(precision)),
      eps_(config.norm_eps),
      activation_(config.activation),
      norm1_(w.norm1),
      norm2_(w.norm2),
      qkv_({w.q, w.k, w.v}, {w.q_bias, w.k_bias, w.v_bias}, precision),
      out_({w.out}, {w.out_bias}, precision),
      fc1_({w.fc1}, {w.fc1_bias}, precision),
      fc2_({w.fc2}, {w.fc2_bias}, precision) {}

void ClipBlock::forward(Matrix x_RD, const ops::AttentionPlan& plan, const nn::Pass& pass) const {
  add_attention(x_RD, plan, pass);
  add_mlp(x_RD, pass);
}

void ClipBlock::add_attention(Matrix x_RD, const ops::AttentionPlan& plan, const nn::Pass& pass) const {
  const nn::Pass::Scope scope(pass);
  const std::int64_t R = x_RD.rows, D = x_RD.columns;
  const Matrix h_RD = pass.matrix(qkv_.input_type(), R, D);
  const Matrix qkv_RC = pass.matrix(DType::f32, R, 3 * D);
  const Matrix mixed_RD = pass.matrix(out_.input_type(), R, D);
  norm1_.forward(pass, x_RD, eps_, h_RD);
  qkv_.forward(pass, h_RD, qkv_RC);
  const float scale = 1.0f / std::sqrt(static_cast<float>(D / heads_));
  nn::attention(pass,
                {qkv_RC.column_range(0, D), qkv_RC.column_range(D, D), qkv_RC.column_range(2 * D, D), mixed_RD, heads_,
                 heads_, scale, bf16_attention_},
                plan);
  out_.add_to(pass, mixed_RD, x_RD);
}

void ClipBlock::add_mlp(Matrix x_RD, const nn::Pass& pass) const {
  const nn::Pass::Scope scope(pass);
  const Matrix h_RD = pass.matrix(fc1_.input_type(), x_RD.rows, x_RD.columns);
  const Matrix wide_RF = pass.matrix(DType::f32, x_RD.rows, fc1_.outputs());
  const Matrix inner_RF = pass.matrix(fc2_.input_type(), x_RD.rows, fc1_.outputs());
  norm2_.forward(pass, x_RD, eps_, h_RD);
  fc1_.forward(pass, h_RD, wide_RF);
  activate(pass, activation_, wide_RF, inner_RF);
  fc2_.finish(pass, inner_RF, x_RD);
}

std::int64_t ClipBlock::owned_bytes() const {
  return qkv_.owned_bytes() + out_.owned_bytes() + fc1_.owned_bytes() + fc2_.owned_bytes();
}

ClipVit::ClipVit(const ClipWeights& weights, const ClipConfig& config, nn::Precision precision)
    : config_(config),
      class_token_(weights.class_token),
      position_(weights.position),
      patch_({weights.patch}, precision),
      pre_norm_(weights.pre_norm) {
  blocks_.reserve(weights.blocks.size());
  for (const ClipBlockWeights& block : weights.blocks) blocks_.emplace_back(block, config, precision);
}

void ClipVit::embed(tensor::ConstMatrix pixels, Matrix x_RD, const nn::Pass& pass) const {
  const std::int64_t rows = rows_per_tile(), D = x_RD.columns;
  const Matrix patches_PD = pass.matrix(DType::f32, pixels.rows, D);
  patch_.forward(pass, pixels, patches_PD);
  for (std::int64_t row = 0; row < x_RD.rows; ++row) {
    const std::int64_t place = row % rows;
    const float* added = place == 0 ? class_token_.values().data() : patches_PD.row<float>(row - row / rows - 1);
    const float* position = position_.values().data() + place * D;
    float* x = x_RD.row<float>(row);
    for (std::int64_t i = 0; i < D; ++i) x[i] = added[i] + position[i];
  }
  if (pass.tape == nullptr) return;
  pass.tape->record([=, this, &tape = *pass.tape] {
    const Matrix dx_RD = *tape.gradient(x_RD), dpatches_PD = *tape.gradient(patches_PD);
    const std::span<float> dclass = tape.gradient(class_token_.source()), dposition = tape.gradient(position_.source());
    for (std::int64_t row = 0; row < dx_RD.rows; ++row) {
      const std::int64_t place = row % rows;
      const auto dx = dx_RD.row_range(row, 1);
      if (!dposition.empty()) {
        const auto width = static_cast<std::size_t>(D);
        ops::add_column_sums(dx, dposition.subspan(static_cast<std::size_t>(place) * width, width));
      }
      place == 0 ? ops::add_column_sums(dx, dclass) : ops::add(dx, dpatches_PD.row_range(row - row / rows - 1, 1));
    }
  });
}

void ClipVit::forward(std::span<const std::uint8_t> tiles_TCHW, std::span<const std::array<float, 256>, 3> table,
                      Matrix x_RD, const nn::Pass& pass) const {
  const std::int64_t rows = rows_per_tile(), tiles = x_RD.rows / rows;
  {
    const nn::Pass::Scope scope(pass);
    const Matrix pixels = pass.arena.matrix(patch_.input_type(), tiles * (rows - 1), patch_.inputs());
    const Matrix embedded_RD = pass.matrix(DType::f32, x_RD.rows, x_RD.columns);
    ops::unfold_patches(tiles_TCHW, config_.image_size, config_.patch_size, table, pixels);
    embed(pixels, embedded_RD, pass);
    pre_norm_.forward(pass, embedded_RD, config_.norm_eps, x_RD);
  }
  const auto plan = std::make_shared<const ops::AttentionPlan>(tile_plan(tiles, rows));
  for (const ClipBlock& block : blocks_) {
    nn::repeatable(pass, x_RD, x_RD,
                   [plan, &block](Matrix x, Matrix, const nn::Pass& inner) { block.forward(x, *plan, inner); });
  }
}

std::int64_t ClipVit::owned_bytes() const {
  std::int64_t bytes = patch_.owned_bytes();
  for (const ClipBlock& block : blocks_) bytes += block.owned_bytes();
  return bytes;
}

}  // namespace e5v::model
