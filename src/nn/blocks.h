#pragma once
#include <vector>

#include "nn/repeatable.h"

/// Runs the blocks of a transformer one after the other. A block has
///   void forward(const Pass& all, ConstMatrix x_TD, const Pass& queries, Matrix y_QD) const;
/// which makes y of x: keys and values for all rows, the rest for the rows of `queries`. These are some of the rows,
/// or all of them, and then y is x. With a tape every block is repeatable; x and y are then watched by it.
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

/// Every block for all rows of the pass, in place.
template <class Block>
void run_blocks(const std::vector<Block>& blocks, const Pass& pass, tensor::Matrix x_TD) {
  detail::run_all(blocks.data(), blocks.data() + blocks.size(), pass, x_TD);
}

/// The same, but for the last block, of which y gets the pooled rows alone. x is consumed. Nothing but keys and values
/// is made there of all rows, which are then computed as finely as the pooled ones. There is at least one block.
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
