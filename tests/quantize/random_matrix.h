#pragma once
#include <random>

#include "tensor/tensor.h"

namespace e5v::quantize::test {

/// Independent normal numbers, f32 [rows, columns].
inline tensor::Tensor random_matrix(std::int64_t rows, std::int64_t columns, unsigned seed, float deviation = 1) {
  tensor::Tensor matrix(tensor::DType::f32, {rows, columns});
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, deviation);
  for (float& value : matrix.as<float>()) value = normal(generator);
  return matrix;
}

}  // namespace e5v::quantize::test
