#include <string_view>

#include "ops/cpu/dnnl_matmul.h"
#include "ops/cpu/product.h"

namespace e5v::ops::cpu {
namespace {

/// The factor as oneDNN sees it: a transposed one by its strides.
dnnl::memory::desc desc_of(const Factor& factor) {
  const std::int64_t stride = factor.matrix.stride;
  return {{factor.rows(), factor.columns()},
          dnnl_type(factor.matrix.dtype),
          factor.side == Side::plain ? dnnl::memory::dims{stride, 1} : dnnl::memory::dims{1, stride}};
}

dnnl::memory memory_of(const Factor& factor, const dnnl::memory::desc& desc) {
  return {desc, dnnl_engine(), const_cast<std::byte*>(factor.matrix.data)};
}

}  // namespace

void product_bf16(const Factor& a, const Factor& b, tensor::Matrix c, bool add) {
  if (c.rows == 0 || c.columns == 0) return;
  const dnnl::memory::desc a_desc = desc_of(a), b_desc = desc_of(b), c_desc = matrix_desc(c);
  dnnl::primitive_attr attributes;
  if (add) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
  try {
    const dnnl::matmul::primitive_desc kernel({a_desc, b_desc, c_desc}, attributes, dnnl_engine());
    const std::string_view name = kernel.impl_info_str();
    // The others are reference kernels, thousands of times slower.
    require<DeviceError>(name.starts_with("brg") || name.starts_with("gemm:jit"),
                         "[product] this CPU has no fast bf16 kernel for [{}, {}] times [{}, {}]: {}", a.rows(),
                         a.columns(), b.rows(), b.columns(), name);
    dnnl::stream stream(dnnl_engine());
    dnnl::matmul(kernel).execute(stream, {{DNNL_ARG_SRC, memory_of(a, a_desc)},
                                          {DNNL_ARG_WEIGHTS, memory_of(b, b_desc)},
                                          {DNNL_ARG_DST, dnnl::memory(c_desc, dnnl_engine(), c.data)}});
    stream.wait();
  } catch (const dnnl::error& error) {
    fail<DeviceError>("[product] bf16 product of [{}, {}] and [{}, {}] failed: {}", a.rows(), a.columns(), b.rows(),
                      b.columns(), error.message);
  }
}

}  // namespace e5v::ops::cpu
