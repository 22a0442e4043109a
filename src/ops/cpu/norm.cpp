#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/norm.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

#include <cmath>

#include "base/parallel.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {

template <class To>
void rms_norm_row(const float* x, const float* gamma, float eps, std::size_t width, To* y) {
  const float square = sum_of(width, x, [](auto v) HWY_ATTR { return hn::Mul(v, v); });
  const auto factor = hn::Set(FloatTag(), 1.0f / std::sqrt(square / static_cast<float>(width) + eps));
  transform(
      width, y, [=](auto v, auto g) HWY_ATTR { return hn::Mul(hn::Mul(v, factor), g); }, x, gamma);
}

template <class To>
void layer_norm_row(const float* x, const float* gamma, const float* beta, float eps, std::size_t width, To* y) {
  const auto count = static_cast<float>(width);
  const auto mean = hn::Set(FloatTag(), sum_of(width, x, [](auto v) HWY_ATTR { return v; }) / count);
  const float square = sum_of(width, x, [=](auto v) HWY_ATTR {
    const auto centred = hn::Sub(v, mean);
    return hn::Mul(centred, centred);
  });
  const auto factor = hn::Set(FloatTag(), 1.0f / std::sqrt(square / count + eps));
  const auto scale = [=](auto v, auto g, auto b)
                         HWY_ATTR { return hn::MulAdd(hn::Mul(hn::Sub(v, mean), factor), g, b); };
  transform(width, y, scale, x, gamma, beta);
}

void rms_norm_f32(const float* x, const float* gamma, float eps, std::size_t width, float* y) {
  rms_norm_row(x, gamma, eps, width, y);
}
void rms_norm_bf16(const float* x, const float* gamma, float eps, std::size_t width, tensor::BFloat16* y) {
  rms_norm_row(x, gamma, eps, width, y);
}
void layer_norm_f32(const float* x, const float* gamma, const float* beta, float eps, std::size_t width, float* y) {
  layer_norm_row(x, gamma, beta, eps, width, y);
}
void layer_norm_bf16(const float* x, const float* gamma, const float* beta, float eps, std::size_t width,
                     tensor::BFloat16* y) {
  layer_norm_row(x, gamma, beta, eps, width, y);
}

void l2_normalize_row(const float* x, std::size_t width, float* y) {
  const float norm = std::sqrt(sum_of(width, x, [](auto v) HWY_ATTR { return hn::Mul(v, v); }));
  const auto divisor = hn::Set(FloatTag(), std::fmax(norm, 1e-12f));
  transform(
      width, y, [=](auto v) HWY_ATTR { return hn::Div(v, divisor); }, x);
}

int vector_bits() { return static_cast<int>(hn::Lanes(FloatTag()) * sizeof(float) * 8); }

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(rms_norm_f32);
HWY_EXPORT(rms_norm_bf16);
HWY_EXPORT(layer_norm_f32);
HWY_EXPORT(layer_norm_bf16);
HWY_EXPORT(l2_normalize_row);
HWY_EXPORT(vector_bits);

int vector_bits() { return HWY_DYNAMIC_DISPATCH(vector_bits)(); }

void rms_norm(tensor::ConstMatrix x, const float* gamma, float eps, tensor::Matrix y) {
  const auto width = static_cast<std::size_t>(x.columns);
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    const float* from = x.row<float>(row);
    if (y.dtype == tensor::DType::f32) {
      HWY_DYNAMIC_DISPATCH(rms_norm_f32)(from, gamma, eps, width, y.row<float>(row));
    } else {
      HWY_DYNAMIC_DISPATCH(rms_norm_bf16)(from, gamma, eps, width, y.row<tensor::BFloat16>(row));
    }
  });
}

void layer_norm(tensor::ConstMatrix x, const float* gamma, const float* beta, float eps, tensor::Matrix y) {
  const auto width = static_cast<std::size_t>(x.columns);
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    const float* from = x.row<float>(row);
    if (y.dtype == tensor::DType::f32) {
      HWY_DYNAMIC_DISPATCH(layer_norm_f32)(from, gamma, beta, eps, width, y.row<float>(row));
    } else {
      HWY_DYNAMIC_DISPATCH(layer_norm_bf16)(from, gamma, beta, eps, width, y.row<tensor::BFloat16>(row));
    }
  });
}

void l2_normalize(tensor::ConstMatrix x, tensor::Matrix y) {
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    HWY_DYNAMIC_DISPATCH(l2_normalize_row)(x.row<float>(row), static_cast<std::size_t>(x.columns), y.row<float>(row));
  });
}

}  // namespace e5v::ops::cpu
#endif
