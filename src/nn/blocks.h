#pragma once
#include <vector>

#include "nn/repeatable.h"

/// Runs the blocks of a transformer one after the other. A block has
///   void forward(const Pass& all, ConstMatrix x_TD, const Pass& queries, Matrix y_QD) const;
/// which computes y from x: keys and values for all rows, everything else for the rows of `queries`. These are some of
/// the rows, or all of them; then y is x. With a tape, every block is repeatable, and the tape watches x and y.
namespace e5v::nn {

namespace detail {

template <class Block>
void run_all(const Block* first, const Block* last, const Pass& pass, tensor::Matrix x_TD) {
  for (const Block* block = first; block != last; ++block) {
    repeatable(pass, x_TD, x_TD,
               [block](tensor::Matrix x, tensor::Matrix y, const Pass& inner) { block->forward(inner, x, inner, y); });
  }
}

}  // namespace detail

/// Runs every block for all rows of the pass, in place.
template <class Block>
void run_blocks(const std::vector<Block>& blocks, const Pass& pass, tensor::Matrix x_TD) {
  detail::run_all(blocks.data(), blocks.data() + blocks.size(), pass, x_TD);
}

/// The same, except for the last block, which computes only the pooled rows, into y. x is consumed. For the other rows,
/// the last block computes only keys and values, as finely as those of the pooled rows. There must be at least one
/// block.
template <class Block>
void run_blocks(const std::vector<Block>& blocks, const Pass& pass, tensor::Matrix x_TD, const Rows& pooled,
                tensor::Matrix y_PD) {
  const Block* last = &blocks.back();
  detail::run_all(blocks.data(), last, pass, x_TD);
  Rows keys = pass.rows;
  if (pooled.fine.all) keys.fine = pooled.fine;
  repeatable(pass.over(keys), x_TD, y_PD, [last, pooled](tensor::Matrix x, tensor::Matrix y, const Pass& inner) {
    last->forward(inner, x, inner.over(pooled), y);
  });
}

}  // namespace e5v::nn
