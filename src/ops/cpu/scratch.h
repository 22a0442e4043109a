#pragma once
#include <cstddef>

#include "tensor/tensor.h"

namespace e5v::ops::cpu {

/// Memory that the calling thread keeps for its next use. Only one use at a time.
inline std::byte* thread_scratch(std::size_t bytes) {
  thread_local tensor::Buffer buffer;
  if (buffer.size() < bytes) buffer = tensor::Buffer(bytes);
  return buffer.data();
}

}  // namespace e5v::ops::cpu
