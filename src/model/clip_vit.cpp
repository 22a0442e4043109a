// Legend: T tiles, R rows (tiles times positions), D tower width, F MLP width.
#include "model/clip_vit.h"

#include <cmath>

#include "model/activation.h"
#include "ops/norm.h"
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

void LayerNorm::forward(tensor::ConstMatrix x, float eps, Matrix y) const {
  ops::layer_norm(x, gamma.as<float>(), beta.as<float>(), eps, y);
}

ClipBlock::ClipBlock(const ClipBlockWeights& w, const ClipConfig& config, nn::Precision precision)
    : heads_(config.heads),
      eps_(config.norm_eps),
      activation_(config.activation),
      norm1_(w.norm1),
      norm2_(w.norm2),
      qkv_({w.q, w.k, w.v}, {w.q_bias, w.k_bias, w.v_bias}, precision),
      out_({w.out}, {w.out_bias}, precision),
      fc1_({w.fc1}, {w.fc1_bias}, precision),
      fc2_({w.fc2}, {w.fc2_bias}, precision) {}

void ClipBlock::forward(Matrix x_RD, const ops::AttentionPlan& plan, tensor::Arena& arena) const {
  add_attention(x_RD, plan, arena);
  add_mlp(x_RD, arena);
}

void ClipBlock::add_attention(Matrix x_RD, const ops::AttentionPlan& plan, tensor::Arena& arena) const {
  const tensor::Arena::Scope scope(arena);
  const std::int64_t R = x_RD.rows, D = x_RD.columns;
  const Matrix h_RD = arena.matrix(qkv_.input_type(), R, D);
  const Matrix qkv_RC = arena.matrix(DType::f32, R, 3 * D);
  const Matrix mixed_RD = arena.matrix(out_.input_type(), R, D);
  norm1_.forward(x_RD, eps_, h_RD);
  qkv_.forward(arena, h_RD, qkv_RC);
  const float scale = 1.0f / std::sqrt(static_cast<float>(D / heads_));
  ops::attention({qkv_RC.column_range(0, D), qkv_RC.column_range(D, D), qkv_RC.column_range(2 * D, D), mixed_RD, heads_,
                  heads_, scale},
                 plan, arena);
  out_.add_to(arena, mixed_RD, x_RD);
}

void ClipBlock::add_mlp(Matrix x_RD, tensor::Arena& arena) const {
  const tensor::Arena::Scope scope(arena);
  const Matrix h_RD = arena.matrix(fc1_.input_type(), x_RD.rows, x_RD.columns);
  const Matrix wide_RF = arena.matrix(DType::f32, x_RD.rows, fc1_.outputs());
  const Matrix inner_RF = arena.matrix(fc2_.input_type(), x_RD.rows, fc1_.outputs());
  norm2_.forward(x_RD, eps_, h_RD);
  fc1_.forward(arena, h_RD, wide_RF);
  activate(activation_, wide_RF, inner_RF);
  fc2_.add_to(arena, inner_RF, x_RD);
}

std::int64_t ClipBlock::owned_bytes() const {
  return qkv_.owned_bytes() + out_.owned_bytes() + fc1_.owned_bytes() + fc2_.owned_bytes();
}

ClipVit::ClipVit(const ClipWeights& weights, const ClipConfig& config, nn::Precision precision)
    : config_(config),
      class_token_(to_f32(weights.class_token)),
      position_(to_f32(weights.position)),
      patch_({weights.patch}, precision),
      pre_norm_(weights.pre_norm) {
  blocks_.reserve(weights.blocks.size());
  for (const ClipBlockWeights& block : weights.blocks) blocks_.emplace_back(block, config, precision);
}

void ClipVit::forward(std::span<const std::uint8_t> tiles_TCHW, std::span<const std::array<float, 256>, 3> table,
                      Matrix x_RD, tensor::Arena& arena) const {
  const std::int64_t rows = rows_per_tile(), patches = rows - 1, tiles = x_RD.rows / rows;
  {
    const tensor::Arena::Scope scope(arena);
    const Matrix pixels = arena.matrix(patch_.input_type(), tiles * patches, patch_.inputs());
    ops::unfold_patches(tiles_TCHW, config_.image_size, config_.patch_size, table, pixels);
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      const Matrix x = x_RD.row_range(tile * rows, rows);
      ops::convert(matrix_of(position_), x);
      float* first = x.row<float>(0);
      for (std::int64_t i = 0; i < x.columns; ++i) first[i] += class_token_.as<float>()[static_cast<std::size_t>(i)];
      patch_.add_to(arena, pixels.row_range(tile * patches, patches), x.row_range(1, patches));
    }
  }
  pre_norm_.forward(x_RD, config_.norm_eps, x_RD);
  const ops::AttentionPlan plan = tile_plan(tiles, rows);
  for (const ClipBlock& block : blocks_) block.forward(x_RD, plan, arena);
}

std::int64_t ClipVit::owned_bytes() const {
  std::int64_t bytes = patch_.owned_bytes();
  for (const ClipBlock& block : blocks_) bytes += block.owned_bytes();
  return bytes;
}

}  // namespace e5v::model
