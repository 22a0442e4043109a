#pragma once
#include <map>
#include <vector>

#include "tensor/tensor.h"

namespace e5v::tensor {

/// Copies of tensors on an accelerator. They are in a few large pieces of memory in the order in which they are asked
/// for, so that weights that are used together can be multiplied together.
class PlacedTensors {
 public:
  /// `total` is the number of bytes of all tensors that may be asked for.
  PlacedTensors(Place place, std::uint64_t total) : place_(place), rest_(total) {}

  Place place() const { return place_; }
  /// The copy of a tensor, which is made at the first call.
  TensorView copy(const TensorView& source);

 private:
  std::byte* take(std::size_t bytes);

  Place place_;
  std::uint64_t rest_;
  std::vector<Buffer> pieces_;
  std::size_t used_ = 0;  // used bytes of the last piece
  std::map<const std::byte*, TensorView> copies_;
};

}  // namespace e5v::tensor
