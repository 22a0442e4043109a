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

HWY_INLINE float square_sum(const float* x, std::size_t width) {
  return sum_of(
      width, [](auto v) HWY_ATTR { return hn::Mul(v, v); }, x);
}

/// 1 / sqrt(mean(x^2) + eps).
float root_factor(const float* x, float eps, std::size_t width) {
  return 1.0f / std::sqrt(square_sum(x, width) / static_cast<float>(width) + eps);
}

template <class To>
void rms_norm_row(const float* x, const float* gamma, float eps, std::size_t width, To* y) {
  const auto factor = hn::Set(FloatTag(), root_factor(x, eps, width));
  transform(
      width, y, [=](auto v, auto g) HWY_ATTR { return hn::Mul(hn::Mul(v, factor), g); }, x, gamma);
}

/// mean(x) and 1 / sqrt(var(x) + eps).
RowScaling moments(const float* x, float eps, std::size_t width) {
  const auto count = static_cast<float>(width);
  const float mean = sum_of(
                         width, [](auto v) HWY_ATTR { return v; }, x) /
                     count;
  const auto centre = hn::Set(FloatTag(), mean);
  const auto from_mean = [=](auto v) HWY_ATTR {
    const auto centred = hn::Sub(v, centre);
    return hn::Mul(centred, centred);
  };
  return {mean, 1.0f / std::sqrt(sum_of(width, from_mean, x) / count + eps)};
}

template <class To>
void layer_norm_row(const float* x, const float* gamma, const float* beta, float eps, std::size_t width, To* y) {
  const RowScaling row = moments(x, eps, width);
  const auto mean = hn::Set(FloatTag(), row.mean), factor = hn::Set(FloatTag(), row.factor);
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

// With h = x r, r = 1 / sqrt(mean(x^2) + eps) and g = dy gamma: dx = r (g - h mean(g h)).
void rms_norm_backward_row(const float* x, const float* gamma, float eps, const float* dy, std::size_t width,
                           float* dx) {
  const auto count = static_cast<float>(width);
  const float r = root_factor(x, eps, width);
  const auto product = [](auto v, auto g, auto d) HWY_ATTR { return hn::Mul(hn::Mul(v, g), d); };
  const auto slope = hn::Set(FloatTag(), sum_of(width, product, x, gamma, dy) / count * r * r);  // mean(g h) r
  const auto factor = hn::Set(FloatTag(), r);
  transform(
      width, dx,
      [=](auto v, auto g, auto d, auto sum)
          HWY_ATTR { return hn::MulAdd(factor, hn::NegMulAdd(v, slope, hn::Mul(g, d)), sum); },
      x, gamma, dy, dx);
}

// With h = (x - mean) r, r = 1 / sqrt(var + eps) and g = dy gamma: dx = r (g - mean(g) - h mean(g h)).
void layer_norm_backward_row(const float* x, const float* gamma, float eps, const float* dy, std::size_t width,
                             float* dx) {
  const auto count = static_cast<float>(width);
  const RowScaling row = moments(x, eps, width);
  const auto mean = hn::Set(FloatTag(), row.mean), r = hn::Set(FloatTag(), row.factor);
  const auto gradient = [](auto g, auto d) HWY_ATTR { return hn::Mul(g, d); };
  const auto product = [=](auto v, auto g, auto d) HWY_ATTR { return hn::Mul(hn::Sub(v, mean), hn::Mul(g, d)); };
  const auto shift = hn::Set(FloatTag(), sum_of(width, gradient, gamma, dy) / count);
  const auto slope =
      hn::Set(FloatTag(), sum_of(width, product, x, gamma, dy) / count * row.factor * row.factor);  // mean(g h) r
  transform(
      width, dx,
      [=](auto v, auto g, auto d, auto sum) HWY_ATTR {
        const auto centred = hn::Sub(hn::Mul(g, d), shift);
        return hn::MulAdd(r, hn::NegMulAdd(hn::Sub(v, mean), slope, centred), sum);
      },
      x, gamma, dy, dx);
}

void l2_normalize_row(const float* x, std::size_t width, float* y) {
  const float norm = std::sqrt(square_sum(x, width));
  const auto divisor = hn::Set(FloatTag(), std::fmax(norm, 1e-12f));
  transform(
      width, y, [=](auto v) HWY_ATTR { return hn::Div(v, divisor); }, x);
}

RowScaling norm_scaling(const float* x, float eps, bool centred, std::size_t width) {
  return centred ? moments(x, eps, width) : RowScaling{0, root_factor(x, eps, width)};
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
HWY_EXPORT(rms_norm_backward_row);
HWY_EXPORT(layer_norm_backward_row);
HWY_EXPORT(l2_normalize_row);
HWY_EXPORT(norm_scaling);
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

void norm_scalings(tensor::ConstMatrix x, float eps, bool centred, std::span<RowScaling> rows) {
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    rows[static_cast<std::size_t>(row)] =
        HWY_DYNAMIC_DISPATCH(norm_scaling)(x.row<float>(row), eps, centred, static_cast<std::size_t>(x.columns));
  });
}

void rms_norm_backward(tensor::ConstMatrix x, const float* gamma, float eps, tensor::ConstMatrix dy,
                       tensor::Matrix dx) {
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    HWY_DYNAMIC_DISPATCH(rms_norm_backward_row)
    (x.row<float>(row), gamma, eps, dy.row<float>(row), static_cast<std::size_t>(x.columns), dx.row<float>(row));
  });
}

void layer_norm_backward(tensor::ConstMatrix x, const float* gamma, float eps, tensor::ConstMatrix dy,
                         tensor::Matrix dx) {
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    HWY_DYNAMIC_DISPATCH(layer_norm_backward_row)
    (x.row<float>(row), gamma, eps, dy.row<float>(row), static_cast<std::size_t>(x.columns), dx.row<float>(row));
  });
}

}  // namespace e5v::ops::cpu
#endif
