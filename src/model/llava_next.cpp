// Legend: N image tokens, U of them features (the others are newlines), V tower width, D model width, R tower rows.
#include "model/llava_next.h"

#include <algorithm>

#include "ops/rows.h"

namespace e5v::model {
namespace {

using tensor::DType;
using tensor::Matrix;

void check_preprocess(const ModelConfig& config, const image::Preprocess& preprocess) {
  require<ModelError>(preprocess.tile == config.vision->image_size,
                      "[llava_next] preprocessor_config.json cuts tiles of {} pixels, the vision tower takes {}",
                      preprocess.tile, config.vision->image_size);
  require<ModelError>(preprocess.patch == config.vision->patch_size,
                      "[llava_next] image preprocessing counts patches of {} pixels, the vision tower {}",
                      preprocess.patch, config.vision->patch_size);
}

}  // namespace

LlavaNext::LlavaNext(const Checkpoint& checkpoint, const ModelConfig& config, const image::Preprocess& preprocess,
                     nn::Precision precision)
    : config_(config),
      pixel_table_(normalize_table(preprocess)),
      llama_(LlamaWeights::from(checkpoint, config.text), config.text, precision) {
  if (!config.vision) return;
  check_preprocess(config, preprocess);
  const ClipWeights tower = ClipWeights::from(checkpoint, *config.vision, config.vision_layers_used());
  vision_.emplace(Vision{ClipVit(tower, *config.vision, precision), Projector(checkpoint, config, precision),
                         to_f32(checkpoint.tensor("image_newline", {config.text.width}))});
}

void LlavaNext::tower_features(const PreparedImage& image, Matrix y_UV, tensor::Arena& arena) const {
  const std::int64_t rows = vision_->tower.rows_per_tile(), patches = rows - 1;
  const std::int64_t tile_bytes = static_cast<std::int64_t>(image.tiles.pixels.size()) / image.tiles.count;
  const Matrix x_RV = arena.matrix(DType::f32, std::min(kTilesAtOnce, image.tiles.count) * rows, y_UV.columns);
  for (std::int64_t first = 0; first < image.tiles.count; first += kTilesAtOnce) {
    const std::int64_t count = std::min(kTilesAtOnce, image.tiles.count - first);
    const auto pixels =
        std::span(image.tiles.pixels)
            .subspan(static_cast<std::size_t>(first * tile_bytes), static_cast<std::size_t>(count * tile_bytes));
    const Matrix x = x_RV.row_range(0, count * rows);
    vision_->tower.forward(pixels, pixel_table_, x, arena);
    std::int64_t row = 0;
    for (const std::int32_t place : image.order) {
      if (place == image::kNewline) continue;
      const std::int64_t tile = place / patches - first, to = row++;
      if (tile < 0 || tile >= count) continue;
      const float* from = x.row<float>(tile * rows + 1 + place % patches);
      std::copy_n(from, y_UV.columns, y_UV.row<float>(to));
    }
  }
}

void LlavaNext::embed_image(const PreparedImage& image, Matrix y_ND, tensor::Arena& arena) const {
  require<ModelError>(sees(), "[llava_next] the checkpoint has no vision tower: it takes text only");
  const tensor::Arena::Scope scope(arena);
  const auto newlines = std::count(image.order.begin(), image.order.end(), image::kNewline);
  const std::int64_t U = y_ND.rows - newlines;
  const Matrix features_UV = arena.matrix(DType::f32, U, config_.vision->width);
  const Matrix projected_UD = arena.matrix(DType::f32, U, y_ND.columns);
  tower_features(image, features_UV, arena);
  vision_->projector.forward(features_UV, projected_UD, arena);
  std::int64_t feature = 0;
  for (std::int64_t row = 0; row < y_ND.rows; ++row) {
    const bool newline = image.order[static_cast<std::size_t>(row)] == image::kNewline;
    const float* from = newline ? vision_->newline.as<float>().data() : projected_UD.row<float>(feature++);
    std::copy_n(from, y_ND.columns, y_ND.row<float>(row));
  }
}

std::int64_t LlavaNext::owned_bytes() const {
  std::int64_t bytes = llama_.owned_bytes();
  if (vision_) bytes += vision_->tower.owned_bytes() + vision_->projector.owned_bytes();
  return bytes;
}

}  // namespace e5v::model
