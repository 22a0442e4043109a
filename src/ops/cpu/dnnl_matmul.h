#pragma once
#include <oneapi/dnnl/dnnl.hpp>
#include <string_view>

#include "tensor/matrix.h"

/// What the GEMMs of oneDNN share.
namespace e5v::ops::cpu {

inline const dnnl::engine& dnnl_engine() {
  static const dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

inline dnnl::memory::data_type dnnl_type(tensor::DType type) {
  switch (type) {
    case tensor::DType::bf16: return dnnl::memory::data_type::bf16;
    case tensor::DType::i8: return dnnl::memory::data_type::s8;
    case tensor::DType::u8: return dnnl::memory::data_type::u8;
    case tensor::DType::i32: return dnnl::memory::data_type::s32;
    default: return dnnl::memory::data_type::f32;
  }
}

inline dnnl::memory::desc matrix_desc(std::int64_t rows, std::int64_t columns, std::int64_t stride,
                                      tensor::DType type) {
  return {{rows, columns}, dnnl_type(type), dnnl::memory::dims{stride, 1}};
}

template <class Byte>
dnnl::memory::desc matrix_desc(const tensor::BasicMatrix<Byte>& matrix) {
  return matrix_desc(matrix.rows, matrix.columns, matrix.stride, matrix.dtype);
}

/// The [N, K] rows of a checkpoint as the [K, N] matrix that x is multiplied with.
inline dnnl::memory::desc transposed_desc(std::int64_t outputs, std::int64_t inputs, tensor::DType type) {
  return {{inputs, outputs}, dnnl_type(type), dnnl::memory::dims{1, inputs}};
}

/// y = x weight, by a description that oneDNN keeps compiled: after the first time this costs a lookup.
inline void run_matmul(tensor::ConstMatrix x_MK, const dnnl::memory& weight, tensor::Matrix y_MN) {
  const dnnl::memory::desc x_desc = matrix_desc(x_MK), y_desc = matrix_desc(y_MN);
  const dnnl::matmul::primitive_desc chosen({x_desc, weight.get_desc(), y_desc}, dnnl_engine());
  // All others are slower, the reference kernel thousands of times.
  require<DeviceError>(x_MK.dtype != tensor::DType::bf16 || std::string_view(chosen.impl_info_str()).starts_with("brg"),
                       "[matmul] oneDNN multiplies [{}, {}] to {} columns {} apart by {}", x_MK.rows, x_MK.columns,
                       y_MN.columns, y_MN.stride, chosen.impl_info_str());
  dnnl::memory x(x_desc, dnnl_engine(), const_cast<std::byte*>(x_MK.data)), y(y_desc, dnnl_engine(), y_MN.data);
  dnnl::stream stream(dnnl_engine());
  dnnl::matmul(chosen).execute(stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, weight}, {DNNL_ARG_DST, y}});
  stream.wait();
}

}  // namespace e5v::ops::cpu
