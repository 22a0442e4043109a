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
                         nn::Vector(checkpoint.tensor("image_newline", {config.text.width}))});
}

void LlavaNext::tower_features(const PreparedImage& image, Matrix y_UV, const nn::Pass& pass) const {
  const std::int64_t rows = vision_->tower.rows_per_tile(), patches = rows - 1;
  const std::int64_t tile_bytes = static_cast<std::int64_t>(image.tiles.pixels.size()) / image.tiles.count;
  for (std::int64_t first = 0; first < image.tiles.count; first += kTilesAtOnce) {
    const nn::Pass::Scope scope(pass);
    const std::int64_t count = std::min(kTilesAtOnce, image.tiles.count - first);
    const auto pixels =
        std::span(image.tiles.pixels)
            .subspan(static_cast<std::size_t>(first * tile_bytes), static_cast<std::size_t>(count * tile_bytes));
    const Matrix x_RV = pass.matrix(DType::f32, count * rows, y_UV.columns);
    vision_->tower.forward(pixels, pixel_table_, x_RV, pass);
    nn::RowCopies copies;
    std::int64_t feature = 0;
    for (const std::int32_t place : image.order) {
      if (place == image::kNewline) continue;
      const std::int64_t tile = place / patches - first, to = feature++;
      if (tile < 0 || tile >= count) continue;
      copies.from.push_back(tile * rows + 1 + place % patches);
      copies.to.push_back(to);
    }
    nn::copy_rows(pass, x_RV, std::move(copies), y_UV);
  }
}

void LlavaNext::embed_image(const PreparedImage& image, Matrix y_ND, const nn::Pass& pass) const {
  require<ModelError>(sees(), "[llava_next] the checkpoint has no vision tower: it takes text only");
  const nn::Pass::Scope scope(pass);
  nn::RowCopies features;
  std::vector<std::int64_t> newlines;
  for (std::int64_t row = 0; row < y_ND.rows; ++row) {
    if (image.order[static_cast<std::size_t>(row)] == image::kNewline) {
      newlines.push_back(row);
    } else {
      features.from.push_back(static_cast<std::int64_t>(features.to.size()));
      features.to.push_back(row);
    }
  }
  const auto U = static_cast<std::int64_t>(features.to.size());
  const Matrix features_UV = pass.matrix(DType::f32, U, config_.vision->width);
  const Matrix projected_UD = pass.matrix(DType::f32, U, y_ND.columns);
  const bool trained = pass.tape != nullptr && vision_->tower.trained_on(*pass.tape);
  tower_features(image, features_UV, trained ? pass : pass.untaped());
  vision_->projector.forward(features_UV, projected_UD, pass);
  nn::copy_rows(pass, projected_UD, std::move(features), y_ND);
  for (const std::int64_t row : newlines) {
    std::ranges::copy(vision_->newline.values(), y_ND.row<float>(row));
  }
  if (pass.tape == nullptr) return;
  pass.tape->record([=, this, newlines = std::move(newlines), &tape = *pass.tape] {
    const Matrix dy_ND = *tape.gradient(y_ND);
    const std::span<float> dnewline = tape.gradient(vision_->newline.source());
    for (const std::int64_t row : newlines) ops::add_column_sums(dy_ND.row_range(row, 1), dnewline);
  });
}

std::int64_t LlavaNext::owned_bytes() const {
  std::int64_t bytes = llama_.owned_bytes();
  if (vision_) bytes += vision_->tower.owned_bytes() + vision_->projector.owned_bytes();
  return bytes;
}

}  // namespace e5v::model
