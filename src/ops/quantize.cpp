#include "ops/quantize.h"

#include <algorithm>

#include "ops/check.h"
#include "ops/cpu/gemm.h"
#include "ops/cpu/kernels.h"

namespace e5v::ops {

void quantize_rows(tensor::ConstMatrix x_MK, tensor::Matrix q_MK, std::span<float> scales_M, int levels) {
  check_type("quantize_rows", "x", x_MK.dtype, tensor::DType::f32);
  check_shape("quantize_rows", "q", q_MK, x_MK.rows, x_MK.columns);
  check_length("quantize_rows", "scales", scales_M.size(), x_MK.rows);
  require(q_MK.dtype == tensor::DType::i8 || q_MK.dtype == tensor::DType::i16,
          "[quantize_rows] q is {}, expected i8 or i16", name_of(q_MK.dtype));
  const int maximum = q_MK.dtype == tensor::DType::i8 ? 127 : 32767;
  require(levels >= 1 && levels <= maximum, "[quantize_rows] {} levels, expected 1 to {}", levels, maximum);
  cpu::quantize_rows(x_MK, q_MK, scales_M.data(), levels);
}

void int8_rounding(tensor::ConstMatrix x_MK, std::span<float> lost_M) {
  check_type("int8_rounding", "x", x_MK.dtype, tensor::DType::f32);
  check_length("int8_rounding", "lost", lost_M.size(), x_MK.rows);
  if (cpu::multiplies_bytes(x_MK.columns)) return cpu::byte_rounding(x_MK, lost_M.data());
  cpu::word_rounding(x_MK, int8_levels(x_MK.columns), lost_M.data());
}

int int8_levels(std::int64_t inputs_K) {
  constexpr std::int64_t kMaxSum = 2147483647, kMaxWeight = 128;
  return static_cast<int>(std::clamp<std::int64_t>(kMaxSum / (kMaxWeight * inputs_K), 1, cpu::kMaxInt8Levels));
}

void expand_rows(const tensor::StoredMatrix& weight_NK, std::int64_t begin, tensor::Matrix y) {
  check_activation_type("expand_rows", "y", y.dtype);
  require(begin >= 0 && y.rows >= 0 && begin + y.rows <= weight_NK.rows && y.columns == weight_NK.columns,
          "[expand_rows] rows {} to {} with {} columns are not those of a weight [{}, {}]", begin, begin + y.rows,
          y.columns, weight_NK.rows, weight_NK.columns);
  cpu::expand_rows(weight_NK, begin, y);
}

}  // namespace e5v::ops
