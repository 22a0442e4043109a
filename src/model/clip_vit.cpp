// Legend: T tiles, R rows (tiles times positions), D tower width, F MLP width.
#include "model/clip_vit.h"

#include <memory>

#include "nn/blocks.h"
#include "ops/rows.h"

namespace e5v::model {
namespace {

using tensor::DType;
using tensor::Matrix;

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

ClipWeights ClipWeights::from(const Checkpoint& checkpoint, const ClipConfig& c, std::int64_t layers,
                              const std::string& prefix) {
  const std::int64_t D = c.width, P = c.patch_size;
  ClipWeights weights;
  weights.class_token = checkpoint.tensor(prefix + "embeddings.class_embedding", {D});
  weights.patch = checkpoint.tensor(prefix + "embeddings.patch_embedding.weight", {D, 3, P, P});
  weights.patch.shape = {D, 3 * P * P};
  weights.position = checkpoint.table(prefix + "embeddings.position_embedding.weight", {c.positions(), D});
  weights.pre_norm = NormWeights::from(checkpoint, prefix + "pre_layrnorm", D);
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    const std::string name = fmt::format("{}encoder.layers.{}.", prefix, layer);
    weights.blocks.push_back(ClipBlockWeights::from(checkpoint, name, D, c.mlp_width));
  }
  return weights;
}

ClipVit::ClipVit(const ClipWeights& weights, const ClipConfig& config, nn::Precision precision)
    : config_(config),
      class_token_(weights.class_token),
      position_(weights.position),
      patch_({weights.patch}, precision),
      pre_norm_(weights.pre_norm.layer(config.norm_eps)) {
  blocks_.reserve(weights.blocks.size());
  const ClipBlockConfig shared{config.heads, config.norm_eps, config.activation};
  for (const ClipBlockWeights& block : weights.blocks) blocks_.emplace_back(block, shared, precision);
}

void ClipVit::embed_tiles(std::span<const std::uint8_t> tiles_TCHW, std::span<const std::array<float, 256>, 3> table,
                          Matrix x_RD, const nn::Pass& pass) const {
  const nn::Pass::Scope scope(pass);
  const std::int64_t patches = x_RD.rows - x_RD.rows / rows_per_tile();
  const Matrix pixels = pass.arena.matrix(patch_.input_type(), patches, patch_.inputs());
  const Matrix embedded_RD = pass.matrix(DType::f32, x_RD.rows, x_RD.columns);
  ops::unfold_patches(tiles_TCHW, config_.image_size, config_.patch_size, table, pixels);
  const Matrix patches_PD = pass.matrix(DType::f32, patches, x_RD.columns);
  patch_.forward(pass, pixels, patches_PD);
  nn::place_patches(pass, patches_PD, class_token_, position_, embedded_RD);
  pre_norm_.forward(pass, embedded_RD, x_RD);
}

void ClipVit::forward(std::span<const std::uint8_t> tiles_TCHW, std::span<const std::array<float, 256>, 3> table,
                      Matrix x_RD, const nn::Pass& pass) const {
  const std::int64_t rows = rows_per_tile(), tiles = x_RD.rows / rows;
  embed_tiles(tiles_TCHW, table, x_RD, pass);
  const auto plan = std::make_shared<const ops::AttentionPlan>(tile_plan(tiles, rows));
  pass.hold(plan);
  nn::run_blocks(blocks_, pass.over({.plan = plan.get()}), x_RD);
}

void ClipVit::forward_class(std::span<const std::uint8_t> tiles_TCHW, std::span<const std::array<float, 256>, 3> table,
                            Matrix y_TD, const nn::Pass& pass) const {
  const nn::Pass::Scope scope(pass);
  const std::int64_t rows = rows_per_tile(), tiles = y_TD.rows;
  const Matrix x_RD = pass.matrix(DType::f32, tiles * rows, y_TD.columns);
  embed_tiles(tiles_TCHW, table, x_RD, pass);
  const ops::AttentionPlan plan = tile_plan(tiles, rows);
  ops::AttentionPlan class_plan = plan;
  std::vector<std::int64_t> class_rows;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    class_plan.spans[static_cast<std::size_t>(tile)].queries = {tile, 1};
    class_rows.push_back(tile * rows);
  }
  nn::run_blocks(blocks_, pass.over({.plan = &plan}), x_RD, {.plan = &class_plan, .selected = class_rows}, y_TD);
}

std::int64_t ClipVit::owned_bytes() const {
  std::int64_t bytes = patch_.owned_bytes();
  for (const ClipBlock& block : blocks_) bytes += block.owned_bytes();
  return bytes;
}

}  // namespace e5v::model
