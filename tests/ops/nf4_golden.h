#pragma once
#include <filesystem>

#include "base/error.h"
#include "tensor/safetensors.h"

namespace e5v::ops::test {

inline const tensor::TensorView& part_of(const tensor::SafetensorsFile& file, const char* name) {
  const tensor::TensorView* view = file.find(name);
  require(view != nullptr, "[goldens] no tensor {}", name);
  return *view;
}

inline bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

}  // namespace e5v::ops::test
