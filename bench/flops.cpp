// Legend: T rows, P pooled rows, D model width, H heads, K kv heads, E head width, F MLP width, V tower width, M tower
// MLP width, R tower rows.
#include "flops.h"

#include "embed/pack.h"

namespace e5v::bench {
namespace {

/// The operations of y = x W^T: x [rows, inputs], W [outputs, inputs].
double gemm(std::int64_t rows, std::int64_t outputs, std::int64_t inputs) {
  return 2 * static_cast<double>(rows) * static_cast<double>(outputs) * static_cast<double>(inputs);
}

}  // namespace

double visible_pairs(const ops::AttentionPlan& plan) {
  double pairs = 0;
  for (const ops::AttentionPlan::Span& span : plan.spans) {
    const auto queries = static_cast<double>(span.queries.count);
    for (std::size_t i = 0; i < span.path.size(); ++i) {
      const auto keys = static_cast<double>(plan.nodes[static_cast<std::size_t>(span.path[i])].count);
      const bool triangle = span.causal && i + 1 == span.path.size();
      pairs += triangle ? queries * (keys - queries) + queries * (queries + 1) / 2 : queries * keys;
    }
  }
  return pairs;
}

double llama_flops(const model::LlamaConfig& c, const model::PackedRows& rows) {
  const auto T = static_cast<std::int64_t>(rows.positions_T.size()),
             P = static_cast<std::int64_t>(rows.pooled_P.size());
  const std::int64_t D = c.width, HE = c.heads * c.head_width, KE = c.kv_heads * c.head_width, F = c.mlp_width;
  const auto rest = [&](std::int64_t count) { return gemm(count, 2 * HE, D) + gemm(count, 3 * F, D); };
  const double pair = 4 * static_cast<double>(HE), keys_values = gemm(T, 2 * KE, D);
  const double block = keys_values + rest(T) + pair * visible_pairs(rows.plan);
  const double last = keys_values + rest(P) + pair * visible_pairs(rows.pooled_plan);
  return static_cast<double>(c.layers - 1) * block + last;
}

double vision_flops(const model::ModelConfig& config, std::int64_t tiles, std::int64_t features) {
  const model::ClipConfig& c = config.vision.value();
  const std::int64_t V = c.width, M = c.mlp_width, D = config.text.width, R = tiles * c.positions();
  const double patches = gemm(R - tiles, V, 3 * c.patch_size * c.patch_size);
  const double pairs = static_cast<double>(R) * static_cast<double>(c.positions());
  const double layer = gemm(R, 4 * V, V) + gemm(R, 2 * M, V) + 4 * static_cast<double>(V) * pairs;
  const double projector = gemm(features, D, V) + gemm(features, D, D);
  return patches + static_cast<double>(config.vision_layers_used()) * layer + projector;
}

double batch_flops(const model::ModelConfig& config, std::span<const embed::PreparedInput> inputs) {
  const embed::PackedBatch batch = embed::pack(inputs);
  double flops = llama_flops(config.text, batch.forest.rows);
  for (const model::PreparedImage* image : batch.images) {
    flops += vision_flops(config, static_cast<std::int64_t>(image->patches.grids.size()), image->layout.features());
  }
  return flops;
}

}  // namespace e5v::bench
