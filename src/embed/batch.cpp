// Legend: S inputs, T rows of the forest, P pooled rows, D model width, N tokens of an image.
#include "embed/batch.h"

#include <algorithm>

#include "ops/rows.h"

namespace e5v::embed {
namespace {

using tensor::DType;
using tensor::Matrix;

/// The different images of a batch, and for each input the index of its own or -1.
struct BatchImages {
  std::vector<const model::PreparedImage*> images;
  std::vector<std::int32_t> of_input;
};

BatchImages collect_images(std::span<const PreparedInput> inputs) {
  BatchImages result;
  std::map<Hash128, std::int32_t> indices;
  for (const PreparedInput& input : inputs) {
    if (!input.image) {
      result.of_input.push_back(-1);
      continue;
    }
    const auto [place, added] = indices.try_emplace(input.image_key, static_cast<std::int32_t>(result.images.size()));
    if (added) result.images.push_back(input.image.get());
    result.of_input.push_back(place->second);
  }
  return result;
}

Sequence symbols_of(const PreparedInput& input, std::int32_t image) {
  Sequence sequence;
  sequence.reserve(static_cast<std::size_t>(input.tokens()));
  for (const std::int32_t id : input.ids) {
    if (id != kImageSlot) {
      sequence.push_back({-1, id});
      continue;
    }
    const auto tokens = static_cast<std::int32_t>(input.image->order.size());
    for (std::int32_t position = 0; position < tokens; ++position) sequence.push_back({image, position});
  }
  return sequence;
}

Forest pack_with(std::span<const PreparedInput> inputs, const BatchImages& images) {
  std::vector<Sequence> sequences;
  for (std::size_t i = 0; i < inputs.size(); ++i) sequences.push_back(symbols_of(inputs[i], images.of_input[i]));
  return build_forest(sequences);
}

/// The rows of some images, which are computed together, in all places where they stand.
struct ImageRange {
  std::size_t begin, end;
};
void embed_images(const model::LlavaNext& model, const Forest& forest, const BatchImages& images, ImageRange range,
                  Matrix x_TD, tensor::Arena& arena) {
  const tensor::Arena::Scope scope(arena);
  std::vector<model::LlavaNext::PlacedImage> placed;
  std::int64_t N = 0;
  for (std::size_t index = range.begin; index < range.end; ++index) {
    placed.push_back({images.images[index], N});
    N += static_cast<std::int64_t>(images.images[index]->order.size());
  }
  const Matrix y_ND = arena.matrix(DType::f32, N, x_TD.columns);
  model.embed_images(placed, y_ND, arena);
  std::vector<std::int64_t> from, to;
  for (std::size_t row = 0; row < forest.symbols_T.size(); ++row) {
    const Symbol& symbol = forest.symbols_T[row];
    const auto index = static_cast<std::size_t>(symbol.image);
    if (symbol.image < 0 || index < range.begin || index >= range.end) continue;
    from.push_back(placed[index - range.begin].first_row + symbol.value);
    to.push_back(static_cast<std::int64_t>(row));
  }
  ops::move_rows(y_ND, from, to, x_TD, false);
}

/// The rows' embeddings: token rows from the table, image rows from the vision tower.
void embed_rows(const model::LlavaNext& model, const Forest& forest, const BatchImages& images, Matrix x_TD,
                tensor::Arena& arena) {
  std::vector<std::int32_t> ids;
  ids.reserve(forest.symbols_T.size());
  for (const Symbol& symbol : forest.symbols_T) ids.push_back(symbol.image < 0 ? symbol.value : -1);
  model.language_model().embed(ids, x_TD, arena);
  // A CPU computes one image after the other, in memory for one; a GPU would not be filled by one.
  const std::size_t count = images.images.size(), at_once = x_TD.place == tensor::Place::host ? 1 : count;
  for (std::size_t first = 0; first < count; first += at_once) {
    embed_images(model, forest, images, {first, std::min(count, first + at_once)}, x_TD, arena);
  }
}

}  // namespace

bool Batch::fits(const PreparedInput& input) const {
  if (inputs_.empty()) return true;
  const std::int64_t shared = inputs_.front().tokens() + sharers_room(budget_);
  return rows_ + new_rows(input) <= (holds_image_of(input) ? std::max(budget_, shared) : budget_);
}

void Batch::add(PreparedInput input) {
  rows_ += new_rows(input);
  inputs_.push_back(std::move(input));
}

void Batch::clear() {
  inputs_.clear();
  rows_ = 0;
}

bool Batch::holds_image_of(const PreparedInput& input) const {
  return input.image && std::any_of(inputs_.begin(), inputs_.end(), [&](const PreparedInput& other) {
           return other.image && other.image_key == input.image_key;
         });
}

std::int64_t Batch::new_rows(const PreparedInput& input) const {
  return holds_image_of(input) ? static_cast<std::int64_t>(input.ids.size()) : input.tokens();
}

void Batches::add(PreparedInput input) {
  if (!batch_.fits(input)) flush();
  batch_.add(std::move(input));
}

void Batches::flush() {
  compute_(batch_.inputs());
  batch_.clear();
}

void for_batches(std::span<const PreparedInput> inputs, std::int64_t token_budget, const Batches::Compute& compute) {
  Batches batches(token_budget, compute);
  for (const PreparedInput& input : inputs) batches.add(input);
  if (!batches.empty()) batches.flush();
}

Forest pack(std::span<const PreparedInput> inputs) { return pack_with(inputs, collect_images(inputs)); }

EmbeddedForest embed_forest(const model::LlavaNext& model, std::span<const PreparedInput> inputs,
                            tensor::Arena& arena) {
  const BatchImages images = collect_images(inputs);
  EmbeddedForest result{pack_with(inputs, images), {}};
  result.x_TD =
      arena.matrix(DType::f32, static_cast<std::int64_t>(result.forest.symbols_T.size()), model.config().text.width);
  embed_rows(model, result.forest, images, result.x_TD, arena);
  return result;
}

void compute(const model::LlavaNext& model, std::span<const PreparedInput> inputs, Matrix y_SD, tensor::Arena& arena) {
  const tensor::Arena::Scope scope(arena);
  const auto [forest, x_TD] = embed_forest(model, inputs, arena);
  const std::int64_t D = y_SD.columns;
  const Matrix pooled_PD = arena.matrix(DType::f32, static_cast<std::int64_t>(forest.rows.pooled_P.size()), D);
  model.language_model().forward(x_TD, forest.rows, pooled_PD, arena);
  ops::select_rows(pooled_PD, forest.pooled_index_S, y_SD);
}

}  // namespace e5v::embed
