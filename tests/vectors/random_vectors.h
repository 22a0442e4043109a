#pragma once
#include <cstdint>
#include <random>

#include "tensor/tensor.h"

namespace e5v::test {

/// Normally distributed numbers f32 [rows, width].
inline tensor::Tensor random_vectors(std::int64_t rows, std::int64_t width) {
  tensor::Tensor result(tensor::DType::f32, {rows, width});
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  for (float& value : result.as<float>()) value = normal(random);
  return result;
}

}  // namespace e5v::test
