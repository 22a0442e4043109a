#include "tensor/placed_tensors.h"

#include <algorithm>

namespace e5v::tensor {
namespace {

constexpr std::size_t kPieceAlignment = 256, kMaxPiece = std::size_t{2} << 30;

std::size_t aligned(std::size_t bytes) { return (bytes + kPieceAlignment - 1) / kPieceAlignment * kPieceAlignment; }

}  // namespace

TensorView PlacedTensors::copy(const TensorView& source) {
  const auto [found, added] = copies_.try_emplace(source.data, source);
  TensorView& view = found->second;
  if (added) {
    const std::span<const std::byte> bytes = source.bytes();
    std::byte* memory = take(aligned(bytes.size()));
    device().copy(source.data, source.place, memory, place_, bytes.size());
    view.data = memory;
    view.place = place_;
  }
  return view;
}

std::byte* PlacedTensors::take(std::size_t bytes) {
  if (pieces_.empty() || used_ + bytes > pieces_.back().size()) {
    const auto expected = static_cast<std::size_t>(std::min<std::uint64_t>(rest_, kMaxPiece));
    pieces_.emplace_back(std::max(bytes, aligned(expected)), place_);
    used_ = 0;
  }
  std::byte* memory = pieces_.back().data() + used_;
  used_ += bytes;
  rest_ -= std::min<std::uint64_t>(rest_, bytes);
  return memory;
}

}  // namespace e5v::tensor
