#include "embed/forest.h"

#include <algorithm>
#include <numeric>

namespace e5v::embed {
namespace {

/// Builds a tree from sorted sequences. Sequences with the same first symbol share their common prefix as a node, and
/// the rest of them is split again.
class Builder {
 public:
  explicit Builder(std::span<const Sequence> sequences) : sequences_(sequences), order_(sequences.size()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::sort(order_.begin(), order_.end(),
              [&](std::size_t a, std::size_t b) { return sequences_[a] < sequences_[b]; });
    forest_.pooled_index_S.resize(sequences.size());
    split(0, order_.size(), 0);
  }

  Forest take() { return std::move(forest_); }

 private:
  const Sequence& sequence(std::size_t place) const { return sequences_[order_[place]]; }

  /// Adds the subtrees of the sequences at places [begin, end), which have the same first `depth` symbols.
  void split(std::size_t begin, std::size_t end, std::size_t depth) {
    while (begin < end) {
      std::size_t next = begin + 1;
      while (next < end && sequence(next)[depth] == sequence(begin)[depth]) ++next;
      add_subtree(begin, next, depth);
      begin = next;
    }
  }

  /// Adds a node and what follows it. The sequences have more than `depth` symbols in common.
  void add_subtree(std::size_t begin, std::size_t end, std::size_t depth) {
    const Sequence& first = sequence(begin);  // in sorted order, all share what the first and the last share
    const Sequence& last = sequence(end - 1);
    const auto mismatch = std::mismatch(first.begin(), first.end(), last.begin(), last.end()).first;
    const auto common = static_cast<std::size_t>(mismatch - first.begin());
    add_node(first, depth, common);
    std::size_t rest = begin;
    while (rest < end && sequence(rest).size() == common) ++rest;
    if (rest > begin) pool(begin, rest);
    split(rest, end, common);
    path_.pop_back();
  }

  static std::int32_t position(const Sequence& sequence, std::size_t depth) {
    const std::int32_t own = sequence[depth].position;
    return own == Symbol::kByDepth ? static_cast<std::int32_t>(depth) : own;
  }

  void add_node(const Sequence& sequence, std::size_t from, std::size_t to) {
    model::PackedRows& rows = forest_.rows;
    const auto begin = static_cast<std::int64_t>(forest_.symbols_T.size());
    for (std::size_t depth = from; depth < to; ++depth) {
      forest_.symbols_T.push_back(sequence[depth]);
      rows.positions_T.push_back(position(sequence, depth));
    }
    const ops::RowRange range{begin, static_cast<std::int64_t>(to - from)};
    path_.push_back(static_cast<std::int32_t>(rows.plan.nodes.size()));
    rows.plan.nodes.push_back(range);
    rows.plan.spans.push_back({range, path_, true});
  }

  /// Makes the last row that was added the pooled row of the sequences at places [begin, end).
  void pool(std::size_t begin, std::size_t end) {
    model::PackedRows& rows = forest_.rows;
    const auto index = static_cast<std::int64_t>(rows.pooled_P.size());
    rows.pooled_P.push_back(static_cast<std::int64_t>(forest_.symbols_T.size()) - 1);
    rows.pooled_positions_P.push_back(rows.positions_T.back());
    rows.pooled_plan.spans.push_back({{index, 1}, path_, true});
    for (std::size_t place = begin; place < end; ++place) forest_.pooled_index_S[order_[place]] = index;
  }

  std::span<const Sequence> sequences_;
  std::vector<std::size_t> order_;
  std::vector<std::int32_t> path_;
  Forest forest_;
};

}  // namespace

Forest build_forest(std::span<const Sequence> sequences) {
  for (const Sequence& sequence : sequences) require(!sequence.empty(), "[forest] a sequence is empty");
  Forest forest = Builder(sequences).take();
  forest.rows.pooled_plan.nodes = forest.rows.plan.nodes;
  return forest;
}

}  // namespace e5v::embed
