// Launches the ops: matrices become views, and host lists are uploaded for the kernels.
#include "ops/cuda/backend.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "ops/cuda/memory.h"

namespace e5v::ops::cuda {

using tensor::ConstMatrix;
using tensor::DType;
using tensor::Matrix;

View view_of(ConstMatrix matrix) {
  const auto element = [&] {
    switch (matrix.dtype) {
      case DType::f32: return Element::f32;
      case DType::f16: return Element::f16;
      case DType::bf16: return Element::bf16;
      default: fail<InvalidInput>("[cuda] expected f32, f16 or bf16, found {}", name_of(matrix.dtype));
    }
  }();
  return {const_cast<std::byte*>(matrix.data), element, matrix.rows, matrix.columns, matrix.stride};
}

Fp8View view_of(const Fp8Rows& rows) {
  return {reinterpret_cast<std::uint8_t*>(rows.values_MK.data), reinterpret_cast<float*>(rows.scales_M1.data)};
}

namespace {

/// Whether each row is fine; nothing when all are.
std::vector<std::uint8_t> mask_of(FineRows fine, std::int64_t rows) {
  if (fine.all) return {};
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(rows));
  for (const std::int64_t row : fine.some) mask[static_cast<std::size_t>(row)] = 1;
  return mask;
}

Activation activation_of(Pointwise function) {
  switch (function) {
    case Pointwise::gelu: return Activation::gelu;
    case Pointwise::gelu_tanh: return Activation::gelu_tanh;
    case Pointwise::quick_gelu: break;
  }
  return Activation::quick_gelu;
}

}  // namespace

void CudaBackend::rms_norm(ConstMatrix x, const float* gamma, float eps, Matrix y) {
  cuda::rms_norm(view_of(x), gamma, eps, view_of(y), stream_);
}

void CudaBackend::rms_norm_fp8(ConstMatrix x, const float* gamma, float eps, Matrix y, FineRows fine,
                               const Fp8Rows& rounded) {
  const Uploaded<std::uint8_t> wanted(mask_of(fine, y.rows), stream_);
  cuda::rms_norm_fp8(view_of(x), gamma, eps, view_of(y), wanted.data(), view_of(rounded), stream_);
}

void CudaBackend::layer_norm(ConstMatrix x, const float* gamma, const float* beta, float eps, Matrix y) {
  cuda::layer_norm(view_of(x), gamma, beta, eps, view_of(y), stream_);
}

void CudaBackend::l2_normalize(ConstMatrix x, Matrix y) { cuda::l2_normalize(view_of(x), view_of(y), stream_); }

void CudaBackend::rms_norm_backward(ConstMatrix x, const float* gamma, float eps, ConstMatrix dy, Matrix dx,
                                    float* dgamma) {
  const Temporary scratch(float_bytes(norm_scratch_floats(x.rows, x.columns)), stream_);
  cuda::rms_norm_backward(view_of(x), gamma, eps, view_of(dy), view_of(dx), dgamma, scratch.as<float>(), stream_);
}

void CudaBackend::layer_norm_backward(ConstMatrix x, const float* gamma, float eps, ConstMatrix dy, Matrix dx,
                                      float* dgamma, float* dbeta) {
  const Temporary scratch(float_bytes(norm_scratch_floats(x.rows, x.columns)), stream_);
  cuda::layer_norm_backward(view_of(x), gamma, eps, view_of(dy), view_of(dx), dgamma, dbeta, scratch.as<float>(),
                            stream_);
}

void CudaBackend::pointwise(Pointwise function, ConstMatrix x, Matrix y) {
  activate(activation_of(function), view_of(x), view_of(y), stream_);
}

void CudaBackend::pointwise_backward(Pointwise function, ConstMatrix x, ConstMatrix dy, Matrix dx) {
  activate_backward(activation_of(function), view_of(x), view_of(dy), view_of(dx), stream_);
}

void CudaBackend::swiglu(ConstMatrix gate_up, Matrix y) { cuda::swiglu(view_of(gate_up), view_of(y), stream_); }

void CudaBackend::swiglu_fp8(ConstMatrix gate_up, Matrix y, FineRows fine, const Fp8Rows& rounded) {
  const Uploaded<std::uint8_t> wanted(mask_of(fine, y.rows), stream_);
  cuda::swiglu_fp8(view_of(gate_up), view_of(y), wanted.data(), view_of(rounded), stream_);
}

void CudaBackend::swiglu_backward(ConstMatrix gate_up, ConstMatrix dy, Matrix dgate_up, bool add) {
  cuda::swiglu_backward(view_of(gate_up), view_of(dy), view_of(dgate_up), add, stream_);
}

