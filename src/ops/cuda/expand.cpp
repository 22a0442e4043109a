#include "ops/cuda/expand.h"

#include "ops/cuda/backend.h"

namespace e5v::ops::cuda {
namespace {

template <class T>
const T* data_of(const tensor::TensorView& view) {
  return reinterpret_cast<const T*>(view.data);
}

Element element_of(const tensor::TensorView& view) { return view_of(matrix_of(view)).type; }

Nf4View nf4_view(const tensor::StoredMatrix& weight) {
  static_assert(kNf4BlockOfView == tensor::kNf4Block && kNf4NestedBlockOfView == tensor::kNf4NestedBlock);
  const tensor::Nf4Tables& tables = weight.nf4_tables;
  return {data_of<std::uint8_t>(weight.values), weight.scales.data,
          data_of<float>(tables.code_map),      data_of<float>(tables.scale_map),
          data_of<float>(tables.nested_scales), tables.offset};
}

}  // namespace

void expand(const tensor::StoredMatrix& weight, tensor::Matrix y, cudaStream_t stream) {
  switch (weight.format) {
    case tensor::WeightFormat::plain: return convert(view_of(matrix_of(weight.values)), 1, view_of(y), stream);
    case tensor::WeightFormat::int8:
      return expand_int8(data_of<std::int8_t>(weight.values), weight.scales.data, element_of(weight.scales), view_of(y),
                         stream);
    case tensor::WeightFormat::int4:
      return expand_int4(data_of<std::int32_t>(weight.values), weight.scales.data, element_of(weight.scales),
                         weight.group(), view_of(y), stream);
    case tensor::WeightFormat::nf4: return expand_nf4(nf4_view(weight), view_of(y), stream);
  }
}

}  // namespace e5v::ops::cuda
