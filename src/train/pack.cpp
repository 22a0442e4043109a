#include "train/pack.h"

#include <algorithm>
#include <numeric>

namespace e5v::train {
namespace {

/// Adds the images of a sequence with `begin` as its first row. Each image takes the next image rows.
void add_images(const TokenSequence& sequence, std::int64_t begin, PackedSequences& packed) {
  std::int64_t rows = 0;
  auto next = sequence.ids.begin();
  for (const auto& image : sequence.images) {
    next = std::find(next, sequence.ids.end(), -1);
    packed.images.push_back({image.get(), begin + (next - sequence.ids.begin())});
    rows += image->layout.rows();
    next += std::min(image->layout.rows(), sequence.ids.end() - next);
  }
  const auto count = std::ranges::count(sequence.ids, -1);
  require(count == rows, "[pack] {} rows for images of {}", count, rows);
}

}  // namespace

TokenSequence TokenSequence::from(std::vector<std::int32_t> ids, std::uint32_t name) {
  TokenSequence sequence{std::move(ids), {}, name};
  sequence.positions.resize(sequence.ids.size());
  std::iota(sequence.positions.begin(), sequence.positions.end(), 0);
  return sequence;
}

PackedSequences pack_sequences(std::span<const TokenSequence> sequences) {
  PackedSequences packed;
  model::PackedRows& rows = packed.rows;
  for (const TokenSequence& sequence : sequences) {
    const std::int64_t begin = static_cast<std::int64_t>(packed.ids_T.size()), count = sequence.rows(),
                       pooled = sequence.pooled(), first_pooled = static_cast<std::int64_t>(rows.pooled_P.size());
    require(count >= pooled && sequence.ids.size() == sequence.positions.size(),
            "[pack] a sequence has {} tokens, {} positions and {} pooled rows", count, sequence.positions.size(),
            pooled);
    const auto node = static_cast<std::int32_t>(rows.plan.nodes.size());
    packed.ids_T.insert(packed.ids_T.end(), sequence.ids.begin(), sequence.ids.end());
    add_images(sequence, begin, packed);
    rows.positions_T.insert(rows.positions_T.end(), sequence.positions.begin(), sequence.positions.end());
    for (const std::int32_t position : sequence.positions) {
      rows.names_T.push_back(std::uint64_t{sequence.name} << 32 | static_cast<std::uint32_t>(position));
    }
    rows.plan.nodes.push_back({begin, count});
    rows.plan.spans.push_back({{begin, count}, {node}, true});
    rows.pooled_plan.spans.push_back({{first_pooled, pooled}, {node}, true});
    for (std::int64_t row = begin + count - pooled; row < begin + count; ++row) {
      rows.pooled_P.push_back(row);
      rows.pooled_positions_P.push_back(rows.positions_T[static_cast<std::size_t>(row)]);
      rows.pooled_names_P.push_back(rows.names_T[static_cast<std::size_t>(row)]);
    }
  }
  rows.pooled_plan.nodes = rows.plan.nodes;
  return packed;
}

}  // namespace e5v::train
