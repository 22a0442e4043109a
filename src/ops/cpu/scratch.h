#pragma once
#include <cstddef>

#include "tensor/tensor.h"

namespace e5v::ops::cpu {

/// Memory that grows and is reused.
class Scratch {
 public:
  /// At least this number of bytes, aligned like tensors. Earlier contents are lost.
  std::byte* reserve(std::size_t bytes) {
    if (buffer_.size() < bytes) buffer_ = tensor::Buffer(bytes);
    return buffer_.data();
  }

 private:
  tensor::Buffer buffer_;
};

/// Memory that the calling thread keeps for its next use. It has only one use at a time.
inline std::byte* thread_scratch(std::size_t bytes) {
  thread_local Scratch scratch;
  return scratch.reserve(bytes);
}

}  // namespace e5v::ops::cpu
