// Legend: S inputs, T rows of the forest, P pooled rows, I images, V width of the vectors.
#include "families/clip/engine.h"

#include <algorithm>
#include <map>

#include "embed/forest.h"
#include "embed/loading.h"
#include "model/unused_tensors.h"
#include "ops/rows.h"

namespace e5v::families {

using tensor::DType;
using tensor::Matrix;

ClipEngine::ClipEngine(const std::filesystem::path& folder, const LoadOptions& load)
    : folder_(folder),
      config_(model::read_clip_config(folder)),
      checkpoint_(embed::open_checkpoint(folder, load, model::clip_names())),
      precision_(embed::choose_precision(load.dtype, embed::stored_weights(checkpoint_), checkpoint_.place())),
      weights_(embed::weights_hash(checkpoint_, config_text(config_))),
      model_(checkpoint_, config_, preparer()->preprocess(), precision_) {
  embed::warn_of_unused(folder, model::unused_tensors(checkpoint_, config_));
  require(load.adapter.empty(), "[adapter] {} is for a language model, but {} holds a CLIP", load.adapter.string(),
          folder.string());
}

std::unique_ptr<embed::Preparer> ClipEngine::make_preparer(const PrepareOptions& options,
                                                           const embed::Preparer* sibling) const {
  return make_clip_preparer(folder_, config_, options, sibling);
}

void ClipEngine::compute(std::span<const embed::PreparedInput> inputs, Matrix y_SV, tensor::Arena& arena) const {
  compute_texts(inputs, y_SV, arena);
  compute_images(inputs, y_SV, arena);
}

void ClipEngine::compute_texts(std::span<const embed::PreparedInput> inputs, Matrix y_SV, tensor::Arena& arena) const {
  std::vector<embed::Sequence> sequences;
  std::vector<std::int64_t> places;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].images.empty()) continue;
    places.push_back(static_cast<std::int64_t>(i));
    sequences.push_back(inputs[i].symbols);
  }
  if (sequences.empty()) return;
  const embed::Forest forest = embed::build_forest(sequences);
  std::vector<std::int32_t> ids_T;
  for (const embed::Symbol& symbol : forest.symbols_T) ids_T.push_back(symbol.value);
  const tensor::Arena::Scope scope(arena);
  const Matrix pooled_PV =
      arena.matrix(DType::f32, static_cast<std::int64_t>(forest.rows.pooled_P.size()), y_SV.columns);
  model_.embed_texts(ids_T, forest.rows, pooled_PV, arena);
  ops::move_rows(pooled_PV, forest.pooled_index_S, places, y_SV, false);
}

void ClipEngine::compute_images(std::span<const embed::PreparedInput> inputs, Matrix y_SV, tensor::Arena& arena) const {
  std::vector<std::span<const std::uint8_t>> images;
  std::vector<std::int64_t> places, image_of;
  std::map<Hash128, std::int64_t> known;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].images.empty()) continue;
    const embed::InputImage& image = inputs[i].images.front();
    const auto [place, added] = known.try_emplace(image.key, static_cast<std::int64_t>(images.size()));
    if (added) images.emplace_back(image.prepared->patches.pixels);
    places.push_back(static_cast<std::int64_t>(i));
    image_of.push_back(place->second);
  }
  if (images.empty()) return;
  const tensor::Arena::Scope scope(arena);
  const Matrix vectors_IV = arena.matrix(DType::f32, static_cast<std::int64_t>(images.size()), y_SV.columns);
  model_.embed_images(images, vectors_IV, arena);
  ops::move_rows(vectors_IV, image_of, places, y_SV, false);
}

}  // namespace e5v::families
