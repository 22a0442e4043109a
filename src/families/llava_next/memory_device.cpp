// Legend: T rows of a batch, D model width, H heads, K kv heads, E head width, F MLP width; R rows of the tower, V
// tower width, M tower MLP width.
#include <algorithm>

#include "embed/batch.h"
#include "families/llava_next/memory.h"
#include "families/memory_parts.h"
#include "model/llava_next.h"

namespace e5v::families {

DeviceEstimate estimate_device_memory(const model::ModelConfig& config, const image::Preprocess& preprocess,
                                      const RunPlan& plan) {
  const nn::Precision precision = plan.precision;
  const embed::StoredWeights& stored = plan.stored;
  const model::LlamaConfig& c = config.text;
  const std::int64_t D = c.width, HE = c.heads * c.head_width, KE = c.kv_heads * c.head_width, F = c.mlp_width;
  const std::int64_t budget = embed::chosen_token_budget(plan.run.token_budget, tensor::Place::device);
  const std::int64_t image = config.vision ? largest_image_tokens(config, preprocess) : 0;
  const std::int64_t T = std::max(budget, image + (image > 0 ? embed::Batch::sharers_room(budget) : 0));
  const std::int64_t type = activation_bytes_on_device(precision);
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
        T * (D + v.width + 2 * D) * kFloat + std::max(tower_bytes_on_device(R, v.width, v.mlp_width, type), projector);
  }
  const ParameterCount count = count_parameters(config);
  DeviceEstimate estimate;
  estimate.weights = stored.bytes;
  const std::int64_t made = stored.decoded * decoded_bytes(precision) + stored.unpacked;
  estimate.copied = static_cast<std::uint64_t>(made + (count.language_matrices + count.vision_matrices) *
                                                          copied_bytes_on_device(precision, stored));
  estimate.activations = static_cast<std::uint64_t>(std::max(language, vision));
  estimate.workspace = kDeviceWorkspace;
  return estimate;
}

}  // namespace e5v::families
