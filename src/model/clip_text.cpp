// Legend: T packed tokens, P pooled rows, D tower width.
#include "model/clip_text.h"

#include <numeric>

#include "nn/blocks.h"
#include "ops/rows.h"

namespace e5v::model {

using tensor::DType;
using tensor::Matrix;

ClipTextWeights ClipTextWeights::from(const Checkpoint& checkpoint, const ClipTextConfig& c) {
  ClipTextWeights weights;
  weights.token = checkpoint.table("text_model.embeddings.token_embedding.weight", {c.vocabulary, c.width});
  weights.position = checkpoint.table("text_model.embeddings.position_embedding.weight", {c.max_positions, c.width});
  for (std::int64_t layer = 0; layer < c.layers; ++layer) {
    const std::string prefix = fmt::format("text_model.encoder.layers.{}.", layer);
    weights.blocks.push_back(ClipBlockWeights::from(checkpoint, prefix, c.width, c.mlp_width));
  }
  weights.final_norm = NormWeights::from(checkpoint, "text_model.final_layer_norm", c.width);
  return weights;
}

ClipText::ClipText(const ClipTextWeights& weights, const ClipTextConfig& config, nn::Precision precision)
    : token_(weights.token), position_(weights.position), final_norm_(weights.final_norm.layer(config.norm_eps)) {
  blocks_.reserve(weights.blocks.size());
  const ClipBlockConfig shared{config.heads, config.norm_eps, config.activation};
  for (const ClipBlockWeights& block : weights.blocks) blocks_.emplace_back(block, shared, precision);
}

void ClipText::embed(std::span<const std::int32_t> ids_T, const PackedRows& rows, Matrix x_TD) const {
  ops::gather_rows(token_, ids_T, x_TD);
  std::vector<std::int64_t> all(rows.positions_T.size());
  std::iota(all.begin(), all.end(), 0);
  const std::vector<std::int64_t> places(rows.positions_T.begin(), rows.positions_T.end());
  ops::move_rows(matrix_of(position_.view()), places, all, x_TD, true);
}

void ClipText::forward(std::span<const std::int32_t> ids_T, const PackedRows& rows, Matrix y_PD,
                       const nn::Pass& pass) const {
  if (ids_T.empty()) return;
  const nn::Pass::Scope scope(pass);
  const Matrix x_TD = pass.matrix(DType::f32, static_cast<std::int64_t>(ids_T.size()), y_PD.columns);
  embed(ids_T, rows, x_TD);
  const Matrix last_PD = pass.matrix(DType::f32, y_PD.rows, y_PD.columns);
  const nn::Rows all{.plan = &rows.plan}, pooled{.plan = &rows.pooled_plan, .selected = rows.pooled_P};
  nn::run_blocks(blocks_, pass.over(all), x_TD, pooled, last_PD);
  final_norm_.forward(pass, last_PD, y_PD);
}

std::int64_t ClipText::owned_bytes() const {
  std::int64_t bytes = 0;
  for (const ClipBlock& block : blocks_) bytes += block.owned_bytes();
  return bytes;
}

}  // namespace e5v::model
