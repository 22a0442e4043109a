#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/convert.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

#include "ops/cpu/kernels.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {

template <class From, class To>
void convert_row_of(tensor::ConstMatrix x, float scale, To* to) {
  const auto factor = hn::Set(FloatTag(), scale);
  transform(
      static_cast<std::size_t>(x.columns), to, [factor](auto v) HWY_ATTR { return hn::Mul(v, factor); },
      x.row<From>(0));
}

template <class To>
void convert_row_to(tensor::ConstMatrix x, float scale, To* to) {
  switch (x.dtype) {
    case tensor::DType::f16: return convert_row_of<tensor::Half>(x, scale, to);
    case tensor::DType::bf16: return convert_row_of<tensor::BFloat16>(x, scale, to);
    default: return convert_row_of<float>(x, scale, to);
  }
}

void convert_row(tensor::ConstMatrix x, float scale, tensor::Matrix y) {
  if (y.dtype == tensor::DType::f32) return convert_row_to(x, scale, y.row<float>(0));
  convert_row_to(x, scale, y.row<tensor::BFloat16>(0));
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(convert_row);

void convert(tensor::ConstMatrix x, float scale, tensor::Matrix y) {
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    HWY_DYNAMIC_DISPATCH(convert_row)(x.row_range(row, 1), scale, y.row_range(row, 1));
  });
}

}  // namespace e5v::ops::cpu
#endif
