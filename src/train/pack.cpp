#include "train/pack.h"

#include <numeric>

namespace e5v::train {

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
    require(!sequence.ids.empty() && sequence.ids.size() == sequence.positions.size(),
            "[pack] a sequence has {} tokens and {} positions", sequence.ids.size(), sequence.positions.size());
    const auto begin = static_cast<std::int64_t>(packed.ids_T.size()),
               count = static_cast<std::int64_t>(sequence.ids.size()), pooled = static_cast<std::int64_t>(rows.pooled_P.size());
    const auto node = static_cast<std::int32_t>(rows.plan.nodes.size());
    packed.ids_T.insert(packed.ids_T.end(), sequence.ids.begin(), sequence.ids.end());
    rows.positions_T.insert(rows.positions_T.end(), sequence.positions.begin(), sequence.positions.end());
    for (const std::int32_t position : sequence.positions) {
      rows.names_T.push_back(std::uint64_t{sequence.name} << 32 | static_cast<std::uint32_t>(position));
    }
    rows.plan.nodes.push_back({begin, count});
    rows.plan.spans.push_back({{begin, count}, {node}, true});
    rows.pooled_plan.spans.push_back({{pooled, 1}, {node}, true});
    rows.pooled_P.push_back(begin + count - 1);
    rows.pooled_positions_P.push_back(sequence.positions.back());
    rows.pooled_names_P.push_back(rows.names_T.back());
  }
  rows.pooled_plan.nodes = rows.plan.nodes;
  return packed;
}

}  // namespace e5v::train
