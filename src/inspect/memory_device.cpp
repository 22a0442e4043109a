// Legend: T rows of a batch, D model width, H heads, K kv heads, E head width, F MLP width; R rows of the tower, V
// tower width, M tower MLP width.
#include <algorithm>

#include "embed/batch.h"
#include "inspect/memory.h"
#include "inspect/memory_parts.h"
#include "model/clip.h"
#include "model/llava_next.h"

namespace e5v::inspect {
namespace {

/// CUDA's own, the library's workspace, plans and lists that go with each call: measured.
constexpr std::uint64_t kWorkspace = std::uint64_t{600} << 20;

/// Bytes for each number of a matrix beside what is stored.
std::int64_t copied_bytes_on_device(nn::Precision precision, const embed::StoredWeights& stored) {
  if (stored.format != tensor::WeightFormat::plain || stored.decoded > 0) return 0;
  if (precision == nn::Precision::f32) return stored.dtype == tensor::DType::f32 ? 0 : 4;
  const std::int64_t rounded = stored.dtype == tensor::DType::bf16 ? 0 : 2;
  return rounded + (precision == nn::Precision::fp8 ? 1 : 0);
}

std::int64_t activation_bytes(nn::Precision precision) { return precision == nn::Precision::f32 ? 4 : 2; }

/// ClipBlock::forward of R rows: the stream and h, and qkv and mixed or the MLP's two.
std::int64_t device_tower_bytes(std::int64_t R, std::int64_t V, std::int64_t M, std::int64_t type) {
  return R * (V * kFloat + V * type + std::max(4 * V, 2 * M) * type);
}

}  // namespace

DeviceEstimate estimate_device_memory(const model::ModelConfig& config, const image::Preprocess& preprocess,
                                      nn::Precision precision, const embed::StoredWeights& stored,
                                      const EmbedderOptions& options) {
  const model::LlamaConfig& c = config.text;
  const std::int64_t D = c.width, HE = c.heads * c.head_width, KE = c.kv_heads * c.head_width, F = c.mlp_width;
  const std::int64_t budget = embed::chosen_token_budget(options.token_budget, tensor::Place::device);
  const std::int64_t image = config.vision ? largest_image_tokens(config, preprocess) : 0;
  const std::int64_t T = std::max(budget, image + (image > 0 ? embed::Batch::sharers_room(budget) : 0));
  const std::int64_t type = activation_bytes(precision);
  const std::int64_t rounded = precision == nn::Precision::fp8 ? D + F : 0;
  const std::int64_t language = T * (D * kFloat + D * type + std::max(2 * KE + 2 * HE, 3 * F) * type + rounded);
  std::int64_t vision = 0;
  if (config.vision) {
    const model::ClipConfig& v = *config.vision;
    const std::int64_t positions = v.positions(), tiles = (T + positions - 2) / (positions - 1);
    const std::int64_t R =
        std::min(tiles, model::LlavaNext::tiles_at_once(positions, tensor::Place::device)) * positions;
    const std::int64_t projector = T * (v.width * type + 2 * D * type);
    vision =
        T * (D + v.width + 2 * D) * kFloat + std::max(device_tower_bytes(R, v.width, v.mlp_width, type), projector);
  }
  const ParameterCount count = count_parameters(config);
  DeviceEstimate estimate;
  estimate.weights = stored.bytes;
  const std::int64_t made = stored.decoded * decoded_bytes(precision) + stored.unpacked;
  estimate.copied = static_cast<std::uint64_t>(made + (count.language_matrices + count.vision_matrices) *
                                                          copied_bytes_on_device(precision, stored));
  estimate.activations = static_cast<std::uint64_t>(std::max(language, vision));
  estimate.workspace = kWorkspace;
  return estimate;
}

DeviceEstimate estimate_device_memory(const model::ClipModelConfig& config, nn::Precision precision,
                                      const embed::StoredWeights& stored, const EmbedderOptions& options) {
  const std::int64_t type = activation_bytes(precision), positions = config.vision.positions();
  const std::int64_t T =
      std::max(embed::chosen_token_budget(options.token_budget, tensor::Place::device), config.text.max_positions);
  const std::int64_t R = std::max(model::Clip::kRowsAtOnce, positions);
  const ParameterCount count = count_parameters(config);
  DeviceEstimate estimate;
  estimate.weights = stored.bytes;
  estimate.copied = static_cast<std::uint64_t>((count.language_matrices + count.vision_matrices) *
                                               copied_bytes_on_device(precision, stored));
  estimate.activations =
      static_cast<std::uint64_t>(std::max(device_tower_bytes(T, config.text.width, config.text.mlp_width, type),
                                          device_tower_bytes(R, config.vision.width, config.vision.mlp_width, type)));
  estimate.workspace = kWorkspace;
  return estimate;
}

}  // namespace e5v::inspect
