#include "tensor/arena.h"

#include <algorithm>

namespace e5v::tensor {
namespace {

constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kDeviceAlignment = 256;  // the best alignment for a GPU's libraries
constexpr std::size_t kSmallestBlock = std::size_t{1} << 20, kLargestDeviceBlock = std::size_t{32} << 20;

}  // namespace

Matrix Arena::matrix(DType dtype, std::int64_t rows, std::int64_t columns) {
  return {take(static_cast<std::size_t>(rows * columns * size_of(dtype))), dtype, rows, columns, columns, place_};
}

std::byte* Arena::take(std::size_t bytes) {
  const std::size_t alignment = place_ == Place::host ? kCacheLine : kDeviceAlignment;
  bytes = (bytes + alignment - 1) / alignment * alignment;
  while (current_ < blocks_.size() && used_ + bytes > blocks_[current_].size()) {
    ++current_;
    used_ = 0;
  }
  if (current_ == blocks_.size()) add_block(bytes);
  std::byte* memory = blocks_[current_].data() + used_;
  used_ += bytes;
  if (place_ == Place::device) peak_ = std::max(peak_, taken());
  return memory;
}

/// Untouched pages of the host cost nothing, so blocks may double. An accelerator's memory is allocated as a whole.
void Arena::add_block(std::size_t bytes) {
  const std::size_t doubled = std::max(kSmallestBlock, capacity());
  const std::size_t growth = place_ == Place::host ? doubled : std::min(doubled, kLargestDeviceBlock);
  blocks_.emplace_back(std::max(bytes, growth), place_);
}

std::size_t Arena::taken() const {
  std::size_t total = used_;
  for (std::size_t i = 0; i < current_; ++i) total += blocks_[i].size();
  return total;
}

void Arena::rewind(std::size_t block, std::size_t used) {
  current_ = block;
  used_ = used;
  if (block != 0 || used != 0 || blocks_.size() <= 1) return;
  const std::size_t total =
      place_ == Place::host ? capacity() : peak_;  // the arena is empty, so the next pass gets one block
  blocks_.clear();
  blocks_.emplace_back(total, place_);
}

std::size_t Arena::capacity() const {
  std::size_t total = 0;
  for (const Buffer& block : blocks_) total += block.size();
  return total;
}

}  // namespace e5v::tensor
