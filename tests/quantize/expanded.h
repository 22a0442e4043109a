#pragma once
#include "ops/quantize.h"
#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

namespace e5v::quantize::test {

/// The numbers that a weight stands for, f32 [rows, columns].
inline tensor::Tensor expanded(const tensor::StoredMatrix& weight) {
  tensor::Tensor wide(tensor::DType::f32, {weight.rows, weight.columns});
  ops::expand_rows(weight, 0, matrix_of(wide));
  return wide;
}

}  // namespace e5v::quantize::test
