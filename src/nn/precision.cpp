#include "nn/precision.h"

#include "ops/isa.h"

namespace e5v::nn {

std::string_view name_of(Precision precision) { return precision == Precision::f32 ? "f32" : "bf16"; }

ops::Arithmetic arithmetic_for(Precision precision) {
  return precision == Precision::bf16 && ops::has_native_bf16() ? ops::Arithmetic::bf16 : ops::Arithmetic::f32;
}

Precision default_precision(tensor::DType stored) {
  return stored == tensor::DType::f32 || stored == tensor::DType::f64 ? Precision::f32 : Precision::bf16;
}

}  // namespace e5v::nn
