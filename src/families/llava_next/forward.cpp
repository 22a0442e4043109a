// Legend: S inputs, T rows of the forest, P pooled rows, D model width, N rows of images.
#include "families/llava_next/forward.h"

#include <algorithm>

#include "ops/rows.h"

namespace e5v::families {
namespace {

using tensor::DType;
using tensor::Matrix;

/// Some images, which are computed together, and all places of their rows.
struct ImageRange {
  std::size_t begin, end;
};
void embed_images(const model::LlavaNext& model, const embed::PackedBatch& batch, ImageRange range, Matrix x_TD,
                  tensor::Arena& arena) {
  const tensor::Arena::Scope scope(arena);
  std::vector<model::LlavaNext::PlacedImage> placed;
  std::int64_t N = 0;
  for (std::size_t index = range.begin; index < range.end; ++index) {
    placed.push_back({batch.images[index], N});
    N += batch.images[index]->layout.rows();
  }
  const Matrix y_ND = arena.matrix(DType::f32, N, x_TD.columns);
  model.embed_images(placed, y_ND, arena);
  std::vector<std::int64_t> from, to;
  for (std::size_t row = 0; row < batch.forest.symbols_T.size(); ++row) {
    const embed::Symbol& symbol = batch.forest.symbols_T[row];
    const auto index = static_cast<std::size_t>(symbol.image);
    if (symbol.image < 0 || index < range.begin || index >= range.end) continue;
    from.push_back(placed[index - range.begin].first_row + symbol.value);
    to.push_back(static_cast<std::int64_t>(row));
  }
  ops::move_rows(y_ND, from, to, x_TD, false);
}

/// Computes the embeddings of rows: token rows from the table, image rows from the vision tower.
void embed_rows(const model::LlavaNext& model, const embed::PackedBatch& batch, Matrix x_TD, tensor::Arena& arena) {
  std::vector<std::int32_t> ids;
  ids.reserve(batch.forest.symbols_T.size());
  for (const embed::Symbol& symbol : batch.forest.symbols_T) ids.push_back(symbol.image < 0 ? symbol.value : -1);
  model.language_model().embed(ids, x_TD, arena);
  // A CPU computes one image after the other, which needs the memory of one. A GPU needs several to be busy.
  const std::size_t count = batch.images.size(), at_once = x_TD.place == tensor::Place::host ? 1 : count;
  for (std::size_t first = 0; first < count; first += at_once) {
    embed_images(model, batch, {first, std::min(count, first + at_once)}, x_TD, arena);
  }
}

}  // namespace

EmbeddedForest embed_forest(const model::LlavaNext& model, std::span<const embed::PreparedInput> inputs,
                            tensor::Arena& arena) {
  embed::PackedBatch batch = embed::pack(inputs);
  const auto T = static_cast<std::int64_t>(batch.forest.symbols_T.size());
  const Matrix x_TD = arena.matrix(DType::f32, T, model.config().text.width);
  embed_rows(model, batch, x_TD, arena);
  return {std::move(batch.forest), x_TD};
}

void compute(const model::LlavaNext& model, std::span<const embed::PreparedInput> inputs, Matrix y_SD,
             tensor::Arena& arena) {
  const tensor::Arena::Scope scope(arena);
  const auto [forest, x_TD] = embed_forest(model, inputs, arena);
  const std::int64_t D = y_SD.columns;
  const Matrix pooled_PD = arena.matrix(DType::f32, static_cast<std::int64_t>(forest.rows.pooled_P.size()), D);
  model.language_model().forward(x_TD, forest.rows, pooled_PD, arena);
  ops::select_rows(pooled_PD, forest.pooled_index_S, y_SD);
}

}  // namespace e5v::families
