// Legend: T rows of a batch's texts, R rows of the vision tower, D tower width, F MLP width, V width of the vectors.
#include "families/clip/memory.h"

#include <algorithm>

#include "embed/batch.h"
#include "families/memory_parts.h"
#include "model/clip.h"
#include "ops/matmul.h"

namespace e5v::families {
namespace {

/// The matrices of a tower's blocks, and its norms and biases.
std::int64_t block_matrices(std::int64_t layers, std::int64_t D, std::int64_t F) {
  return layers * (4 * D * D + 2 * D * F);
}
std::int64_t block_vectors(std::int64_t layers, std::int64_t D, std::int64_t F) { return layers * (9 * D + F); }

/// The memory of ClipBlock::forward: h, queries, keys and values (and their packed copies), mixed; or h, wide and
/// inner.
std::int64_t tower_bytes(std::int64_t rows, std::int64_t D, std::int64_t F, std::int64_t input) {
  return rows * D * kFloat + block_bytes(rows, 5 * D, 2 * D, F, D + F, input);
}

/// The memory of ClipVit::embed_tiles: pixels, and patches before and after adding positions.
std::int64_t patches_bytes(std::int64_t rows, const model::ClipConfig& c, std::int64_t input) {
  return rows * (3 * c.patch_size * c.patch_size * input + 2 * c.width * kFloat);
}

}  // namespace

ParameterCount count_parameters(const model::ClipModelConfig& config) {
  const model::ClipTextConfig& t = config.text;
  const model::ClipConfig& v = config.vision;
  const std::int64_t patch = 3 * v.patch_size * v.patch_size * v.width;
  ParameterCount count;
  count.embedding = t.vocabulary * t.width;
  count.language_matrices = block_matrices(t.layers, t.width, t.mlp_width);
  count.language =
      count.language_matrices + block_vectors(t.layers, t.width, t.mlp_width) + (t.max_positions + 2) * t.width;
  count.vision_matrices = patch + block_matrices(v.layers, v.width, v.mlp_width);
  count.vision = count.vision_matrices + block_vectors(v.layers, v.width, v.mlp_width) + v.width * (v.positions() + 5);
  count.projector = config.projection * (t.width + v.width);
  count.vision_matrices += count.projector;
  return count;
}

MemoryEstimate estimate_memory(const model::ClipModelConfig& config, const RunPlan& plan,
                               std::uint64_t tokenizer_bytes) {
  const nn::Precision precision = plan.precision;
  const embed::StoredWeights& stored = plan.stored;
  constexpr auto kPlain = tensor::WeightFormat::plain;
  const ParameterCount parameters = count_parameters(config);
  const std::int64_t input = input_bytes(precision, kPlain);
  const std::int64_t budget = embed::chosen_token_budget(plan.run.token_budget, tensor::Place::host);
  const std::int64_t T = std::max(budget, config.text.max_positions);
  const std::int64_t positions = config.vision.positions();
  const std::int64_t R = std::min(std::max(budget, positions), std::max(model::Clip::kRowsAtOnce, positions));
  MemoryEstimate estimate;
  estimate.mapped = static_cast<std::uint64_t>(parameters.total() * size_of(stored.dtype));
  const auto table = static_cast<std::uint64_t>(parameters.embedding * size_of(stored.dtype));
  estimate.mapped -= table - std::min(table, kEmbeddingBytes);
  estimate.copied = static_cast<std::uint64_t>((parameters.language_matrices + parameters.vision_matrices) *
                                               copied_bytes(precision, kPlain, stored.dtype));
  const std::int64_t texts = tower_bytes(T, config.text.width, config.text.mlp_width, input);
  const std::int64_t stream = R * config.vision.width * kFloat;
  const std::int64_t images = std::max(tower_bytes(R, config.vision.width, config.vision.mlp_width, input),
                                       stream + patches_bytes(R, config.vision, input));
  estimate.activations = static_cast<std::uint64_t>(std::max(texts, images));
  const std::int64_t widest = std::max(config.text.mlp_width, config.vision.mlp_width);
  estimate.scratch = static_cast<std::uint64_t>(
      ops::matmul_scratch_bytes(nn::arithmetic_for(precision, kPlain), std::max(T, R), widest));
  const std::int64_t side = config.vision.image_size;
  estimate.images =
      static_cast<std::uint64_t>(kImagesAhead * (3 * side * side + positions * 4) + 3 * side * side * (R / positions));
  estimate.base = kProcessBytes + kTokenizerFactor * tokenizer_bytes;
  return estimate;
}

DeviceEstimate estimate_device_memory(const model::ClipModelConfig& config, const RunPlan& plan) {
  const nn::Precision precision = plan.precision;
  const embed::StoredWeights& stored = plan.stored;
  const std::int64_t type = activation_bytes_on_device(precision), positions = config.vision.positions();
  const std::int64_t T =
      std::max(embed::chosen_token_budget(plan.run.token_budget, tensor::Place::device), config.text.max_positions);
  const std::int64_t R = std::max(model::Clip::kRowsAtOnce, positions);
  const ParameterCount count = count_parameters(config);
  DeviceEstimate estimate;
  estimate.weights = stored.bytes;
  estimate.copied = static_cast<std::uint64_t>((count.language_matrices + count.vision_matrices) *
                                               copied_bytes_on_device(precision, stored));
  estimate.activations = static_cast<std::uint64_t>(
      std::max(tower_bytes_on_device(T, config.text.width, config.text.mlp_width, type),
               tower_bytes_on_device(R, config.vision.width, config.vision.mlp_width, type)));
  estimate.workspace = kDeviceWorkspace;
  return estimate;
}

}  // namespace e5v::families
