#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/activation.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "ops/cpu/kernels.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {

/// 1 / (1 + exp(-x))
HWY_INLINE FloatVector sigmoid(FloatVector x) {
  const FloatTag d;
  const auto one = hn::Set(d, 1.0f);
  // Below -87 exp overflows float. There the sigmoid is 0 in float's precision.
  const auto clamped = hn::Max(x, hn::Set(d, -87.0f));
  return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Neg(clamped))));
}

/// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
HWY_INLINE FloatVector erf(FloatVector x) {
  const FloatTag d;
  const auto one = hn::Set(d, 1.0f);
  const auto magnitude = hn::Abs(x);
  const auto t = hn::Div(one, hn::MulAdd(hn::Set(d, 0.3275911f), magnitude, one));
  auto sum = hn::Set(d, 1.061405429f);
  for (const float coefficient : {-1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f}) {
    sum = hn::MulAdd(sum, t, hn::Set(d, coefficient));
  }
  const auto tail = hn::Exp(d, hn::Max(hn::Neg(hn::Mul(x, x)), hn::Set(d, -87.0f)));
  return hn::CopySign(hn::NegMulAdd(hn::Mul(sum, t), tail, one), x);
}

HWY_INLINE FloatVector quick_gelu(FloatVector x) {
  return hn::Mul(x, sigmoid(hn::Mul(x, hn::Set(FloatTag(), 1.702f))));
}

HWY_INLINE FloatVector gelu(FloatVector x) {
  const FloatTag d;
  const auto half = hn::Mul(x, hn::Set(d, 0.5f));
  return hn::MulAdd(half, erf(hn::Mul(x, hn::Set(d, 0.70710678f))), half);
}

HWY_INLINE FloatVector gelu_tanh(FloatVector x) {
  const FloatTag d;
  const auto cube = hn::Mul(hn::Mul(x, x), x);
  const auto inner = hn::MulAdd(cube, hn::Set(d, 0.044715f), x);
  // (1 + tanh(a)) / 2 = sigmoid(2a), a = sqrt(2/pi) * inner
  return hn::Mul(x, sigmoid(hn::Mul(inner, hn::Set(d, 1.59576912f))));
}

// Derivatives with respect to x.

HWY_INLINE FloatVector quick_gelu_slope(FloatVector x) {
  const FloatTag d;
  const auto s = sigmoid(hn::Mul(x, hn::Set(d, 1.702f)));
  // (x s)' = s + 1.702 x s (1 - s)
  return hn::MulAdd(hn::Mul(hn::Mul(x, hn::Set(d, 1.702f)), s), hn::Sub(hn::Set(d, 1.0f), s), s);
}

HWY_INLINE FloatVector gelu_slope(FloatVector x) {
  const FloatTag d;
  const auto half = hn::Set(d, 0.5f);
  const auto below = hn::MulAdd(half, erf(hn::Mul(x, hn::Set(d, 0.70710678f))), half);
  const auto exponent = hn::Max(hn::Neg(hn::Mul(hn::Mul(x, x), half)), hn::Set(d, -87.0f));
  const auto density = hn::Mul(hn::Exp(d, exponent), hn::Set(d, 0.39894228f));  // exp(-x^2 / 2) / sqrt(2 pi)
  return hn::MulAdd(x, density, below);
}

HWY_INLINE FloatVector gelu_tanh_slope(FloatVector x) {
  const FloatTag d;
  const auto one = hn::Set(d, 1.0f);
  const auto square = hn::Mul(x, x);
  const auto inner = hn::Mul(hn::MulAdd(square, hn::Set(d, 0.044715f), one), hn::Set(d, 1.59576912f));  // a / x
  const auto slope = hn::Mul(hn::MulAdd(square, hn::Set(d, 0.134145f), one), hn::Set(d, 1.59576912f));  // a'
  const auto s = sigmoid(hn::Mul(x, inner));
  // (x s)' = s + x s (1 - s) a'
  return hn::MulAdd(hn::Mul(hn::Mul(x, s), hn::Sub(one, s)), slope, s);
}

template <class To>
void pointwise_row(Pointwise function, const float* x, std::size_t width, To* y) {
  switch (function) {
    case Pointwise::quick_gelu:
      return transform(
          width, y, [](auto v) HWY_ATTR { return quick_gelu(v); }, x);
    case Pointwise::gelu:
      return transform(
          width, y, [](auto v) HWY_ATTR { return gelu(v); }, x);
    case Pointwise::gelu_tanh:
      return transform(
          width, y, [](auto v) HWY_ATTR { return gelu_tanh(v); }, x);
  }
}

template <class To>
void swiglu_row(const float* gate, const float* up, std::size_t width, To* y) {
  transform(
      width, y, [](auto g, auto u) HWY_ATTR { return hn::Mul(hn::Mul(g, sigmoid(g)), u); }, gate, up);
}

