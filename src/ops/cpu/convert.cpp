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
void convert_row_of(const void* from, void* to, std::size_t count) {
  transform(
      count, static_cast<To*>(to), [](auto v) HWY_ATTR { return v; }, static_cast<const From*>(from));
}

template <class To>
void convert_row_to(tensor::DType from_type, const void* from, void* to, std::size_t count) {
  switch (from_type) {
    case tensor::DType::f16: return convert_row_of<tensor::Half, To>(from, to, count);
    case tensor::DType::bf16: return convert_row_of<tensor::BFloat16, To>(from, to, count);
    default: return convert_row_of<float, To>(from, to, count);
  }
}

void convert_row(tensor::DType from_type, const void* from, tensor::DType to_type, void* to, std::size_t count) {
  if (to_type == tensor::DType::f32) return convert_row_to<float>(from_type, from, to, count);
  convert_row_to<tensor::BFloat16>(from_type, from, to, count);
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(convert_row);

void convert(tensor::ConstMatrix x, tensor::Matrix y) {
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    HWY_DYNAMIC_DISPATCH(convert_row)
    (x.dtype, x.row_range(row, 1).data, y.dtype, y.row_range(row, 1).data, static_cast<std::size_t>(x.columns));
  });
}

}  // namespace e5v::ops::cpu
#endif
