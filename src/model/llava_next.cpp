// Legend: N image tokens, U of them features (the others are newlines), V tower width, D model width, R tower rows.
#include "model/llava_next.h"

#include <algorithm>
#include <array>

#include "model/adapter_sites.h"
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

/// The tiles of many images in a row, and which of their rows become which features.
struct TileRun {
  struct Copy {
    std::int64_t from, to;  // a row of all tiles, and a feature
  };
  std::vector<std::span<const std::uint8_t>> tiles;
  std::vector<Copy> features;  // in the order of tiles
};

TileRun tile_run(std::span<const LlavaNext::PlacedImage> images, std::int64_t rows_per_tile) {
  const std::int64_t patches = rows_per_tile - 1;
  TileRun run;
  std::int64_t feature = 0;
  for (const LlavaNext::PlacedImage& placed : images) {
    const image::Tiles& tiles = placed.image->tiles;
    const auto first = static_cast<std::int64_t>(run.tiles.size());
    const std::size_t bytes = tiles.pixels.size() / static_cast<std::size_t>(tiles.count);
    for (std::size_t tile = 0; tile < static_cast<std::size_t>(tiles.count); ++tile) {
      run.tiles.push_back(std::span(tiles.pixels).subspan(tile * bytes, bytes));
    }
    for (const std::int32_t place : placed.image->order) {
      if (place == image::kNewline) continue;
      run.features.push_back({(first + place / patches) * rows_per_tile + 1 + place % patches, feature++});
    }
  }
  std::ranges::stable_sort(run.features, {}, [=](const TileRun::Copy& copy) { return copy.from / rows_per_tile; });
  return run;
}

}  // namespace

LlavaNext::LlavaNext(const Checkpoint& checkpoint, const ModelConfig& config, const image::Preprocess& preprocess,
                     nn::Precision precision)
    : config_(config),
      pixel_table_(normalize_table(preprocess)),
      llama_(LlamaWeights::from(checkpoint, config.text), config.text, precision) {
  if (!config.vision) return;
  check_preprocess(config, preprocess);
  // Errors of an image stand in all of its rows, and the tower is a small part of the work.
  if (precision == nn::Precision::fp8) precision = nn::Precision::bf16;
  const ClipWeights tower = ClipWeights::from(checkpoint, *config.vision, config.vision_layers_used());
  vision_.emplace(Vision{ClipVit(tower, *config.vision, precision), Projector(checkpoint, config, precision),
                         nn::Vector(checkpoint.tensor("image_newline", {config.text.width}))});
}

void LlavaNext::tower_features(std::span<const PlacedImage> images, Matrix y_UV, const nn::Pass& pass) const {
  const std::int64_t rows = vision_->tower.rows_per_tile(), at_once = tiles_at_once(rows, y_UV.place);
  const TileRun run = tile_run(images, rows);
  const auto tiles = static_cast<std::int64_t>(run.tiles.size());
  std::size_t next = 0;  // of the copies, which are in the order of tiles
  for (std::int64_t first = 0; first < tiles; first += at_once) {
    const nn::Pass::Scope scope(pass);
    const std::int64_t count = std::min(at_once, tiles - first);
    std::vector<std::uint8_t> pixels;
    for (std::int64_t tile = first; tile < first + count; ++tile) {
      const std::span<const std::uint8_t> own = run.tiles[static_cast<std::size_t>(tile)];
      pixels.insert(pixels.end(), own.begin(), own.end());
    }
    const Matrix x_RV = pass.matrix(DType::f32, count * rows, y_UV.columns);
    vision_->tower.forward(pixels, pixel_table_, x_RV, pass);
    nn::RowCopies copies;
    for (; next < run.features.size() && run.features[next].from < (first + count) * rows; ++next) {
      copies.from.push_back(run.features[next].from - first * rows);
      copies.to.push_back(run.features[next].to);
    }
    nn::copy_rows(pass, x_RV, std::move(copies), y_UV);
  }
}

void LlavaNext::embed_image(const PreparedImage& image, Matrix y_ND, const nn::Pass& pass) const {
  embed_images(std::array{PlacedImage{&image, 0}}, y_ND, pass);
}

void LlavaNext::embed_images(std::span<const PlacedImage> images, Matrix x_TD, const nn::Pass& pass) const {
  if (images.empty()) return;
  require<ModelError>(sees(), "[llava_next] the checkpoint has no vision tower: it takes text only");
  const nn::Pass::Scope scope(pass);
  nn::RowCopies features;
  std::vector<std::int64_t> newlines;
  for (const PlacedImage& placed : images) {
    std::int64_t row = placed.first_row;
    for (const std::int32_t place : placed.image->order) {
      if (place == image::kNewline) {
        newlines.push_back(row++);
      } else {
        features.from.push_back(static_cast<std::int64_t>(features.to.size()));
        features.to.push_back(row++);
      }
    }
  }
  const auto U = static_cast<std::int64_t>(features.to.size());
  const Matrix features_UV = pass.matrix(DType::f32, U, config_.vision->width);
  const Matrix projected_UD = pass.matrix(DType::f32, U, x_TD.columns);
  const bool trained = pass.tape != nullptr && vision_->tower.trained_on(*pass.tape);
  tower_features(images, features_UV, trained ? pass : pass.untaped());
  vision_->projector.forward(features_UV, projected_UD, pass);
  nn::copy_rows(pass, projected_UD, std::move(features), x_TD);
  ops::move_rows(matrix_of(vision_->newline.view()), std::vector<std::int64_t>(newlines.size()), newlines, x_TD, false);
  if (pass.tape == nullptr) return;
  pass.tape->record([=, this, newlines = std::move(newlines), &tape = *pass.tape, &arena = pass.arena] {
    const Matrix dx_TD = *tape.gradient(x_TD);
    const std::span<float> dnewline = tape.gradient(vision_->newline.source());
    if (dnewline.empty()) return;
    const tensor::Arena::Scope own(arena);
    const Matrix drows_ND = arena.matrix(DType::f32, static_cast<std::int64_t>(newlines.size()), dx_TD.columns);
    ops::select_rows(dx_TD, newlines, drows_ND);
    ops::add_column_sums(drows_ND, dnewline);
  });
}

void LlavaNext::attach(const nn::Lora& adapter) {
  const std::string_view target = adapter.target;
  if (target == "lm_head") return;
  constexpr std::string_view kProjector = "projector.";
  if (sees() && target.starts_with(kProjector)) {
    return vision_->projector.attach(target.substr(kProjector.size()), adapter);
  }
  const auto found = layer_matrix(target, "vision_tower.encoder.layers.");
  if (sees() && found) return vision_->tower.attach(found->layer, found->matrix, adapter);
  llama_.attach(adapter);
}

std::int64_t LlavaNext::owned_bytes() const {
  std::int64_t bytes = llama_.owned_bytes();
  if (vision_) bytes += vision_->tower.owned_bytes() + vision_->projector.owned_bytes();
  return bytes;
}

}  // namespace e5v::model
