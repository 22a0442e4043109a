#include "embed/pack.h"

#include <algorithm>
#include <map>

namespace e5v::embed {
namespace {

/// The different images of a batch.
class BatchImages {
 public:
  std::int32_t index_of(const InputImage& image) {
    const auto [place, added] = indices_.try_emplace(image.key, static_cast<std::int32_t>(images_.size()));
    if (added) images_.push_back(image.prepared.get());
    return place->second;
  }
  std::vector<const model::PreparedImage*> take() { return std::move(images_); }

 private:
  std::map<Hash128, std::int32_t> indices_;
  std::vector<const model::PreparedImage*> images_;
};

/// The different positions of a batch.
class BatchPositions {
 public:
  std::int32_t index_of(const ops::RotaryPosition& position) {
    const auto [place, added] = indices_.try_emplace(position, static_cast<std::int32_t>(positions_.size()));
    if (added) positions_.push_back(position);
    return place->second;
  }
  std::vector<ops::RotaryPosition> take() { return std::move(positions_); }

 private:
  std::map<ops::RotaryPosition, std::int32_t> indices_;
  std::vector<ops::RotaryPosition> positions_;
};

/// The input's symbols with indices of the batch's images.
Sequence sequence_of(const PreparedInput& input, BatchImages& images) {
  std::vector<std::int32_t> indices;
  for (const InputImage& image : input.images) indices.push_back(images.index_of(image));
  Sequence sequence = input.symbols;
  for (Symbol& symbol : sequence) {
    if (symbol.image >= 0) symbol.image = indices[static_cast<std::size_t>(symbol.image)];
  }
  return sequence;
}

/// Makes the sequence's symbols point to the batch's positions. Before, they point to the input's positions or to
/// depths.
void point_to(BatchPositions& positions, const PreparedInput& input, Sequence& sequence) {
  for (std::size_t place = 0; place < sequence.size(); ++place) {
    std::int32_t& position = sequence[place].position;
    const auto depth = static_cast<std::int32_t>(place);
    position =
        positions.index_of(position == Symbol::kByDepth ? ops::RotaryPosition{depth, depth, depth}
                                                        : input.positions.at(static_cast<std::size_t>(position)));
  }
}

}  // namespace

PackedBatch pack(std::span<const PreparedInput> inputs) {
  BatchImages images;
  BatchPositions positions;
  const bool listed = std::ranges::any_of(inputs, [](const PreparedInput& input) { return !input.positions.empty(); });
  std::vector<Sequence> sequences;
  for (const PreparedInput& input : inputs) {
    sequences.push_back(sequence_of(input, images));
    if (listed) point_to(positions, input, sequences.back());
  }
  PackedBatch batch{build_forest(sequences), images.take()};
  batch.forest.rows.rotary_positions = positions.take();
  return batch;
}

}  // namespace e5v::embed
