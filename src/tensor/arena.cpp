#include "tensor/arena.h"

#include <algorithm>

namespace e5v::tensor {
namespace {

constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kSmallestBlock = std::size_t{1} << 20;

}  // namespace

Matrix Arena::matrix(DType dtype, std::int64_t rows, std::int64_t columns) {
  return {take(static_cast<std::size_t>(rows * columns * size_of(dtype))), dtype, rows, columns, columns};
}

std::byte* Arena::take(std::size_t bytes) {
  bytes = (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
  while (current_ < blocks_.size() && used_ + bytes > blocks_[current_].size()) {
    ++current_;
    used_ = 0;
  }
  if (current_ == blocks_.size()) blocks_.emplace_back(std::max({bytes, kSmallestBlock, capacity()}));
  std::byte* memory = blocks_[current_].data() + used_;
  used_ += bytes;
  return memory;
}

void Arena::rewind(std::size_t block, std::size_t used) {
  current_ = block;
  used_ = used;
  if (block != 0 || used != 0 || blocks_.size() <= 1) return;
  const std::size_t total = capacity();  // empty again: one block for the next pass
  blocks_.clear();
  blocks_.emplace_back(total);
}

std::size_t Arena::capacity() const {
  std::size_t total = 0;
  for (const Buffer& block : blocks_) total += block.size();
  return total;
}

}  // namespace e5v::tensor
