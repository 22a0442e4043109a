#include "ops/quantize.h"

#include "ops/check.h"
#include "ops/cpu/kernels.h"

namespace e5v::ops {

void quantize_rows(tensor::ConstMatrix x_MK, tensor::Matrix q_MK, std::span<float> scales_M) {
  check_type("quantize_rows", "x", x_MK.dtype, tensor::DType::f32);
  check_shape("quantize_rows", "q", q_MK, x_MK.rows, x_MK.columns);
  check_length("quantize_rows", "scales", scales_M.size(), x_MK.rows);
  require(q_MK.dtype == tensor::DType::i8 || q_MK.dtype == tensor::DType::i16,
          "[quantize_rows] q is {}, expected i8 or i16", name_of(q_MK.dtype));
  cpu::quantize_rows(x_MK, q_MK, scales_M.data());
}

void expand_rows(const tensor::StoredMatrix& weight_NK, std::int64_t begin, tensor::Matrix y) {
  check_activation_type("expand_rows", "y", y.dtype);
  require(begin >= 0 && y.rows >= 0 && begin + y.rows <= weight_NK.rows && y.columns == weight_NK.columns,
          "[expand_rows] rows {} to {} of {} columns asked of a weight [{}, {}]", begin, begin + y.rows, y.columns,
          weight_NK.rows, weight_NK.columns);
  cpu::expand_rows(weight_NK, begin, y);
}

}  // namespace e5v::ops
