#include <string_view>

#include "ops/cpu/dnnl_matmul.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/product.h"
#include "ops/cpu/scratch.h"
#include "ops/isa.h"

namespace e5v::ops::cpu {
namespace {

using tensor::DType;

/// oneDNN's description of a factor. Strides describe a transposed one.
dnnl::memory::desc desc_of(const Factor& factor) {
  const std::int64_t stride = factor.matrix.stride;
  return {{factor.rows(), factor.columns()},
          dnnl_type(factor.matrix.dtype),
          factor.side == Side::plain ? dnnl::memory::dims{stride, 1} : dnnl::memory::dims{1, stride}};
}

}  // namespace

void product_bf16(tensor::ConstMatrix a, const Factor& b, tensor::Matrix c, bool add) {
  if (c.rows == 0 || c.columns == 0) return;
  require<DeviceError>(has_native_bf16(), "[product] bf16 on a CPU without instructions for it");
  const dnnl::memory::desc a_desc = matrix_desc(a), b_desc = desc_of(b), c_desc = matrix_desc(c);
  dnnl::primitive_attr attributes;
  if (add) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
  try {
    const dnnl::matmul::primitive_desc kernel({a_desc, b_desc, c_desc}, attributes, dnnl_engine());
    const std::string_view name = kernel.impl_info_str();
    // Other kernels are reference kernels, which are thousands of times slower.
    require<DeviceError>(name.starts_with("brg") || name.starts_with("gemm:jit"),
                         "[product] this CPU has no fast bf16 kernel for [{}, {}] times [{}, {}]: {}", a.rows,
                         a.columns, b.rows(), b.columns(), name);
    const auto memory_of = [](const dnnl::memory::desc& desc, const std::byte* data) {
      return dnnl::memory(desc, dnnl_engine(), const_cast<std::byte*>(data));
    };
    dnnl::stream stream(dnnl_engine());
    dnnl::matmul(kernel).execute(stream, {{DNNL_ARG_SRC, memory_of(a_desc, a.data)},
                                          {DNNL_ARG_WEIGHTS, memory_of(b_desc, b.matrix.data)},
                                          {DNNL_ARG_DST, memory_of(c_desc, c.data)}});
    stream.wait();
  } catch (const dnnl::error& error) {
    fail<DeviceError>("[product] bf16 product of [{}, {}] and [{}, {}] failed: {}", a.rows, a.columns, b.rows(),
                      b.columns(), error.message);
  }
}

void product_bf16_transposed(tensor::ConstMatrix a, tensor::ConstMatrix b, tensor::Matrix c) {
  // oneDNN takes transposed left factors, too, but divides their sums among its threads.
  thread_local Scratch memory;
  const auto bytes = static_cast<std::size_t>(a.rows * a.columns * size_of(DType::bf16));
  const tensor::Matrix turned{memory.reserve(bytes), DType::bf16, a.columns, a.rows, a.rows};
  transpose_bf16(a, turned);
  product_bf16(turned, {b, Side::plain}, c, true);
}

}  // namespace e5v::ops::cpu