void pointwise_backward_row(Pointwise function, const float* x, const float* dy, std::size_t width, float* dx) {
  switch (function) {
    case Pointwise::quick_gelu:
      return transform(
          width, dx, [](auto v, auto g, auto sum) HWY_ATTR { return hn::MulAdd(g, quick_gelu_slope(v), sum); }, x, dy,
          dx);
    case Pointwise::gelu:
      return transform(
          width, dx, [](auto v, auto g, auto sum) HWY_ATTR { return hn::MulAdd(g, gelu_slope(v), sum); }, x, dy, dx);
    case Pointwise::gelu_tanh:
      return transform(
          width, dx, [](auto v, auto g, auto sum) HWY_ATTR { return hn::MulAdd(g, gelu_tanh_slope(v), sum); }, x, dy,
          dx);
  }
}

void swiglu_backward_row(const float* gate, const float* up, const float* dy, std::size_t width, float* dgate,
                         float* dup) {
  const auto silu_slope = [](auto g) HWY_ATTR {
    const auto s = sigmoid(g);
    return hn::MulAdd(hn::Mul(g, s), hn::Sub(hn::Set(FloatTag(), 1.0f), s), s);  // s + g s (1 - s)
  };
  transform(
      width, dgate,
      [=](auto g, auto u, auto out, auto sum) HWY_ATTR { return hn::MulAdd(hn::Mul(out, u), silu_slope(g), sum); },
      gate, up, dy, dgate);
  transform(
      width, dup, [](auto g, auto out, auto sum) HWY_ATTR { return hn::MulAdd(out, hn::Mul(g, sigmoid(g)), sum); },
      gate, dy, dup);
}

void pointwise_f32(Pointwise function, const float* x, std::size_t width, float* y) {
  pointwise_row(function, x, width, y);
}
void pointwise_bf16(Pointwise function, const float* x, std::size_t width, tensor::BFloat16* y) {
  pointwise_row(function, x, width, y);
}
void swiglu_f32(const float* gate, const float* up, std::size_t width, float* y) { swiglu_row(gate, up, width, y); }
void swiglu_bf16(const float* gate, const float* up, std::size_t width, tensor::BFloat16* y) {
  swiglu_row(gate, up, width, y);
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(pointwise_f32);
HWY_EXPORT(pointwise_bf16);
HWY_EXPORT(swiglu_f32);
HWY_EXPORT(swiglu_bf16);
HWY_EXPORT(pointwise_backward_row);
HWY_EXPORT(swiglu_backward_row);

void pointwise(Pointwise function, tensor::ConstMatrix x, tensor::Matrix y) {
  const auto width = static_cast<std::size_t>(x.columns);
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    const float* from = x.row<float>(row);
    if (y.dtype == tensor::DType::f32) {
      HWY_DYNAMIC_DISPATCH(pointwise_f32)(function, from, width, y.row<float>(row));
    } else {
      HWY_DYNAMIC_DISPATCH(pointwise_bf16)(function, from, width, y.row<tensor::BFloat16>(row));
    }
  });
}

void swiglu(tensor::ConstMatrix gate_up, tensor::Matrix y) {
  const auto width = static_cast<std::size_t>(y.columns);
  for_rows(y.rows, gate_up.columns, [&](std::int64_t row) {
    const float* gate = gate_up.row<float>(row);
    const float* up = gate + y.columns;
    if (y.dtype == tensor::DType::f32) {
      HWY_DYNAMIC_DISPATCH(swiglu_f32)(gate, up, width, y.row<float>(row));
    } else {
      HWY_DYNAMIC_DISPATCH(swiglu_bf16)(gate, up, width, y.row<tensor::BFloat16>(row));
    }
  });
}

void pointwise_backward(Pointwise function, tensor::ConstMatrix x, tensor::ConstMatrix dy, tensor::Matrix dx) {
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    HWY_DYNAMIC_DISPATCH(pointwise_backward_row)
    (function, x.row<float>(row), dy.row<float>(row), static_cast<std::size_t>(x.columns), dx.row<float>(row));
  });
}

void swiglu_backward(tensor::ConstMatrix gate_up, tensor::ConstMatrix dy, tensor::Matrix dgate_up) {
  for_rows(dy.rows, gate_up.columns, [&](std::int64_t row) {
    const float* gate = gate_up.row<float>(row);
    float* dgate = dgate_up.row<float>(row);
    HWY_DYNAMIC_DISPATCH(swiglu_backward_row)
    (gate, gate + dy.columns, dy.row<float>(row), static_cast<std::size_t>(dy.columns), dgate, dgate + dy.columns);
  });
}

}  // namespace e5v::ops::cpu
#endif
