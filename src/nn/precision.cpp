#include "nn/precision.h"

#include "ops/isa.h"

namespace e5v::nn {

std::string_view name_of(Precision precision) {
  switch (precision) {
    case Precision::f32: return "f32";
    case Precision::bf16: return "bf16";
    case Precision::int8: return "int8";
    case Precision::fp8: return "fp8";
  }
  return "unknown";
}

ops::Arithmetic arithmetic_for(Precision precision, tensor::WeightFormat format, tensor::Place place) {
  if (precision == Precision::f32) return ops::Arithmetic::f32;
  if (place == tensor::Place::device) {
    const bool fp8 = precision == Precision::fp8 && format == tensor::WeightFormat::plain;
    return fp8 ? ops::Arithmetic::fp8 : ops::Arithmetic::bf16;
  }
  if (precision == Precision::fp8) return ops::Arithmetic::fp8;  // no CPU has it, which the weights report
  const bool bytes =
      format == tensor::WeightFormat::int8 ||
      (format == tensor::WeightFormat::int4 && ops::has_native_int8());  // otherwise bf16 or f32 is faster
  if (precision == Precision::int8 && bytes) return ops::Arithmetic::int8;
  return ops::has_native_bf16() ? ops::Arithmetic::bf16 : ops::Arithmetic::f32;
}

tensor::DType decoded_type(Precision precision) {
  return precision == Precision::f32 ? tensor::DType::f32 : tensor::DType::bf16;
}

bool bf16_attention(Precision precision, tensor::Place place) {
  return precision != Precision::f32 && (place == tensor::Place::device || ops::has_native_bf16());
}

Precision default_precision(tensor::DType stored, tensor::WeightFormat format, tensor::Place place,
                            bool rounds_inputs) {
  switch (format) {
    case tensor::WeightFormat::int8:
      return place == tensor::Place::host && rounds_inputs ? Precision::int8 : Precision::bf16;
    case tensor::WeightFormat::int4:
      return place == tensor::Place::host && ops::has_native_int8() ? Precision::int8 : Precision::bf16;
    case tensor::WeightFormat::nf4: return Precision::bf16;
    case tensor::WeightFormat::plain: break;
  }
  return stored == tensor::DType::f32 || stored == tensor::DType::f64 ? Precision::f32 : Precision::bf16;
}

}  // namespace e5v::nn
