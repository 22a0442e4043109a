// Legend: N image tokens, U features among them (the others are newlines), V tower width, D model width, R tower rows.
#include "model/llava_next.h"

#include <algorithm>
#include <array>

#include "model/adapter_sites.h"
#include "ops/rows.h"

namespace e5v::model {
namespace {

using tensor::DType;
using tensor::Matrix;

static_assert(ImageLayout::special(0) == image::kNewline);

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
  // An error of an image is in all of its rows, and the tower is a small part of the work.
  if (precision == nn::Precision::fp8) precision = nn::Precision::bf16;
  const ClipWeights tower = ClipWeights::from(checkpoint, *config.vision, config.vision_layers_used());
  vision_.emplace(Vision{ClipVit(tower, *config.vision, precision), Projector(checkpoint, config, precision),
                         nn::Vector(checkpoint.tensor("image_newline", {config.text.width}))});
}

/// The tiles of several images, and the destination of their rows.
struct LlavaNext::Arrangement {
  struct Copy {
    std::int64_t from,
        to;  // a row of the tower, counted over all tiles, and a feature
  };
  std::vector<std::span<const std::uint8_t>> tiles;
  std::vector<Copy> copies;            // in the order of tiles
  nn::RowCopies places;                // all features and their rows in x
  std::vector<std::int64_t> newlines;  // rows of x
};

LlavaNext::Arrangement LlavaNext::arranged(std::span<const PlacedImage> images) const {
  const std::int64_t rows_per_tile = vision_->tower.rows_per_tile(), patches = rows_per_tile - 1;
  Arrangement result;
  for (const PlacedImage& placed : images) {
    const auto first_tile = static_cast<std::int64_t>(result.tiles.size());
    for (const auto tile : placed.image->patches.grid_pixels()) result.tiles.push_back(tile);
    placed.image->layout.walk(
        [&](std::int64_t row, std::int64_t feature) {
          const auto next = static_cast<std::int64_t>(result.places.from.size());
          const std::int64_t tile = first_tile + feature / patches, class_token = 1;
          result.copies.push_back({tile * rows_per_tile + class_token + feature % patches, next});
          result.places.from.push_back(next);
          result.places.to.push_back(placed.first_row + row);
        },
        [&](std::int64_t row, std::int32_t) { result.newlines.push_back(placed.first_row + row); });
  }
  std::ranges::stable_sort(result.copies, {}, [=](const Arrangement::Copy& copy) { return copy.from / rows_per_tile; });
  return result;
}

void LlavaNext::tower_features(const Arrangement& images, Matrix y_UV, const nn::Pass& pass) const {
  const std::int64_t rows = vision_->tower.rows_per_tile(), at_once = tiles_at_once(rows, y_UV.place);
  const auto tiles = static_cast<std::int64_t>(images.tiles.size());
  std::size_t next = 0;  // of the copies, which are in the order of tiles
  for (std::int64_t first = 0; first < tiles; first += at_once) {
    const nn::Pass::Scope scope(pass);
    const std::int64_t count = std::min(at_once, tiles - first);
    std::vector<std::uint8_t> pixels;
    for (std::int64_t tile = first; tile < first + count; ++tile) {
      const std::span<const std::uint8_t> own = images.tiles[static_cast<std::size_t>(tile)];
      pixels.insert(pixels.end(), own.begin(), own.end());
    }
    const Matrix x_RV = pass.matrix(DType::f32, count * rows, y_UV.columns);
    vision_->tower.forward(pixels, pixel_table_, x_RV, pass);
    nn::RowCopies copies;
    for (; next < images.copies.size() && images.copies[next].from < (first + count) * rows; ++next) {
      copies.from.push_back(images.copies[next].from - first * rows);
      copies.to.push_back(images.copies[next].to);
    }
    nn::copy_rows(pass, x_RV, std::move(copies), y_UV);
  }
}

void LlavaNext::embed_image(const PreparedImage& image, Matrix y_ND, const nn::Pass& pass) const {
  embed_images(std::array{PlacedImage{&image, 0}}, y_ND, pass);
}

void LlavaNext::embed_images(std::span<const PlacedImage> images, Matrix x_TD, const nn::Pass& pass) const {
  if (images.empty()) return;
  require<ModelError>(sees(), "[llava_next] the checkpoint has no vision tower, so it takes text only");
  const nn::Pass::Scope scope(pass);
  Arrangement arrangement = arranged(images);
  const auto U = static_cast<std::int64_t>(arrangement.copies.size());
  const Matrix features_UV = pass.matrix(DType::f32, U, config_.vision->width);
  const Matrix projected_UD = pass.matrix(DType::f32, U, x_TD.columns);
  const bool trained = pass.tape != nullptr && vision_->tower.trained_on(*pass.tape);
  tower_features(arrangement, features_UV, trained ? pass : pass.untaped());
  vision_->projector.forward(features_UV, projected_UD, pass);
  nn::copy_rows(pass, projected_UD, std::move(arrangement.places), x_TD);
  std::vector<std::int64_t>& newlines = arrangement.newlines;
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
