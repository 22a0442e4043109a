// Legend: T rows of a batch, D model width, H heads, K kv heads, E head width, F MLP width; N image tokens, R rows of
// the tower, V tower width, M tower MLP width.
#include "families/llava_next/memory.h"

#include <algorithm>

#include "embed/batch.h"
#include "families/memory_parts.h"
#include "image/anyres.h"
#include "model/llava_next.h"
#include "ops/matmul.h"

namespace e5v::families {
namespace {

/// The memory of LlamaBlock::forward: h, keys and values (and their packed copies), queries, mixed; or h, gate and up,
/// inner.
std::int64_t language_bytes(const model::LlamaConfig& c, std::int64_t T, std::int64_t input) {
  const std::int64_t D = c.width, HE = c.heads * c.head_width, KE = c.kv_heads * c.head_width, F = c.mlp_width;
  const std::int64_t stream = T * D * kFloat;
  return stream + block_bytes(T, 4 * KE + HE, D + HE, 2 * F, D + F, input);
}

/// The memory of LlavaNext::embed_images without the batch: features, projected features, result, and the tower's own.
std::int64_t vision_bytes(const model::ModelConfig& c, std::int64_t N, std::int64_t tiles, std::int64_t input) {
  const std::int64_t V = c.vision->width, M = c.vision->mlp_width, D = c.text.width;
  const std::int64_t R =
      std::min(tiles, model::LlavaNext::tiles_at_once(c.vision->positions())) * c.vision->positions();
  const std::int64_t result = N * (V + 2 * D) * kFloat;
  const std::int64_t tower = R * V * kFloat + block_bytes(R, 5 * V, 2 * V, M, V + M, input);
  const std::int64_t projector = N * (D * kFloat + (V + D) * input);
  return result + std::max(tower, projector);
}

struct LargestImage {
  std::int64_t tokens = 0, tiles = 0;
};

/// A grid without padding has the maximum of tokens: the base tile, the grid's patches, and a newline for each row of
/// them.
LargestImage largest_image(const model::ModelConfig& config, const image::Preprocess& preprocess) {
  if (!config.vision) return {};
  const std::int64_t side = config.vision->patches_per_side();
  LargestImage largest{side * side + 1, 1};
  for (const image::Size& grid : preprocess.allowed_pinpoints()) {
    const std::int64_t rows = grid.height / preprocess.tile, columns = grid.width / preprocess.tile;
    const std::int64_t tokens = side * side + rows * side * (columns * side + 1);
    largest.tokens = std::max(largest.tokens, tokens);
    largest.tiles = std::max(largest.tiles, 1 + rows * columns);
  }
  return largest;
}

}  // namespace

ParameterCount count_parameters(const model::ModelConfig& config) {
  const model::LlamaConfig& c = config.text;
  const std::int64_t D = c.width, HE = c.heads * c.head_width, KE = c.kv_heads * c.head_width, F = c.mlp_width;
  ParameterCount count;
  const std::int64_t language_matrices = c.layers * (2 * D * HE + 2 * D * KE + 3 * D * F);
  count.embedding = c.vocabulary * D;
  count.language = language_matrices + (2 * c.layers + 1) * D;
  count.language_matrices = language_matrices;
  if (!config.vision) return count;
  const model::ClipConfig& v = *config.vision;
  const std::int64_t V = v.width, M = v.mlp_width, layers = config.vision_layers_used();
  const std::int64_t patch = 3 * v.patch_size * v.patch_size * V;
  const std::int64_t tower_matrices = patch + layers * (4 * V * V + 2 * V * M);
  count.vision = tower_matrices + layers * (9 * V + M) + V * (v.positions() + 3);
  count.projector = V * D + D * D + (config.projector_bias ? 2 * D : 0) + D;  // includes the newline
  count.vision_matrices = tower_matrices + V * D + D * D;
  return count;
}

std::int64_t largest_image_tokens(const model::ModelConfig& config, const image::Preprocess& preprocess) {
  return largest_image(config, preprocess).tokens;
}

MemoryEstimate estimate_memory(const model::ModelConfig& config, const image::Preprocess& preprocess,
                               const RunPlan& plan, std::uint64_t tokenizer_bytes) {
  const nn::Precision precision = plan.precision;
  const embed::StoredWeights& stored = plan.stored;
  const ParameterCount parameters = count_parameters(config);
  const LargestImage image = largest_image(config, preprocess);
  const std::int64_t input = input_bytes(precision, stored.format);
  const std::int64_t budget = embed::chosen_token_budget(plan.run.token_budget, tensor::Place::host);
  const std::int64_t image_rows = config.vision ? image.tokens + embed::Batch::sharers_room(budget) : 0;
  const std::int64_t T = std::max(budget, image_rows);
  const model::LlamaConfig& c = config.text;
  MemoryEstimate estimate;
  constexpr auto kPlain = tensor::WeightFormat::plain;
  estimate.mapped = stored.format == kPlain && stored.decoded == 0
                        ? static_cast<std::uint64_t>(parameters.total() * size_of(stored.dtype))
                        : stored.bytes;
  const auto table = static_cast<std::uint64_t>(parameters.embedding * size_of(stored.dtype));
  estimate.mapped -= table - std::min(table, kEmbeddingBytes);
  const std::int64_t language_copies =
      stored.decoded > 0 ? stored.decoded * decoded_bytes(precision)
                         : parameters.language_matrices * copied_bytes(precision, stored.format, stored.dtype);
  estimate.copied = static_cast<std::uint64_t>(
      language_copies + stored.unpacked + parameters.vision_matrices * copied_bytes(precision, kPlain, stored.dtype));
  const std::int64_t language = language_bytes(c, T, input), stream = T * c.width * kFloat;
  const std::int64_t vision =
      config.vision ? vision_bytes(config, image.tokens, image.tiles, input_bytes(precision, kPlain)) : 0;
  const ops::Arithmetic arithmetic = nn::arithmetic_for(precision, stored.format);
  estimate.activations = static_cast<std::uint64_t>(std::max(language, stream + vision));
  estimate.scratch = static_cast<std::uint64_t>(ops::matmul_scratch_bytes(arithmetic, T, c.mlp_width));
  const std::int64_t tile_bytes = 3 * std::int64_t{preprocess.tile} * preprocess.tile;
  estimate.images = static_cast<std::uint64_t>(kImagesAhead * (image.tiles * tile_bytes + image.tokens * 4));
  const std::int64_t rotary = T * c.head_width * kFloat;  // a cosine and a sine for each pair
  estimate.base = kProcessBytes + kTokenizerFactor * tokenizer_bytes + static_cast<std::uint64_t>(rotary);
  return estimate;
}

}  // namespace e5v::families
