#pragma once
#include <omp.h>

#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <string_view>
#include <tuple>

#include "tensor/matrix.h"

/// Common parts of oneDNN's GEMMs.
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

/// The description of a checkpoint's [N, K] rows as the [K, N] factor of x.
inline dnnl::memory::desc transposed_desc(std::int64_t outputs, std::int64_t inputs, tensor::DType type) {
  return {{inputs, outputs}, dnnl_type(type), dnnl::memory::dims{1, inputs}};
}

/// The kernel for x [rows, K] and a packed weight. Its sizes and type determine the layout. It is made once for each
/// size and number of threads, because creating it costs as much as multiplying a small block.
inline const dnnl::matmul& matmul_kernel(const tensor::ConstMatrix& x, const dnnl::memory& weight,
                                         const tensor::Matrix& y) {
  using Key = std::tuple<int, tensor::DType, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;
  constexpr std::size_t kMaxKernels = 512;  // batches have many sizes, and each kernel takes some KiB of code
  thread_local std::map<Key, dnnl::matmul> kernels;
  if (kernels.size() >= kMaxKernels) kernels.clear();
  const auto [entry, is_new] =
      kernels.try_emplace(Key{omp_get_max_threads(), x.dtype, x.rows, x.columns, x.stride, y.columns});
  if (!is_new) return entry->second;
  try {
    const dnnl::matmul::primitive_desc chosen({matrix_desc(x), weight.get_desc(), matrix_desc(y)}, dnnl_engine());
    // All other kernels are slower, the reference kernel thousands of times.
    require<DeviceError>(x.dtype != tensor::DType::bf16 || std::string_view(chosen.impl_info_str()).starts_with("brg"),
                         "[matmul] oneDNN multiplies [{}, {}] to {} columns {} apart by {}", x.rows, x.columns,
                         y.columns, y.stride, chosen.impl_info_str());
    entry->second = dnnl::matmul(chosen);
  } catch (...) {
    kernels.erase(entry);
    throw;
  }
  return entry->second;
}

/// y = x weight. y has no gaps between its rows.
inline void run_matmul(tensor::ConstMatrix x_MK, const dnnl::memory& weight, tensor::Matrix y_MN) {
  const dnnl::matmul& kernel = matmul_kernel(x_MK, weight, y_MN);
  dnnl::memory x(matrix_desc(x_MK), dnnl_engine(), const_cast<std::byte*>(x_MK.data)),
      y(matrix_desc(y_MN), dnnl_engine(), y_MN.data);
  dnnl::stream stream(dnnl_engine());
  kernel.execute(stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, weight}, {DNNL_ARG_DST, y}});
  stream.wait();
}

}  // namespace e5v::ops::cpu