void CudaBackend::rotary(Matrix x, std::span<const std::int32_t> positions, const RotaryTable& table, float direction) {
  const Uploaded<std::int32_t> places(positions, stream_);
  const float* cosines = table.on_device();
  cuda::rotary(view_of(x), places.data(), cosines, cosines + table.positions() * table.pairs(), table.pairs(),
               direction, stream_);
}

void CudaBackend::dropout(ConstMatrix x, const DropoutRule& rule, std::span<const std::uint64_t> names, Matrix y,
                          bool add) {
  const Uploaded<std::uint64_t> rows(names, stream_);
  cuda::dropout(view_of(x), {rule.limit, rule.scale, rule.key.seed, rule.key.step, rule.key.place}, rows.data(),
                view_of(y), add, stream_);
}

void CudaBackend::convert(ConstMatrix x, float scale, Matrix y) {
  cuda::convert(view_of(x), scale, view_of(y), stream_);
}

void CudaBackend::gather_rows(ConstMatrix table, std::span<const std::int32_t> indices, Matrix y) {
  const Uploaded<std::int32_t> rows(indices, stream_);
  cuda::gather_rows(view_of(table), rows.data(), view_of(y), stream_);
}

void CudaBackend::move_rows(ConstMatrix x, std::span<const std::int64_t> from, std::span<const std::int64_t> to,
                            Matrix y, bool add) {
  if (add && !to.empty()) {
    std::vector<std::int64_t> sorted(to.begin(), to.end());
    std::ranges::sort(sorted);
    const auto twice = std::ranges::adjacent_find(sorted, [](auto a, auto b) { return a == b && a >= 0; });
    if (twice != sorted.end()) return add_repeated_rows(x, from, to, y);
  }
  const std::size_t count = from.empty() ? to.size() : from.size();
  const Uploaded<std::int64_t> sources(from, stream_), targets(to, stream_);
  cuda::move_rows(view_of(x), from.empty() ? nullptr : sources.data(), to.empty() ? nullptr : targets.data(),
                  static_cast<std::int64_t>(count), view_of(y), add, stream_);
}

/// Adds to rows of y that occur more than once: the sources of each are collected in their order.
void CudaBackend::add_repeated_rows(ConstMatrix x, std::span<const std::int64_t> from, std::span<const std::int64_t> to,
                                    Matrix y) {
  std::vector<std::size_t> order(to.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return to[i]; });
  std::vector<std::int64_t> targets, begins, sources;
  for (const std::size_t i : order) {
    if (to[i] < 0) continue;
    if (targets.empty() || targets.back() != to[i]) {
      targets.push_back(to[i]);
      begins.push_back(static_cast<std::int64_t>(sources.size()));
    }
    sources.push_back(from.empty() ? static_cast<std::int64_t>(i) : from[i]);
  }
  begins.push_back(static_cast<std::int64_t>(sources.size()));
  const Uploaded<std::int64_t> target_list(targets, stream_), begin_list(begins, stream_),
      source_list(sources, stream_);
  add_grouped_rows(view_of(x), target_list.data(), begin_list.data(), source_list.data(),
                   static_cast<std::int64_t>(targets.size()), view_of(y), stream_);
}

void CudaBackend::add_column_sums(ConstMatrix x, float* sums) {
  const Temporary scratch(float_bytes(column_scratch_floats(x.rows, x.columns)), stream_);
  cuda::add_column_sums(view_of(x), sums, scratch.as<float>(), stream_);
}

void CudaBackend::add(ConstMatrix x, Matrix y) { cuda::add(view_of(x), view_of(y), stream_); }

void CudaBackend::fill(Matrix y, float value) { cuda::fill(view_of(y), value, stream_); }

void CudaBackend::unfold_patches(std::span<const std::uint8_t> tiles, std::int64_t edge, std::int64_t patch,
                                 std::span<const std::array<float, 256>, 3> table, Matrix y) {
  const Uploaded<std::uint8_t> bytes(tiles, stream_);
  const Uploaded<float> values(std::span(table.front().data(), 3 * table.front().size()), stream_);
  cuda::unfold_patches(bytes.data(), edge, patch, values.data(), view_of(y), stream_);
}

void CudaBackend::place_patches(ConstMatrix patches, const float* class_token, ConstMatrix positions, Matrix y) {
  cuda::place_patches(view_of(patches), class_token, view_of(positions), view_of(y), stream_);
}

}  // namespace e5v::ops::cuda
